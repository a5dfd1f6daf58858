package kvtest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/org/registry-action/internal/store/kv"
)

const racers = 16

// race runs f in goroutines that start together and returns what they returned.
func race(f func(i int) error) []error {
	var wg sync.WaitGroup
	start := make(chan struct{})
	errs := make([]error, racers)
	for i := range errs {
		wg.Go(func() {
			<-start
			errs[i] = f(i)
		})
	}
	close(start)
	wg.Wait()
	return errs
}

func testCountersRaced(t *testing.T, s *suite) {
	const each = 20
	for _, err := range race(func(i int) error {
		for range each {
			if err := s.Apply(t.Context(), kv.Add(key("p", "all"), 2), kv.Add(key("p", fmt.Sprint(i)), -1)); err != nil {
				return err
			}
		}
		return nil
	}) {
		if err != nil {
			t.Fatal(err)
		}
	}
	s.value(t, key("p", "all"), strconv.Itoa(2*each*racers))
	for i := range racers {
		s.value(t, key("p", fmt.Sprint(i)), strconv.Itoa(-each))
	}
}

// oneWinner checks that one racer won and all others lost a condition.
func oneWinner(t *testing.T, errs []error) (winner int) {
	t.Helper()
	winner = -1
	for i, err := range errs {
		switch {
		case err == nil && winner >= 0:
			t.Fatalf("both %d and %d won", winner, i)
		case err == nil:
			winner = i
		case !errors.Is(err, kv.ErrConflict):
			t.Fatal(err)
		}
	}
	if winner < 0 {
		t.Fatal("nobody won")
	}
	return winner
}

func testPutNewRaced(t *testing.T, s *suite) {
	for round := range 10 {
		k := key("p", fmt.Sprint(round))
		winner := oneWinner(t, race(func(i int) error {
			return s.Apply(t.Context(), kv.PutNew(kv.Row{Key: k, Value: fmt.Append(nil, i)}),
				kv.Put(row("mine", fmt.Sprintf("%d.%d", round, i), "")))
		}))
		s.value(t, k, fmt.Sprint(winner))
		wantSorts(t, "the winner's other row", s.sorts(t, "mine", kv.Query{Prefix: fmt.Sprintf("%d.", round)}),
			[]string{fmt.Sprintf("%d.%d", round, winner)})
	}
}

func testSwapRaced(t *testing.T, s *suite) {
	s.apply(t, kv.Put(row("p", "s", "0")))
	for round := range 10 {
		old := s.read(t, key("p", "s"))
		winner := oneWinner(t, race(func(i int) error {
			return s.Apply(t.Context(), kv.Swap(old, row("p", "s", fmt.Sprintf("%d by %d", round, i))))
		}))
		s.value(t, key("p", "s"), fmt.Sprintf("%d by %d", round, winner))
	}
}

func (s *suite) read(t *testing.T, k kv.Key) []byte {
	t.Helper()
	r, err := s.Get(t.Context(), k)
	if err != nil {
		t.Fatal(err)
	}
	return r.Value
}

// A batch that loses its condition takes none of its neighbours with it.
func testConflictsStayApart(t *testing.T, s *suite) {
	s.apply(t, kv.Put(row("p", "taken", "")))
	errs := race(func(i int) error {
		for n := range 10 {
			mine := kv.Put(row("p", fmt.Sprintf("%02d.%d", i, n), ""))
			if i%2 == 0 {
				if err := s.Apply(t.Context(), mine); err != nil {
					return err
				}
			} else if err := s.Apply(t.Context(), mine, kv.PutNew(row("p", "taken", ""))); !errors.Is(err, kv.ErrConflict) {
				return fmt.Errorf("got %v, want ErrConflict", err)
			}
		}
		return nil
	})
	for i, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
		want := 10
		if i%2 == 1 {
			want = 0
		}
		if got := s.sorts(t, "p", kv.Query{Prefix: fmt.Sprintf("%02d.", i)}); len(got) != want {
			t.Fatalf("racer %d left %q, want %d rows", i, got, want)
		}
	}
}

// The rows of a batch carry one generation. Who saw it in one row finds it, or
// a later one, in all others.
func testReadersSeeWholeBatches(t *testing.T, s *suite) {
	const generations, width = 60, 8
	write := func(gen int) error {
		var ops []kv.Op
		for i := range width {
			ops = append(ops, kv.Put(row("p", fmt.Sprint(i), strconv.Itoa(gen))))
		}
		return s.Apply(t.Context(), ops...)
	}
	if err := write(0); err != nil {
		t.Fatal(err)
	}
	var done atomic.Bool
	errs := race(func(i int) error {
		if i == 0 {
			defer done.Store(true)
			for gen := range generations {
				if err := write(gen + 1); err != nil {
					return err
				}
			}
			return nil
		}
		for !done.Load() {
			if err := readGenerations(t.Context(), s.DB, (i+width/2)%width, i%2 == 0); err != nil {
				return err
			}
		}
		return nil
	})
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// readGenerations reads row first, then all rows.
func readGenerations(ctx context.Context, db kv.DB, first int, scan bool) error {
	r, err := db.Get(ctx, key("p", fmt.Sprint(first)))
	if err != nil {
		return err
	}
	seen, _ := r.Counter()
	var rows []kv.Row
	if scan {
		if rows, err = collect(ctx, db, "p", kv.Query{}); err != nil {
			return err
		}
	} else {
		for i := range 8 {
			r, err := db.Get(ctx, key("p", fmt.Sprint(i)))
			if err != nil {
				return err
			}
			rows = append(rows, r)
		}
	}
	for _, r := range rows {
		if gen, _ := r.Counter(); gen < seen {
			return fmt.Errorf("row %s is of generation %d after row %d was of %d", r.Sort, gen, first, seen)
		}
	}
	return nil
}
