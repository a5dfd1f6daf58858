package stats

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/kv"
)

func (w *world) top(p Period, limit int, kinds ...Kind) string {
	w.t.Helper()
	if len(kinds) == 0 {
		kinds = Downloads()
	}
	all, err := w.Top(w.t.Context(), kinds, p, limit)
	if err != nil {
		w.t.Fatal(err)
	}
	var text strings.Builder
	for _, r := range all {
		fmt.Fprintf(&text, "%s:%s=%d ", r.Kind, r.Name, r.Downloads)
	}
	return text.String()
}

func TestTop(t *testing.T) {
	w := newWorld(t)
	w.count(9, NPM, "old", "1.0.0")
	w.clock.Pass(10 * 24 * time.Hour)
	w.count(3, NPM, "a", "1.0.0")
	w.count(2, NPM, "a", "2.0.0")
	w.clock.Pass(3 * 24 * time.Hour)
	w.count(2, Zig, "a", "1.0.0")
	w.count(2, NPM, "b", "1.0.0")
	w.count(7, Install, "b", "1.0.0")
	w.written()
	for _, c := range []struct {
		period Period
		limit  int
		kinds  []Kind
		want   string
	}{
		{Ever, 10, nil, "npm:old=9 npm:a=5 zig:a=2 npm:b=2 "},
		{Ever, 2, nil, "npm:old=9 npm:a=5 "},
		{Month, 10, nil, "npm:old=9 npm:a=5 zig:a=2 npm:b=2 "},
		{Week, 10, nil, "npm:a=5 zig:a=2 npm:b=2 "},
		{Day, 10, nil, "zig:a=2 npm:b=2 "},
		{Week, 10, []Kind{Zig}, "zig:a=2 "},
		{Ever, 10, []Kind{Install}, "install:b=7 "},
		{Ever, 10, []Kind{Lumen}, ""},
	} {
		for range 2 { // made, and kept
			if got := w.top(c.period, c.limit, c.kinds...); got != c.want {
				t.Errorf("Top(%s, %d, %v) = %s, want %s", c.period, c.limit, c.kinds, got, c.want)
			}
		}
	}
	if p := w.pkg("b"); p.Total != 2 {
		t.Errorf("events are added to downloads: %+v", p)
	}
}

// A ranking is old for a moment, and then no more.
func TestTopIsMadeAnew(t *testing.T) {
	w := newWorld(t)
	w.count(1, NPM, "a", "1.0.0")
	w.written()
	first := w.top(Day, 10)
	w.count(1, NPM, "a", "1.0.0")
	if err := w.flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if again := w.top(Day, 10); again != first {
		t.Errorf("within a second it is made anew: %s", again)
	}
	w.clock.Pass(leastFresh)
	if got := w.top(Day, 10); got != "npm:a=2 " {
		t.Errorf("after a second it is %s", got)
	}
}

// Of a day that is over one row is read, not its names.
func TestDaysThatAreOverAreKept(t *testing.T) {
	w := newWorld(t)
	for i := range maxRanked + 20 {
		w.count(1, NPM, fmt.Sprintf("rare-%03d", i), "1.0.0")
	}
	w.count(2, NPM, "often", "1.0.0")
	first := dayOf(w.clock.Now())
	w.written()
	if _, err := w.db.Get(t.Context(), rankingKey(NPM, first)); !errors.Is(err, kv.ErrNotFound) {
		t.Fatalf("a day that is not over has a ranking: %v", err)
	}
	w.clock.Pass(24*time.Hour + grace)
	if got := w.top(Week, 2, NPM); got != "npm:often=2 npm:rare-000=1 " {
		t.Errorf("of the week: %s", got)
	}
	names, _, found, err := kv.ReadJSON[[]Ranked](t.Context(), w.db, rankingKey(NPM, first))
	if err != nil || !found || len(names) != maxRanked || names[0] != (Ranked{Name: "often", Downloads: 2}) {
		t.Fatalf("kept: %d names, %v, %v", len(names), found, err)
	}
	if err := w.db.Apply(t.Context(), kv.Add(nameKey(NPM, first, "late"), 100)); err != nil {
		t.Fatal(err)
	}
	w.written()
	if got := w.top(Week, 1, NPM); got != "npm:often=2 " {
		t.Errorf("another server makes it anew: %s", got)
	}
}

func TestExport(t *testing.T) {
	w := newWorld(t)
	w.count(1, NPM, "@acme/a", "1.0.0")
	w.clock.Pass(24 * time.Hour)
	w.count(2, Zig, "z", "1.0.0")
	w.count(3, NPM, "@acme/a", "1.1.0")
	w.written()
	var got []Exported
	for e, err := range w.Export(t.Context(), Downloads(), 2) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e)
	}
	want := []Exported{{"2026-03-15", NPM, "@acme/a", 1}, {"2026-03-16", NPM, "@acme/a", 3}, {"2026-03-16", Zig, "z", 2}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("export (-want +got):\n%s", diff)
	}
}

// slow is a store whose scans last until they are told to end.
type slow struct {
	kv.DB
	begun, ended chan struct{}
}

func (s slow) Scan(ctx context.Context, _ string, _ kv.Query) iter.Seq2[kv.Row, error] {
	return func(yield func(kv.Row, error) bool) {
		s.begun <- struct{}{}
		<-ctx.Done()
		s.ended <- struct{}{}
		yield(kv.Row{}, ctx.Err())
	}
}

// A ranking that is being made when the service closes ends with it, though whoever asked has gone; none begins later.
func TestCloseEndsRankings(t *testing.T) {
	c := newClock()
	db := slow{openDB(t, c), make(chan struct{}, shards), make(chan struct{}, shards)}
	w := newWorldOn(t, db, c, Options{})
	ctx, leave := context.WithCancel(t.Context())
	asked := make(chan error)
	go func() {
		_, err := w.Top(ctx, []Kind{NPM}, Ever, 1)
		asked <- err
	}()
	<-db.begun
	leave()
	if err := <-asked; !errors.Is(err, context.Canceled) {
		t.Errorf("Top = %v, of whom has gone", err)
	}
	if len(db.ended) != 0 {
		t.Error("it has ended with who asked first")
	}
	w.Close()
	if len(db.ended) == 0 {
		t.Error("Close has not waited for it")
	}
	if _, err := w.Top(t.Context(), []Kind{NPM}, Ever, 1); !errors.Is(err, fault.Unavailable) {
		t.Errorf("Top of a closed service = %v", err)
	}
}
