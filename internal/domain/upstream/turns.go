package upstream

import (
	"context"
	"sync"
)

// turns lets work on the same name follow one another.
type turns struct {
	mu    sync.Mutex
	names map[string]*turn
}

type turn struct {
	free  chan struct{} // holds one value while nobody works
	users int           // who works or waits
}

// take waits for a name's turn; done ends it.
func (t *turns) take(ctx context.Context, name string) (done func(), err error) {
	t.mu.Lock()
	if t.names == nil {
		t.names = map[string]*turn{}
	}
	n, ok := t.names[name]
	if !ok {
		n = &turn{free: make(chan struct{}, 1)}
		n.free <- struct{}{}
		t.names[name] = n
	}
	n.users++
	t.mu.Unlock()

	leave := func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if n.users--; n.users == 0 {
			delete(t.names, name)
		}
	}
	select {
	case <-n.free:
		return func() { n.free <- struct{}{}; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, context.Cause(ctx)
	}
}
