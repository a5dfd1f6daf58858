package transfer_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/store/blob"
	"github.com/org/registry-action/internal/store/blob/fsblob"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/kv/boltkv"
	"github.com/org/registry-action/internal/store/storetest"
	"github.com/org/registry-action/internal/store/transfer"
)

func openDB(t *testing.T) *boltkv.DB {
	t.Helper()
	db := storetest.OpenDB(t, nil)
	return db
}

func openBlobs(t *testing.T) (*fsblob.Store, string) {
	t.Helper()
	dir := t.TempDir()
	s, err := fsblob.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, dir
}

func row(partition, sort, value string) kv.Row {
	return kv.Row{Key: kv.Key{Partition: partition, Sort: sort}, Value: []byte(value)}
}

func apply(t *testing.T, db kv.DB, ops ...kv.Op) {
	t.Helper()
	if err := db.Apply(t.Context(), ops...); err != nil {
		t.Fatal(err)
	}
}

func sums(t *testing.T, rows transfer.Rows) (here, there transfer.Sum) {
	t.Helper()
	here, there, err := rows.Sums(t.Context(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return here, there
}

// A copy has what the original has, whatever the target had of it, and the second one writes nothing.
func TestRows(t *testing.T) {
	from, to := openDB(t), openDB(t)
	expiring := row("p1", "expires", "v")
	expiring.Expires = time.Now().Add(time.Hour)
	apply(t, from, kv.Put(expiring), kv.Put(row(transfer.Partition, "own", "from")))
	for i := range 30 {
		var ops []kv.Op
		for j := range 50 {
			ops = append(ops, kv.Put(row(fmt.Sprint("p", i%7), fmt.Sprint(i, ".", j), strings.Repeat("x", i))))
		}
		apply(t, from, ops...)
	}
	apply(t, to, kv.Put(row("p1", "1.1", "older")), kv.Put(row(transfer.Partition, "own", "to")))
	var n transfer.Progress
	rows := transfer.Rows{From: from, To: to, Batch: kv.MaxBatch, Progress: &n}
	if err := rows.Copy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if a, b := sums(t, rows); a != b || a.Rows != 1501 || n.Counts().RowsCopied != 1501 {
		t.Fatalf("the sums are %s and %s; %+v", a, b, n.Counts())
	}
	if own, err := to.Get(t.Context(), kv.Key{Partition: transfer.Partition, Sort: "own"}); err != nil || string(own.Value) != "to" {
		t.Errorf("the target's own row is %q, %v", own.Value, err)
	}
	rows.Progress = &transfer.Progress{}
	if err := rows.Copy(t.Context()); err != nil || rows.Progress.Counts().RowsCopied != 0 {
		t.Errorf("the second copy: %v, %+v", err, rows.Progress.Counts())
	}

	changed := []kv.Key{{Partition: "p1", Sort: "1.1"}, {Partition: "p1", Sort: "1.2"}, {Partition: "p9", Sort: "new"}, {Partition: transfer.Partition, Sort: "own"}}
	apply(t, from, kv.Put(row("p1", "1.1", "changed")), kv.Delete(changed[1]), kv.Put(row("p9", "new", "v")), kv.Delete(kv.Key{Partition: "p2", Sort: "2.2"}))
	if err := rows.CopyKeys(t.Context(), changed); err != nil {
		t.Fatal(err)
	}
	if a, b := sums(t, rows); a == b || b.Rows != a.Rows+1 {
		t.Errorf("with a row that nobody named the sums are %s and %s", a, b)
	}
	if err := rows.Prune(t.Context()); err != nil {
		t.Fatal(err)
	}
	if a, b := sums(t, rows); a != b {
		t.Errorf("at last the sums are %s and %s", a, b)
	}
}

// A comparison names the rows that are not the same, and no others.
func TestDiffering(t *testing.T) {
	from, to := openDB(t), openDB(t)
	now := time.Now()
	expires := func(r kv.Row, at time.Time) kv.Row { r.Expires = at; return r }
	for i := range 300 {
		r := row(fmt.Sprint("p", i%3), fmt.Sprint("s", i), "v")
		apply(t, from, kv.Put(r))
		apply(t, to, kv.Put(r))
	}
	apply(t, from, kv.Put(row("here", "only", "v")), kv.Put(row("p1", "s1", "changed")), kv.Put(expires(row("p2", "s2", "v"), now.Add(24*time.Hour))),
		kv.Put(expires(row("here", "soon gone", "v"), now.Add(time.Minute))), kv.Put(row("others", "here", "v")), kv.Put(row(transfer.Partition, "own", "from")))
	apply(t, to, kv.Put(row("there", "only", "v")), kv.Put(expires(row("there", "soon gone", "v"), now.Add(time.Minute))), kv.Put(row(transfer.Partition, "own", "to")))
	rows := transfer.Rows{From: from, To: to, Of: func(k kv.Key) bool { return k.Partition != "others" }, Progress: &transfer.Progress{}}
	want := []string{"here / only", "p1 / s1", "p2 / s2", "there / only"}
	until := now.Add(10 * time.Minute)
	names := func(keys []kv.Key, err error) []string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, k := range keys {
			out = append(out, k.String())
		}
		slices.Sort(out)
		return slices.Compact(out)
	}
	keys, err := rows.Differing(t.Context(), until)
	if got := names(keys, err); !slices.Equal(got, want) {
		t.Errorf("not the same are %q, want %q", got, want)
	}
	asked := append(keys, kv.Key{Partition: "p0", Sort: "s0"}, kv.Key{Partition: "nowhere", Sort: "s"}, kv.Key{Partition: "here", Sort: "soon gone"},
		kv.Key{Partition: "there", Sort: "soon gone"}, kv.Key{Partition: "others", Sort: "here"}, kv.Key{Partition: transfer.Partition, Sort: "own"})
	if got := names(rows.DifferingOf(t.Context(), asked, until)); !slices.Equal(got, want) {
		t.Errorf("of those that were asked for, not the same are %q, want %q", got, want)
	}
	if err := rows.CopyKeys(t.Context(), keys); err != nil {
		t.Fatal(err)
	}
	if got := names(rows.Differing(t.Context(), until)); len(got) > 0 {
		t.Errorf("copied, not the same are %q", got)
	}
	if _, err := to.Get(t.Context(), kv.Key{Partition: "others", Sort: "here"}); !errors.Is(err, kv.ErrNotFound) {
		t.Errorf("a row that is not to be copied: %v", err)
	}
	if here, there, err := rows.Sums(t.Context(), until); err != nil || here != there {
		t.Errorf("the sums are %s and %s, %v", here, there, err)
	}
}

// Each part of a row counts in a sum, and so does where a part ends.
func TestSums(t *testing.T) {
	base := []kv.Row{row("p", "s", "v"), row("p", "t", "v")}
	later := row("p", "t", "v")
	later.Expires = time.Now().Add(time.Hour)
	seen := map[transfer.Sum]string{}
	for name, rows := range map[string][]kv.Row{
		"the rows": base, "one": base[:1], "another value": {row("p", "s", "w"), base[1]}, "values exchanged": {row("p", "s", ""), row("p", "t", "vv")},
		"another border": {row("ps", "s", "v"), base[1]}, "expires": {base[0], later}, "none": nil,
	} {
		db := openDB(t)
		for _, r := range rows {
			apply(t, db, kv.Put(r))
		}
		s, _ := sums(t, transfer.Rows{From: db, To: db})
		if other, twice := seen[s]; twice {
			t.Errorf("%s and %s have the sum %s", name, other, s)
		}
		seen[s] = name
	}
}

func put(t *testing.T, s blob.Store, space blob.Space, text string) blob.Key {
	t.Helper()
	info, _, err := s.Put(t.Context(), blob.Key{Space: space}, strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return info.Key
}

func list(t *testing.T, s blob.Store) (keys []blob.Key) {
	t.Helper()
	for _, space := range transfer.Spaces {
		for info, err := range s.List(t.Context(), space, digest.SHA256{}) {
			if err != nil {
				t.Fatal(err)
			}
			keys = append(keys, info.Key)
		}
	}
	return keys
}

func TestBlobs(t *testing.T) {
	from, dir := openBlobs(t)
	to, _ := openBlobs(t)
	for i := range 100 {
		space := transfer.Spaces[i%2]
		put(t, from, space, fmt.Sprint("blob ", i))
		if i%3 == 0 {
			put(t, to, space, fmt.Sprint("blob ", i))
		}
		if i%10 == 0 {
			put(t, to, space, fmt.Sprint("gone ", i))
		}
	}
	b := transfer.Blobs{From: from, To: to, Progress: &transfer.Progress{}}
	if err := b.Copy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := b.Progress.Counts(); n.BlobsCopied != 66 || n.Blobs != 100 {
		t.Errorf("counted %+v", n)
	}
	want := list(t, from)
	if got := list(t, to); len(got) != 100 || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%d blobs are there, want %d", len(got), len(want))
	}

	damaged := put(t, from, blob.Packages, "to be damaged")
	hex := damaged.Digest.Hex()
	file := filepath.Join(dir, string(damaged.Space), hex[:2], hex)
	if err := errors.Join(os.Chmod(file, 0o600), os.WriteFile(file, []byte("to be dAmaged"), 0o600)); err != nil {
		t.Fatal(err)
	}
	for name, copied := range map[string]error{"Copy": b.Copy(t.Context()), "CopySince": b.CopySince(t.Context(), time.Now().Add(-time.Hour))} {
		if !errors.Is(copied, blob.ErrDigest) || !strings.Contains(fmt.Sprint(copied), hex) {
			t.Errorf("%s of a damaged blob: %v", name, copied)
		}
	}
	if _, err := to.Stat(t.Context(), damaged); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("the damaged blob at the target: %v", err)
	}
	if err := b.CopySince(t.Context(), time.Now().Add(time.Hour)); err != nil {
		t.Errorf("nothing was stored since, and yet: %v", err)
	}
}

