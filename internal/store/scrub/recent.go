package scrub

import "sync"

// recent remembers what weighs no more than max together.
type recent[K comparable, V any] struct {
	mu    sync.Mutex
	max   int64
	size  int64
	byKey map[K]weighed[V]
}

type weighed[V any] struct {
	value  V
	weight int64
}

func (r *recent[K, V]) get(k K) (v V, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w, ok := r.byKey[k]
	return w.value, ok
}

// put remembers a value, in place of others if need be.
func (r *recent[K, V]) put(k K, v V, weight int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.byKey == nil {
		r.byKey = map[K]weighed[V]{}
	}
	r.drop(k)
	for other := range r.byKey { // any will do
		if r.size+weight <= r.max {
			break
		}
		r.drop(other)
	}
	r.byKey[k] = weighed[V]{v, weight}
	r.size += weight
}

func (r *recent[K, V]) drop(k K) {
	r.size -= r.byKey[k].weight
	delete(r.byKey, k)
}

func (r *recent[K, V]) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.byKey)
	r.size = 0
}
