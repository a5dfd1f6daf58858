package stats

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/storetest"
)

func newClock() *storetest.Clock {
	return storetest.ClockAt(time.Date(2026, 3, 15, 12, 0, 0, 0, time.UTC))
}

// openDB opens a store that is closed at the end of the test.
func openDB(t testing.TB, c *storetest.Clock) kv.DB {
	t.Helper()
	db := storetest.OpenDB(t, c.Now)
	return db
}

// world is a service over a real store. It writes when the test says so: see flush and written.
type world struct {
	*Service
	t     testing.TB
	db    kv.DB
	clock *storetest.Clock
}

func newWorld(t testing.TB) *world {
	c := newClock()
	return newWorldOn(t, openDB(t, c), c, Options{})
}

func newWorldOn(t testing.TB, db kv.DB, c *storetest.Clock, o Options) *world {
	t.Helper()
	o.Now = c.Now
	w := &world{Service: newService(db, o), t: t, db: db, clock: c}
	t.Cleanup(func() { w.Close() })
	return w
}

func (w *world) count(n int, kind Kind, name, version string) {
	for range n {
		w.Count(string(kind), name, version, "npm/11.4.2 node/v22.1.0 linux x64")
	}
}

// written closes the service, which writes everything, and goes on with another, as a restart does.
func (w *world) written() {
	w.t.Helper()
	if err := w.Close(); err != nil {
		w.t.Error(err)
	}
	w.Service = newService(w.db, w.opt)
	w.t.Cleanup(func() { w.Service.Close() })
}

// discard forgets what waits, which would take long to write.
func (w *world) discard() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.removeLocked(len(w.order))
}

func (w *world) pkg(name string, kinds ...Kind) Package {
	w.t.Helper()
	if len(kinds) == 0 {
		kinds = Downloads()
	}
	p, err := w.Package(context.Background(), name, kinds)
	if err != nil && !errors.Is(err, fault.NotFound) {
		w.t.Fatal(err)
	}
	return p
}

var errLost = errors.New("the answer is lost")

// unsure is a store whose writes fail while fail is set: before they happen or, with late, after it.
type unsure struct {
	kv.DB
	fail, late atomic.Bool
	applied    atomic.Int64
}

func (u *unsure) Apply(ctx context.Context, ops ...kv.Op) error {
	if u.fail.Load() && !u.late.Load() {
		return errLost
	}
	u.applied.Add(1)
	if err := u.DB.Apply(ctx, ops...); err != nil {
		return err
	}
	if u.fail.Load() {
		return errLost
	}
	return nil
}