// A Gate forgets no key of a batch that happened, and lets nothing happen once it is stopped.
func TestGate(t *testing.T) {
	g := transfer.NewGate(openDB(t), nil)
	apply(t, g, kv.Put(row("p", "before", "v")))
	g.Watch()
	apply(t, g, kv.Put(row("p", "a", "v")), kv.Check([]byte("v"), kv.Key{Partition: "p", Sort: "before"}))
	apply(t, g, kv.Delete(kv.Key{Partition: "p", Sort: "b"}))
	if err := g.Apply(t.Context(), kv.PutNew(row("p", "a", "w"))); !errors.Is(err, kv.ErrConflict) {
		t.Fatal(err)
	}
	keys, ok := g.Changed()
	if len(keys) != 2 || !ok {
		t.Errorf("changed are %v, %t", keys, ok)
	}
	if keys, ok := g.Changed(); len(keys) != 0 || !ok {
		t.Errorf("and then %v, %t", keys, ok)
	}
	g.Stop(transfer.Moving())
	if err := g.Apply(t.Context(), kv.Put(row("p", "late", "v"))); !errors.Is(err, fault.Unavailable) || fault.Wait(err) == 0 {
		t.Errorf("a write when stopped: %v", err)
	}
	if _, err := g.Get(t.Context(), kv.Key{Partition: "p", Sort: "a"}); err != nil {
		t.Errorf("a read when stopped: %v", err)
	}
	g.Stop(nil)
	apply(t, g, kv.Put(row("p", "later", "v")))
	if keys, _ := g.Changed(); len(keys) != 0 {
		t.Errorf("nobody watches, and yet %v", keys)
	}
}

