package stats

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/kv"
)

func TestKindsAndVersionsAreToldApart(t *testing.T) {
	w := newWorld(t)
	w.count(3, NPM, "@acme/core", "1.0.0")
	w.count(2, NPM, "@acme/core", "1.1.0")
	w.count(4, Zig, "@acme/core", "1.0.0")
	w.count(1, Lumen, "other", "1.0.0")
	w.written()
	p := w.pkg("@acme/core")
	want := Package{
		Sums:     Sums{9, 9, 9},
		Kinds:    map[Kind]Sums{NPM: {5, 5, 5}, Zig: {4, 4, 4}},
		Versions: map[string]Sums{"1.0.0": {7, 7, 7}, "1.1.0": {2, 2, 2}},
		Last:     w.clock.Now(),
	}
	if diff := cmp.Diff(want, p); diff != "" {
		t.Errorf("package (-want +got):\n%s", diff)
	}
	if p := w.pkg("@acme/core", NPM); p.Total != 5 || p.Versions["1.0.0"].Total != 3 {
		t.Errorf("of npm: %+v", p)
	}
	if _, err := w.Package(t.Context(), "unknown", Downloads()); !errors.Is(err, fault.NotFound) {
		t.Errorf("of an unknown package: %v", err)
	}
}

// What was downloaded last comes first, of one kind.
func TestLately(t *testing.T) {
	w := newWorld(t)
	for _, version := range []string{"b/1", "a", "c"} {
		w.count(2, Commit, "@acme/a", version)
		w.clock.Pass(24 * time.Hour)
	}
	w.count(1, Commit, "@acme/a", "a")
	w.count(1, NPM, "@acme/a", "1.0.0")
	w.written()
	for limit, want := range map[int]string{5: "[a c b/1]", 2: "[a c]"} {
		if got, err := w.Lately(t.Context(), Commit, "@acme/a", limit); err != nil || fmt.Sprint(got) != want {
			t.Errorf("Lately(%d) = %v, %v, want %s", limit, got, err, want)
		}
	}
	if got, err := w.Lately(t.Context(), Zig, "@acme/a", 5); err != nil || len(got) != 0 {
		t.Errorf("of another kind = %v, %v", got, err)
	}
}

func TestPeriods(t *testing.T) {
	w := newWorld(t)
	for range 40 { // one more each day than the day before would be, and today none
		w.count(1, NPM, "a", "1.0.0")
		w.clock.Pass(24 * time.Hour)
	}
	w.written()
	if got := w.pkg("a").Sums; got != (Sums{40, 6, 29}) {
		t.Errorf("sums = %+v, want 40, 6, 29", got)
	}
	if got := w.pkg("a").Versions["1.0.0"]; got != (Sums{40, 6, 29}) {
		t.Errorf("sums of the version = %+v", got)
	}
	line, err := w.Timeline(t.Context(), "a", "", Downloads(), 30)
	if err != nil || len(line) != 30 {
		t.Fatalf("timeline = %v, %v", line, err)
	}
	if line[0] != (DayCount{"2026-03-26", 1}) || line[28].Count != 1 || line[29] != (DayCount{"2026-04-24", 0}) {
		t.Errorf("timeline = %v", line)
	}
	if line, err := w.Timeline(t.Context(), "a", "1.0.0", Downloads(), 3); err != nil || fmt.Sprint(line) != "[{2026-04-22 1} {2026-04-23 1} {2026-04-24 0}]" {
		t.Errorf("timeline of a version = %v, %v", line, err)
	}
	if _, err := w.Timeline(t.Context(), "a", "1.0.0", Downloads(), 31); !errors.Is(err, fault.Invalid) {
		t.Errorf("a longer one: %v", err)
	}
	if line, err := w.Timeline(t.Context(), "nobody", "", Downloads(), MaxDays); err != nil || len(line) != MaxDays {
		t.Errorf("of nothing: %d days, %v", len(line), err)
	}
}

