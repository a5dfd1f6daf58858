package kvtest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/store/kv"
)

// walker is the store under test, if it can be walked through.
func (s *suite) walker(t *testing.T) kv.Walker {
	t.Helper()
	w, ok := s.DB.(kv.Walker)
	if !ok {
		t.Skip("the driver is no kv.Walker")
	}
	return w
}

// walk returns all rows after a key, and the order they came in.
func walk(t *testing.T, w kv.Walker, after kv.Key) (rows map[kv.Key]kv.Row, order []kv.Key) {
	t.Helper()
	rows = map[kv.Key]kv.Row{}
	for r, err := range w.Walk(t.Context(), after) {
		if err != nil {
			t.Fatal(err)
		}
		if _, twice := rows[r.Key]; twice {
			t.Fatalf("Walk yields %s twice", r.Key)
		}
		rows[r.Key] = r
		order = append(order, r.Key)
	}
	return rows, order
}

func testWalk(t *testing.T, s *suite) {
	w := s.walker(t)
	if rows, _ := walk(t, w, kv.Key{}); len(rows) > 0 {
		t.Errorf("an empty store yields %v", rows)
	}
	soon := s.clock.now().Add(time.Hour).Truncate(time.Second)
	want := map[kv.Key]kv.Row{}
	var ops []kv.Op
	for i := range 60 {
		r := row(fmt.Sprintf("p%d", i%7), fmt.Sprintf("s%d", i), fmt.Sprint(i))
		switch i % 3 {
		case 1:
			r.Expires = soon
		case 2:
			r.Value = []byte("text \x00\xff of " + r.Sort)
		}
		want[r.Key] = r
		ops = append(ops, kv.Put(r))
	}
	past := row("gone", "s", "v")
	past.Expires = s.clock.now().Add(-time.Hour)
	odd := row("p\x01\xff/é", "s \xfe", "")
	odd.Value = []byte{}
	want[odd.Key] = odd
	s.apply(t, append(ops, kv.Put(past), kv.Put(odd))...)
	got, order := walk(t, w, kv.Key{})
	if d := cmp.Diff(want, got); d != "" {
		t.Fatalf("Walk (-want +got): %s", d)
	}
	for _, i := range []int{0, 30, len(order) - 1} {
		if i == 30 { // a key whose row is gone is as good
			s.apply(t, kv.Delete(order[i]))
		}
		if _, rest := walk(t, w, order[i]); !cmp.Equal(rest, order[i+1:]) && len(rest)+len(order[i+1:]) > 0 {
			t.Errorf("after the key %d Walk yields %d rows, want the %d that followed it", i, len(rest), len(order)-i-1)
		}
	}
	s.clock.advance(2 * time.Hour)
	for k, r := range want {
		if r.Expires.Equal(soon) {
			delete(want, k)
		}
	}
	delete(want, order[30])
	got, _ = walk(t, w, kv.Key{})
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("Walk when some have expired (-want +got): %s", d)
	}
}

func testWalkBeyondAPage(t *testing.T, s *suite) {
	w := s.walker(t)
	want := map[string]bool{}
	for i := range 3 {
		p := fmt.Sprint("p", i)
		for _, sort := range s.fill(t, p, 200, func(int) kv.Row { return kv.Row{Value: make([]byte, 4<<10)} }) {
			want[p+sort] = true
		}
	}
	for r, err := range w.Walk(t.Context(), kv.Key{}) {
		if err != nil {
			t.Fatal(err)
		}
		s.apply(t, kv.Put(row("other", r.Sort, "written while it walks")))
		if r.Partition != "other" && !want[r.Partition+r.Sort] {
			t.Fatalf("Walk yields %s, which it has yielded or which is not there", r.Key)
		}
		delete(want, r.Partition+r.Sort)
	}
	if len(want) > 0 {
		t.Errorf("Walk left out %d rows", len(want))
	}
}

func testWalkEnds(t *testing.T, s *suite) {
	w := s.walker(t)
	s.apply(t, kv.Put(row("p", "s", "v")), kv.Put(row("p", "t", "v")))
	for _, err := range w.Walk(t.Context(), kv.Key{}) {
		if err != nil {
			t.Fatal(err)
		}
		break
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	want := func(ctx context.Context, want error) {
		t.Helper()
		var got error
		for _, err := range w.Walk(ctx, kv.Key{}) {
			got = err
		}
		if !errors.Is(got, want) {
			t.Errorf("Walk = %v, want %v", got, want)
		}
	}
	want(ctx, context.Canceled)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	want(t.Context(), kv.ErrClosed)
}