// slowDB lets a batch be under way until the test says so.
type slowDB struct {
	kv.DB
	begun, release chan struct{}
}

func (s *slowDB) Apply(ctx context.Context, ops ...kv.Op) error {
	s.begun <- struct{}{}
	<-s.release
	return s.DB.Apply(ctx, ops...)
}

// Stop waits for the batches under way, and their keys are remembered.
func TestStopWaits(t *testing.T) {
	slow := &slowDB{openDB(t), make(chan struct{}), make(chan struct{})}
	g := transfer.NewGate(slow, nil)
	g.Watch()
	wrote, stopped := make(chan error, 1), make(chan struct{})
	go func() { wrote <- g.Apply(t.Context(), kv.Put(row("p", "under way", "v"))) }()
	<-slow.begun
	go func() { g.Stop(transfer.Moving()); close(stopped) }()
	select {
	case <-stopped:
		t.Error("Stop did not wait")
	case slow.release <- struct{}{}:
	}
	<-stopped
	if err := <-wrote; err != nil {
		t.Error(err)
	}
	if keys, ok := g.Changed(); len(keys) != 1 || !ok {
		t.Errorf("changed are %v, %t", keys, ok)
	}
}

// All servers of a table stop to write within seconds of the marker, and go on without it.
func TestMarkerStopsServers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := openDB(t)
		servers := []*transfer.Gate{transfer.NewGate(db, transfer.MarkerOf(db)), transfer.NewGate(db, transfer.MarkerOf(db))}
		write := func(g *transfer.Gate) error { return g.Apply(t.Context(), kv.Put(row("p", "s", "v"))) }
		for _, g := range servers {
			if err := write(g); err != nil {
				t.Fatal(err)
			}
		}
		for _, state := range []transfer.State{transfer.Leaving, transfer.Left} {
			if err := transfer.Mark(t.Context(), db, transfer.Marker{ID: "1", State: state}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(transfer.Settle)
			for _, g := range servers {
				if err := write(g); !errors.Is(err, fault.Unavailable) {
					t.Errorf("a write when %s: %v", state, err)
				}
			}
		}
		if err := transfer.Mark(t.Context(), db, transfer.Marker{ID: "2", State: transfer.Leaving}); !errors.Is(err, kv.ErrConflict) {
			t.Errorf("another move of the same table: %v", err)
		}
		if err := transfer.Unmark(t.Context(), db, "2"); err != nil {
			t.Error(err)
		}
		if err := write(servers[0]); err == nil {
			t.Error("another move has taken the marker away")
		}
		if err := transfer.Unmark(t.Context(), db, "1"); err != nil {
			t.Fatal(err)
		}
		for _, g := range servers {
			if err := write(g); err != nil {
				t.Errorf("a write afterwards: %v", err)
			}
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
}
