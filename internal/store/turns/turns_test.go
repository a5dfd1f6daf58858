package turns

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/kv"
)

// Who takes the same name is alone, in whichever order it is named among others.
func TestOneAtATime(t *testing.T) {
	turns := New()
	names := [][]string{{"a", "b", "c"}, {"c", "b", "a"}, {"b"}, {"b", "b", "a"}}
	counts := map[string]int{} // -race finds two at the same time
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			done, err := turns.Take(t.Context(), names[i%len(names)]...)
			if err != nil {
				t.Error(err)
				return
			}
			defer done()
			counts["b"]++
		})
	}
	wg.Wait()
	if counts["b"] != 200 {
		t.Errorf("%d had their turn, want 200", counts["b"])
	}
}

// More names than there are turns have it together, once each.
func TestAllTurnsAtOnce(t *testing.T) {
	turns := New()
	var names []string
	for i := range 10 * len(turns) {
		names = append(names, fmt.Sprint("name-", i))
	}
	for range 2 {
		done, err := turns.Take(t.Context(), names...)
		if err != nil {
			t.Fatal(err)
		}
		done()
	}
	done, err := turns.Take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	done()
}

// Who gives up leaves no turn taken, also none of those it had while it waited for the rest.
func TestGivingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := New()
		names := []string{"a", "b", "c", "d"}
		for _, busy := range names {
			busyDone, err := turns.Take(t.Context(), busy)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			var got error
			go func() { _, got = turns.Take(ctx, names...) }()
			synctest.Wait()
			if got != nil {
				t.Fatalf("while %s was taken: %v, want a wait", busy, got)
			}
			cancel()
			synctest.Wait()
			if !errors.Is(got, context.Canceled) {
				t.Fatalf("given up: %v, want %v", got, context.Canceled)
			}
			busyDone()
			done, err := turns.Take(t.Context(), names...)
			if err != nil {
				t.Fatal(err)
			}
			done()
		}
	})
}

func TestSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slots := NewSlots(2)
		var dones []func()
		for range 2 {
			done, err := slots.Take(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			dones = append(dones, done)
		}
		third := false
		go func() {
			done, err := slots.Take(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			third = true
			done()
		}()
		synctest.Wait()
		if third {
			t.Error("three have a place, want two")
		}
		dones[0]()
		synctest.Wait()
		if !third {
			t.Error("a place was given back, the third still waits")
		}
		dones[1]()
		if len(slots) != 0 {
			t.Errorf("%d places are taken, want none", len(slots))
		}
	})
}

// Who loses reads again, who finds nothing to change has succeeded, and who always loses is told to come again.
func TestWrite(t *testing.T) {
	other := errors.New("another failure")
	for _, tt := range []struct {
		name    string
		answers []error // of the attempts; the last one stays
		want    error
		calls   int
	}{
		{"at once", []error{nil}, nil, 1},
		{"after others", []error{kv.ErrConflict, &kv.ConflictError{}, nil}, nil, 3},
		{"unchanged", []error{kv.ErrConflict, ErrUnchanged}, nil, 2},
		{"failed", []error{kv.ErrConflict, other}, other, 2},
		{"too many", []error{kv.ErrConflict}, fault.Unavailable, tries},
	} {
		t.Run(tt.name, func(t *testing.T) {
			calls := 0
			err := New().Write(t.Context(), []string{"left-pad", "@acme/core"}, func() error {
				calls++
				return tt.answers[min(calls, len(tt.answers))-1]
			})
			if !errors.Is(err, tt.want) || calls != tt.calls {
				t.Errorf("Write = %v after %d calls, want %v after %d", err, calls, tt.want, tt.calls)
			}
		})
	}
}