// Daily rows go, sums stay.
func TestRetention(t *testing.T) {
	w := newWorld(t)
	w.count(2, NPM, "a", "1.0.0")
	w.count(2, Commit, "a", "abcdef0123")
	w.written()
	w.clock.Pass(dailyLife + 24*time.Hour)
	w.count(1, NPM, "b", "1.0.0")
	w.written()
	if p := w.pkg("a"); p.Total != 4 || len(p.Versions) != 1 || p.Versions["1.0.0"].Total != 2 {
		t.Errorf("after 401 days: %+v", p)
	}
	for _, k := range []kv.Key{dayKey(NPM, "a", dayOf(newClock().Now())), recentKey(NPM, "a", "1.0.0", dayOf(newClock().Now())), nameKey(NPM, dayOf(newClock().Now()), "a")} {
		if _, err := w.db.Get(t.Context(), k); !errors.Is(err, kv.ErrNotFound) {
			t.Errorf("%s is still there: %v", k, err)
		}
	}
}

// Of what clients report nothing is kept for ever: they may make up names.
func TestRetentionOfEvents(t *testing.T) {
	w := newWorld(t)
	report := func() {
		t.Helper()
		if err := w.Record(reporter(false), []Event{{"made-up", "install", "1.0.0"}, {"made-up", "build_error", ""}}); err != nil {
			t.Fatal(err)
		}
		w.written()
	}
	report()
	w.clock.Pass(dailyLife - 24*time.Hour)
	report()
	if p := w.pkg("made-up", Install); p.Total != 2 || p.Versions["1.0.0"].Total != 2 || !p.Last.Equal(w.clock.Now()) {
		t.Errorf("what is reported now and then has %+v", p)
	}
	w.clock.Pass(dailyLife + 24*time.Hour)
	w.count(1, NPM, "b", "1.0.0")
	w.written()
	left := 0
	for row, err := range w.db.(kv.Walker).Walk(t.Context(), kv.Key{}) {
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(row.Key.String(), "made-up") {
			t.Errorf("%s is still there, until %s", row.Key, row.Expires)
		}
		left++
	}
	if left == 0 {
		t.Error("nothing is there at all")
	}
}

// Many count on two servers of one store at once; nothing is lost, nothing counted twice.
func TestConcurrentCounts(t *testing.T) {
	c := newClock()
	db := openDB(t, c)
	servers := []*world{newWorldOn(t, db, c, Options{}), newWorldOn(t, db, c, Options{})}
	const each, workers = 500, 8
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() {
			for n := range each {
				servers[i%2].count(1, NPM, fmt.Sprintf("p%d", n%20), fmt.Sprintf("1.%d.0", n%3))
			}
		})
	}
	wg.Wait()
	for _, s := range servers {
		wg.Go(s.written)
	}
	wg.Wait()
	sum := int64(0)
	for n := range 20 {
		sum += servers[0].pkg(fmt.Sprintf("p%d", n)).Total
	}
	if sum != each*workers {
		t.Errorf("%d downloads were counted, want %d", sum, each*workers)
	}
	top, err := servers[1].Top(t.Context(), Downloads(), Ever, 100)
	if err != nil || len(top) != 20 {
		t.Errorf("top = %v, %v", top, err)
	}
	clients, err := servers[1].Clients(t.Context(), Downloads(), Month, 10)
	if err != nil || fmt.Sprint(clients) != fmt.Sprintf("[{ npm/11 %d}]", each*workers) {
		t.Errorf("clients = %v, %v", clients, err)
	}
}

// What was counted is written after a second, in one batch.
func TestFlushEverySecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := &memory{rows: map[kv.Key]int64{}}
		s := New(mem, Options{})
		for range 1000 {
			s.Count("npm", "a", "1.0.0", "")
		}
		time.Sleep(flushEvery - time.Millisecond)
		synctest.Wait()
		if n := mem.batches(); n != 0 {
			t.Errorf("%d batches before the second is over", n)
		}
		time.Sleep(2 * time.Millisecond)
		synctest.Wait()
		if n := mem.batches(); n != 1 || mem.total("a") != 1000 {
			t.Errorf("%d batches after a second, %d downloads", n, mem.total("a"))
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := mem.batches(); n != 1 {
			t.Errorf("%d batches after an idle hour", n)
		}
		s.Close()
	})
}

