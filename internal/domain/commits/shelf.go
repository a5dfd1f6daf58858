package commits

import (
	"reflect"
	"sync"

	"github.com/org/registry-action/internal/store/turns"
)

// maxShelf bounds what the shelf keeps, in bytes.
const maxShelf = 32 << 20

// shelf remembers the views of repositories. Who changes one has the turn of its partition.
type shelf struct {
	turns *turns.Turns
	max   int64 // bytes
	mu    sync.Mutex
	views map[string]kept // by partition
	size  int64
}

type kept struct {
	*view
	size int64
}

func newShelf() *shelf { return &shelf{turns: turns.New(), max: maxShelf, views: map[string]kept{}} }

func (s *shelf) get(partition string) *view {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.views[partition].view
}

// put keeps a view, in place of others if need be.
func (s *shelf) put(partition string, v *view) {
	size := v.size()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(partition)
	for other := range s.views { // any will do
		if s.size+size <= s.max {
			break
		}
		s.drop(other)
	}
	s.views[partition] = kept{v, size}
	s.size += size
}

func (s *shelf) drop(partition string) {
	s.size -= s.views[partition].size
	delete(s.views, partition)
}

// size is what the view takes in memory, in bytes.
func (v *view) size() int64 {
	var n int64
	for _, c := range v.commits {
		n += sizeOf[shelved]() + int64(len(c.packed)) + c.previews.size()
	}
	return n
}

func (p *previews) size() int64 {
	if p == nil {
		return 0
	}
	return sizeOf[previews]() + int64(len(p.records))*sizeOf[record]()
}

func sizeOf[T any]() int64 { return int64(reflect.TypeFor[T]().Size()) }
