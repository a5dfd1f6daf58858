// Package memo remembers things in memory for a while, a bounded number of them.
package memo

import (
	"container/list"
	"sync"
	"time"
)

// Memo remembers values by key: past its bound the oldest go first. It is safe for concurrent use.
type Memo[V any] struct {
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

// New returns a Memo of at most max values.
func New[V any](max int, now func() time.Time) *Memo[V] {
	return &Memo[V]{max: max, now: now, items: map[string]*list.Element{}, order: list.New()}
}

// Put remembers a value for as long as keep says, in place of the one before.
func (m *Memo[V]) Put(key string, value V, keep time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.remove(key)
	m.items[key] = m.order.PushFront(&remembered[V]{key, value, m.now().Add(keep)})
	if m.order.Len() > m.max {
		m.remove(m.order.Back().Value.(*remembered[V]).key)
	}
}

// Get returns what is remembered under a key.
func (m *Memo[V]) Get(key string) (value V, ok bool) {
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

// Forget drops what is remembered under a key.
func (m *Memo[V]) Forget(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.remove(key)
}

// remove is Forget; m.mu is held.
func (m *Memo[V]) remove(key string) {
	if e, ok := m.items[key]; ok {
		m.order.Remove(e)
		delete(m.items, key)
	}
}
