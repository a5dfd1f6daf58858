package feed

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/storetest"
)

func open(t *testing.T) kv.DB {
	t.Helper()
	db := storetest.OpenDB(t, nil)
	return db
}

func write(t *testing.T, db kv.DB, ops ...kv.Op) {
	t.Helper()
	if err := db.Apply(t.Context(), ops...); err != nil {
		t.Fatal(err)
	}
}

// heard is what a follower was told.
type heard struct {
	mu    sync.Mutex
	names []string
	calls int
	most  int // changes of one call
	seen  time.Time
}

func (h *heard) do(changes []Change, seen time.Time) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range changes {
		h.names = append(h.names, c.Kind+"/"+c.Name)
	}
	h.calls, h.most, h.seen = h.calls+1, max(h.most, len(changes)), seen
	return nil
}

func (h *heard) sorted() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Sorted(slices.Values(h.names))
}

// noon is two seconds off the turn of an hour, and later than any clock of a store that would forget the rows.
var noon = time.Date(2036, 3, 1, 11, 59, 58, 0, time.UTC)

// clock is a follower's.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

// follow returns a follower that the test steps.
func follow(db kv.DB, since time.Time, c *clock, settle time.Duration) (*follower, *heard) {
	h := &heard{}
	f := newFollower(db, since, Options{Settle: settle, Now: c.Now}.withDefaults(), h.do)
	return f, h
}

