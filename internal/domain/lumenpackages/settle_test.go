package lumenpackages

import (
	"context"
	"iter"
	"testing"
	"time"

	"github.com/org/registry-action/internal/format/lumen"
	"github.com/org/registry-action/internal/store/kv"
)

// partDB shows a part of a batch only, as DynamoDB may until Apply has returned.
type partDB struct {
	kv.DB
	hidden map[string]bool // partitions of which no row is seen
}

func (d *partDB) Scan(ctx context.Context, partition string, q kv.Query) iter.Seq2[kv.Row, error] {
	if d.hidden[partition] {
		return func(func(kv.Row, error) bool) {}
	}
	return d.DB.Scan(ctx, partition, q)
}

// What was read while a revision was new, of a part of its rows, is not kept for good.
func TestTreeSettles(t *testing.T) {
	w := newWorld(t, Options{})
	w.publish(alice, utils, "1.0.0")
	part := &partDB{w.DB, map[string]bool{namesPartition: true, versionsPartition: true}}
	reader := New(part, w.Blobs, w.Keeper(), Options{Settle: time.Second, Now: w.Now, Log: w.Log()})
	packages := func() int {
		t.Helper()
		return decoded[lumen.Index](t, must(t, reader.Index)).PackageCount
	}
	files := func() (n int) {
		t.Helper()
		for _, err := range reader.Files(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		return n
	}
	if n, m := packages(), files(); n != 0 || m != 3 {
		t.Fatalf("%d packages and %d files are seen of a batch that hides them", n, m)
	}
	part.hidden = nil
	w.Pass(time.Second)
	if n, m := packages(), files(); n != 1 || m != 7 {
		t.Errorf("a second later %d packages and %d files are listed, want 1 and 7", n, m)
	}

	// What is settled is not read again.
	part.hidden = map[string]bool{namesPartition: true, versionsPartition: true}
	w.Pass(time.Hour)
	if n, m := packages(), files(); n != 1 || m != 7 {
		t.Errorf("an hour later %d packages and %d files are listed, want what is in memory", n, m)
	}

	// A new revision has a time of its own.
	w.publish(alice, "@acme/b", "1.0.0")
	if n := packages(); n != 0 {
		t.Fatalf("%d packages are seen of a batch that hides them", n)
	}
	part.hidden = nil
	w.Pass(time.Second)
	if n := packages(); n != 2 {
		t.Errorf("%d packages are listed, want 2", n)
	}
}

// stale shows some rows as they were before a batch, for so many reads.
type stale struct {
	kv.DB
	rows  map[kv.Key]kv.Row
	reads int
}

func (d *stale) Scan(ctx context.Context, partition string, q kv.Query) iter.Seq2[kv.Row, error] {
	if partition == versionsPartition {
		d.reads--
	}
	return func(yield func(kv.Row, error) bool) {
		for row, err := range d.DB.Scan(ctx, partition, q) {
			if old, ok := d.rows[row.Key]; ok && d.reads >= 0 {
				if old.Value == nil {
					continue // it was not there
				}
				row = old
			}
			if !yield(row, err) {
				return
			}
		}
	}
}

// A write beside one that another server makes, of which the head is seen and the entries are not yet, loses nothing of it.
func TestWriteBesideATornOne(t *testing.T) {
	for what, tt := range map[string]struct {
		other, own func(s *Service, w *world) error
	}{
		"a publish": {
			func(s *Service, w *world) error {
				_, err := sendTo(t.Context(), s, alice, lib(utils, "1.1.0", "x").tar(t), Release{})
				return err
			},
			func(s *Service, w *world) error {
				_, err := sendTo(t.Context(), s, alice, lib(utils, "1.2.0", "x").tar(t), Release{})
				return err
			},
		},
		"a yank": {
			func(s *Service, w *world) error { return s.Yank(t.Context(), alice, utils, "1.0.0", true, "bad") },
			func(s *Service, w *world) error {
				_, err := sendTo(t.Context(), s, alice, lib(utils, "1.2.0", "x").tar(t), Release{})
				return err
			},
		},
		"a yank, and a revocation": {
			func(s *Service, w *world) error { return s.Yank(t.Context(), alice, utils, "1.0.0", true, "bad") },
			func(s *Service, w *world) error {
				signer, err := s.signer(t.Context())
				if err == nil {
					_, err = s.RevokeKey(t.Context(), signer.public.KeyID)
				}
				return err
			},
		},
	} {
		w := newWorld(t, Options{})
		w.publish(alice, utils, "1.0.0")
		db := &stale{DB: w.DB, rows: map[kv.Key]kv.Row{}, reads: 3}
		for _, version := range []string{"1.0.0", "1.1.0"} {
			row, _ := w.DB.Get(t.Context(), entryKey(utils, version)) // the second is not there
			db.rows[entryKey(utils, version)] = row
		}
		if err := tt.other(w.Service, w); err != nil {
			t.Fatal(err)
		}
		yanked := len(w.packageIndex(utils).Yanked)
		torn := New(db, w.Blobs, w.Keeper(), Options{Now: w.Now, SpoolDir: w.Spool, Log: w.Log()})
		if err := tt.own(torn, w); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if n := len(w.packageIndex(utils).Yanked); n != yanked {
			t.Errorf("%s: %d versions are yanked, %d were", what, n, yanked)
		}
		w.verify()
	}
}

// A package that a server before this one wrote, whose head does not count its versions, is written to as before.
func TestHeadsThatDoNotCount(t *testing.T) {
	w := newWorld(t, Options{})
	w.publish(alice, utils, "1.0.0")
	p, err := w.load(t.Context(), utils)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := w.entries(t.Context(), utils)
	if err != nil {
		t.Fatal(err)
	}
	p.head.Versions, p.head.Written, entries[0].Revision = 0, 0, 0
	if err := w.DB.Apply(t.Context(), kv.Put(kv.JSON(headKey(utils), p.head)), kv.Put(kv.JSON(entryKey(utils, "1.0.0"), entries[0]))); err != nil {
		t.Fatal(err)
	}
	w.publish(alice, utils, "1.1.0")
	w.yank(alice, utils, "1.0.0", true, "")
	if x := w.packageIndex(utils); len(x.Versions) != 2 || len(x.Yanked) != 1 {
		t.Errorf("the index is %+v", x)
	}
	w.verify()
}
