package upstream

import (
	"container/list"
	"context"
	"sync"
	"time"
)

// memo remembers things for a while, a bounded number of them: the oldest go first.
type memo[V any] struct {
	max int
	now func() time.Time

	mu    sync.Mutex
	items map[string]*list.Element // of *remembered[V]
	order *list.List               // the latest first
}

type remembered[V any] struct {
	key   string
	value V
	until time.Time
}

func newMemo[V any](max int, now func() time.Time) *memo[V] {
	return &memo[V]{max: max, now: now, items: map[string]*list.Element{}, order: list.New()}
}

func (m *memo[V]) put(key string, value V, keep time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.remove(key)
	m.items[key] = m.order.PushFront(&remembered[V]{key, value, m.now().Add(keep)})
	if m.order.Len() > m.max {
		m.remove(m.order.Back().Value.(*remembered[V]).key)
	}
}

func (m *memo[V]) get(key string) (value V, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.items[key]
	if !ok {
		return value, false
	}
	r := e.Value.(*remembered[V])
	if !m.now().Before(r.until) {
		m.remove(key)
		return value, false
	}
	return r.value, true
}

func (m *memo[V]) forget(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.remove(key)
}

// remove is forget; m.mu is held.
func (m *memo[V]) remove(key string) {
	if e, ok := m.items[key]; ok {
		m.order.Remove(e)
		delete(m.items, key)
	}
}

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
