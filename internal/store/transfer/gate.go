package transfer

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/kv"
)

// maxChanged bounds the keys that a Gate remembers: some tens of megabytes. Who changes more is copied anew.
const maxChanged = 200_000

// Gate is a kv.DB whose writes can be watched and stopped. It is made with NewGate.
type Gate struct {
	kv.DB
	lease *lease // nil: nobody else moves what is in the store

	writing sync.RWMutex // held for reading by every write under way
	stopped error        // guarded by writing; what writes answer, nil: they go on

	watching atomic.Bool
	mu       sync.Mutex
	changed  map[kv.Key]struct{}
	overflow bool // there was more than changed holds
}

// NewGate returns a gate in front of a store. If other servers write to it too, and one of them may stop all, look
// returns what a write has to answer then; it is called again before a write if that was some seconds ago. nil: no others.
func NewGate(db kv.DB, look func(context.Context) error) *Gate {
	g := &Gate{DB: db}
	if look != nil {
		g.lease = &lease{look: look}
	}
	return g
}

// Moving is what a write answers while a registry is being moved.
func Moving() *fault.Error {
	e := fault.New(fault.Unavailable, "the registry is being moved to another store, and takes no changes for a while; send the request again").WithCode("registry_moving")
	e.Wait = 10 * time.Second
	return e
}

// Moved is what a write answers where the registry was before it was moved.
func Moved() *fault.Error {
	e := fault.New(fault.Unavailable, "the registry was moved to another store; its operator has to restart this server there").WithCode("registry_moved")
	e.Wait = 30 * time.Second
	return e
}

// Apply writes a batch, unless writes are stopped.
func (g *Gate) Apply(ctx context.Context, ops ...kv.Op) error {
	if g.lease != nil {
		if err := g.lease.check(ctx); err != nil {
			return err
		}
	}
	g.writing.RLock()
	defer g.writing.RUnlock()
	if g.stopped != nil {
		return g.stopped
	}
	err := g.DB.Apply(ctx, ops...)
	if g.watching.Load() && !errors.Is(err, kv.ErrConflict) { // after another error the batch may have happened
		g.remember(ops)
	}
	return err
}

func (g *Gate) remember(ops []kv.Op) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, op := range ops {
		if op.Kind == kv.OpCheck {
			continue
		}
		if len(g.changed) >= maxChanged {
			g.overflow, g.changed = true, nil
		}
		if g.overflow {
			return
		}
		g.changed[op.Row.Key] = struct{}{}
	}
}

// Watch begins to remember the keys of rows that are changed; what was remembered before is forgotten. All writes begun
// before it returns have ended.
func (g *Gate) Watch() {
	g.writing.Lock()
	defer g.writing.Unlock()
	g.watching.Store(true)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.changed, g.overflow = map[kv.Key]struct{}{}, false
}

// Changed returns the keys of rows changed since it was last called, or since Watch; ok is false if they were too many.
func (g *Gate) Changed() (keys []kv.Key, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for k := range g.changed {
		keys = append(keys, k)
	}
	ok = !g.overflow
	g.changed, g.overflow = map[kv.Key]struct{}{}, false
	return keys, ok
}

// Stop lets writes answer err from now on; nil lets them go on, and nothing is remembered of them any more. Those under
// way have ended when it returns.
func (g *Gate) Stop(err error) {
	g.writing.Lock()
	defer g.writing.Unlock()
	g.stopped = err
	if err == nil {
		g.watching.Store(false)
		g.mu.Lock()
		defer g.mu.Unlock()
		g.changed, g.overflow = nil, false
	}
}
