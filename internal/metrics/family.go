package metrics

import (
	"maps"
	"sync"
	"sync/atomic"
)

// family keeps the series of a key. Looking up a vector by its labels would hash all of
// them for every request; here a series that was met before costs one lookup, no lock
// and no memory.
type family[K comparable, V any] struct {
	make  func(K) V
	mu    sync.Mutex
	known atomic.Pointer[map[K]V] // never changed, only replaced
}

func newFamily[K comparable, V any](make func(K) V) *family[K, V] {
	f := &family[K, V]{make: make}
	f.known.Store(&map[K]V{})
	return f
}

func (f *family[K, V]) of(key K) V {
	if v, ok := (*f.known.Load())[key]; ok {
		return v
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	known := *f.known.Load()
	if v, ok := known[key]; ok {
		return v
	}
	next := maps.Clone(known)
	next[key] = f.make(key)
	f.known.Store(&next)
	return next[key]
}