// While the store is away counts wait; an answer that was lost makes none count twice.
func TestOutage(t *testing.T) {
	for name, late := range map[string]bool{"nothing happens": false, "it happens, but nobody is told": true} {
		t.Run(name, func(t *testing.T) {
			c := newClock()
			db := &unsure{DB: openDB(t, c)}
			w := newWorldOn(t, db, c, Options{})
			w.count(5, NPM, "a", "1.0.0")
			if err := w.flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			db.late.Store(late)
			for range 3 {
				db.fail.Store(true)
				w.count(5, NPM, "a", "1.0.0")
				for range 3 {
					if err := w.flush(t.Context()); !errors.Is(err, errLost) && !late {
						t.Errorf("flush = %v", err)
					}
				}
				db.fail.Store(false)
				if err := w.flush(t.Context()); err != nil {
					t.Errorf("afterwards: %v", err)
				}
			}
			if got := w.pkg("a").Total; got != 20 {
				t.Errorf("%d downloads were counted, want 20", got)
			}
		})
	}
}

// A writer that was idle for long begins anew, and a row that is no counter stops nobody.
func TestDamagedAndForgottenRows(t *testing.T) {
	w := newWorld(t)
	w.count(1, NPM, "a", "1.0.0")
	if err := w.flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := w.db.Apply(t.Context(), kv.Put(kv.Row{Key: versionKey(NPM, "a", "1.0.0"), Value: []byte("damaged")})); err != nil {
		t.Fatal(err)
	}
	w.clock.Pass(2 * writerLife)
	w.count(1, NPM, "a", "1.0.0")
	w.count(1, NPM, "b", "1.0.0")
	if err := w.flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if a, b := w.pkg("a").Total, w.pkg("b").Total; a != 2 || b != 1 {
		t.Errorf("counted %d and %d, want 2 and 1", a, b)
	}
}

// What waits is bounded: the oldest goes, and somebody is told.
func TestMemoryIsBounded(t *testing.T) {
	c := newClock()
	db := &unsure{DB: openDB(t, c)}
	db.fail.Store(true)
	lost := int64(0)
	w := newWorldOn(t, db, c, Options{NoClients: true, Lost: func(n int64) { lost += n }})
	for i := range maxWaiting + 10 {
		w.count(2, NPM, "a", fmt.Sprintf("1.0.%d", i))
	}
	if n := len(w.counts); n != maxWaiting || len(w.order) != n {
		t.Errorf("%d counts wait, %d in order", n, len(w.order))
	}
	w.tellDropped()
	if lost != 20 {
		t.Errorf("%d downloads were said to be lost, want 20", lost)
	}
	if _, there := w.counts[subject{kind: NPM, name: "a", version: "1.0.0", day: dayOf(c.Now())}]; there {
		t.Error("the oldest is still there")
	}
	w.Close()
	if want := int64(2 * (maxWaiting + 10)); lost != want {
		t.Errorf("%d downloads are lost with the store, want %d", lost, want)
	}
}

func TestWhatCanBeNoKeyIsNotCounted(t *testing.T) {
	w := newWorld(t)
	long := string(make([]byte, 300))
	w.Count("npm", "", "1.0.0", "")
	w.Count("npm", "a\x00b", "1.0.0", "")
	w.Count("npm", long, "1.0.0", "")
	w.Count("npm", "a", "", "")
	if n := w.waiting(); n != 0 {
		t.Errorf("%d downloads are counted", n)
	}
}

func TestClientOf(t *testing.T) {
	for userAgent, want := range map[string]string{
		"npm/11.4.2 node/v22.1.0 linux x64 workspaces/false": "npm/11", "pnpm/10.1.0 npm/? node/v20": "pnpm/10", "yarn/1.22.22 npm/?": "yarn/1",
		"Bun/1.2.3": "bun/1", "zig/0.14.1 (std.http)": "zig/0", "curl": "curl", "Mozilla/5.0 (X11; alice@example.com)": "other",
		"": "other", "npm/secret": "npm", "npm/123456789": "npm", "npm/100.0.0": "npm", "curl/99.1": "curl/99", "npm/1\r\nx": "npm/1",
	} {
		if got := clientOf(userAgent); got != want {
			t.Errorf("clientOf(%q) = %q, want %q", userAgent, got, want)
		}
	}
}

func BenchmarkCount(b *testing.B) {
	w := newWorld(b)
	names := make([]string, 100)
	for i := range names {
		names[i] = fmt.Sprintf("@acme/package-%d", i)
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			w.Count("npm", names[i%len(names)], "1.0.0", "npm/11.4.2 node/v22.1.0 linux x64 workspaces/false")
		}
	})
}