func step(t *testing.T, f *follower) {
	t.Helper()
	if err := f.step(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Two followers each hear of every change once, over the turn of the hour, whatever the writers' clocks say.
func TestTwoFollowers(t *testing.T) {
	db, c := open(t), &clock{noon}
	first, heardFirst := follow(db, noon, c, 0)
	second, heardSecond := follow(db, noon, c, 0)
	var want []string
	for i := range 40 {
		skew := time.Duration(i%9-4) * time.Minute // up to four minutes off, both ways
		name := fmt.Sprint("p", i)
		write(t, db, Changed("npm", c.now.Add(skew), name, name+"-too"))
		want = append(want, "npm/"+name, "npm/"+name+"-too")
		step(t, first)
		if i%3 == 0 {
			step(t, second)
		}
		c.now = c.now.Add(500 * time.Millisecond)
	}
	c.now = c.now.Add(LookBack)
	slices.Sort(want)
	for i, f := range []*follower{first, second} {
		step(t, f)
		if got := []*heard{heardFirst, heardSecond}[i].sorted(); !slices.Equal(got, want) {
			t.Errorf("follower %d heard %d names %q, want %d, each once", i, len(got), got, len(want))
		}
	}
}

// A clock that is right is heard of at the next look, one that is off soon, a batch that was under way for minutes too.
func TestLate(t *testing.T) {
	db, c := open(t), &clock{noon}
	f, h := follow(db, noon, c, 0)
	step(t, f)
	late := Changed("zig", c.now.Add(-Skew+LookBack+time.Second), "late")
	write(t, db, Changed("zig", c.now.Add(100*time.Millisecond), "soon"), Changed("zig", c.now.Add(Skew-time.Second), "ahead"))
	c.now = c.now.Add(500 * time.Millisecond)
	write(t, db, late)
	step(t, f)
	if got := h.sorted(); !slices.Equal(got, []string{"zig/ahead", "zig/soon"}) {
		t.Errorf("the next look hears %q", got)
	}
	c.now = c.now.Add(LookBack)
	step(t, f)
	if got := h.sorted(); !slices.Equal(got, []string{"zig/ahead", "zig/late", "zig/soon"}) {
		t.Errorf("the wide look hears %q", got)
	}
}

// Who comes back hears what it missed, and not what it knew, but for what was late; who was away too long is told.
func TestAway(t *testing.T) {
	db, c := open(t), &clock{noon}
	f, h := follow(db, noon, c, 0)
	write(t, db, Changed("npm", c.now, "known"))
	step(t, f)
	for i := range 23 {
		write(t, db, Changed("npm", c.now.Add(time.Duration(i)*time.Hour+Skew), fmt.Sprintf("missed%02d", i)))
	}
	since := h.seen
	c.now = c.now.Add(23 * time.Hour)
	f, h = follow(db, since, c, 0)
	step(t, f)
	if got := h.sorted(); len(got) < 23 || got[len(got)-1] != "npm/missed22" || !slices.Contains(got, "npm/missed00") {
		t.Errorf("who comes back hears %q", got)
	}
	c.now = since.Add(TTL)
	f, _ = follow(db, since, c, 0)
	if err := f.step(t.Context()); !errors.Is(err, ErrGone) {
		t.Errorf("who was away for %s gets %v, want ErrGone", TTL, err)
	}
}

// Many changes come in pages; of rows that nobody understands the rest is heard.
func TestPages(t *testing.T) {
	db, c := open(t), &clock{noon}
	f, h := follow(db, noon, c, 0)
	var ops []kv.Op
	for i := range 3*page + 7 {
		if ops = append(ops, Changed("npm", c.now, fmt.Sprint("p", i))); len(ops) == kv.MaxBatch {
			write(t, db, ops...)
			ops = nil
		}
	}
	for _, value := range []string{"", "npm", "npm\n", "\nx"} {
		op := Changed("x", c.now, "y")
		op.Row.Value = []byte(value)
		ops = append(ops, op)
	}
	write(t, db, ops...)
	step(t, f)
	if len(h.names) != 3*page+7 || h.most > page {
		t.Errorf("heard %d names, %d at most at a time", len(h.names), h.most)
	}
}

// One row says of a whole batch what it changes, and fits beside 99 others.
func TestFullBatch(t *testing.T) {
	db := open(t)
	var ops []kv.Op
	var names []string
	for i := range kv.MaxBatch - 1 {
		ops = append(ops, kv.Put(kv.Row{Key: kv.Key{Partition: "p", Sort: fmt.Sprint(i)}}))
		names = append(names, fmt.Sprintf("@scope/package-%0200d", i))
	}
	write(t, db, append(ops, Changed("npm", noon, names...))...)
	f, h := follow(db, noon, &clock{noon}, 0)
	step(t, f)
	if len(h.names) != len(names) {
		t.Errorf("heard %d names, want %d", len(h.names), len(names))
	}
}

// Where a batch may be seen in part, each change comes again when it is there, and until then counts as not seen.
func TestSettle(t *testing.T) {
	db, c := open(t), &clock{noon}
	f, h := follow(db, noon, c, time.Second)
	write(t, db, Changed("npm", c.now, "a"))
	step(t, f)
	c.now = c.now.Add(900 * time.Millisecond)
	step(t, f)
	if len(h.names) != 1 {
		t.Errorf("heard %q before it settled", h.names)
	}
	c.now = c.now.Add(200 * time.Millisecond)
	step(t, f)
	step(t, f)
	if len(h.names) != 2 {
		t.Errorf("heard %q, want it twice", h.names)
	}
}

// failing is a store that is away.
type failing struct {
	kv.DB
	err error
}

func (f *failing) Scan(ctx context.Context, partition string, q kv.Query) iter.Seq2[kv.Row, error] {
	if f.err != nil {
		return func(yield func(kv.Row, error) bool) { yield(kv.Row{}, f.err) }
	}
	return f.DB.Scan(ctx, partition, q)
}

// What is changed while the store can't be read is heard of when it is back, however long that takes.
func TestOutage(t *testing.T) {
	db, c := &failing{DB: open(t)}, &clock{noon}
	f, h := follow(db, noon, c, 0)
	step(t, f)
	db.err = errors.New("the table is away")
	for i := range 10 {
		write(t, db.DB, Changed("npm", c.now, fmt.Sprintf("p%d", i)))
		c.now = c.now.Add(30 * time.Minute)
		step(t, f)
	}
	if len(h.names) != 0 {
		t.Errorf("heard %q of a store that is away", h.names)
	}
	db.err = nil
	step(t, f)
	if len(h.names) != 10 {
		t.Errorf("heard %q, want all 10", h.names)
	}
}

// Follow looks every so often, and ends with its context or with the error of who follows.
func TestFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := open(t)
		ctx, cancel := context.WithCancel(t.Context())
		h, done := &heard{}, make(chan error, 1)
		go func() { done <- Follow(ctx, db, time.Now(), Options{}, h.do) }()
		time.Sleep(100 * time.Millisecond)
		write(t, db, Changed("npm", time.Now(), "a"))
		time.Sleep(time.Second)
		if got := h.sorted(); !slices.Equal(got, []string{"npm/a"}) {
			t.Errorf("within a second it hears %q", got)
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Follow = %v", err)
		}
		enough := errors.New("enough")
		if err := Follow(t.Context(), db, time.Now(), Options{}, func([]Change, time.Time) error { return enough }); !errors.Is(err, enough) {
			t.Errorf("Follow = %v, want the follower's own error", err)
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("npm\na\nb"))
	f.Add([]byte(""))
	f.Fuzz(func(t *testing.T, value []byte) {
		changes, err := decode(kv.Row{Value: value})
		if err == nil && len(changes) == 0 {
			t.Errorf("decode(%q) = nothing", value)
		}
	})
}
