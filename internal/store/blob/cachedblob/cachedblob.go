// Package cachedblob puts a cache on this machine's disk in front of a store of blobs that is far away. What is read
// from the cache is a plain file, which the kernel can send, and stays readable whatever becomes of the blob.
//
// Blobs that are written go through to the store, and so do all questions for what is there. One law of package blob
// holds with a limit: a copy outlives a Delete by another process until it is evicted, and, for a moment, one that comes
// while it is made. Whether a blob may be read says the metadata, which all servers share.
package cachedblob

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/org/registry-action/internal/store/blob"
	"github.com/org/registry-action/internal/store/cache"
)

// maxBlob bytes of a blob are fetched before the first of them is served. A larger blob is not kept.
const maxBlob = 16 << 20

// Store is a blob.Store over another one.
type Store struct {
	blob.Store
	cache *cache.Cache

	mu      sync.Mutex
	flights map[blob.Key]*flight
}

// flight is a blob on its way into the cache. Who wants the same one waits for it.
type flight struct {
	done    chan struct{}
	deleted bool // the blob was deleted meanwhile; guarded by Store.mu
	missed  bool // it can't be kept; read after done is closed
}

// New returns a store that keeps what it reads of far in c. Both stay the caller's.
func New(far blob.Store, c *cache.Cache) *Store {
	return &Store{Store: far, cache: c, flights: map[blob.Key]*flight{}}
}

// name of a copy; the cache is shared with others.
func name(key blob.Key) string { return "blob/" + key.String() }

// Open opens the copy of a blob, an *os.File, or the blob itself if it can't be kept.
func (s *Store) Open(ctx context.Context, key blob.Key) (blob.Blob, blob.Info, error) {
	if err := errors.Join(ctx.Err(), key.Space.Validate()); err != nil {
		return nil, blob.Info{}, err
	}
	for {
		if b, info, ok := s.copy(key); ok {
			return b, info, nil
		}
		f, mine := s.board(key)
		if mine {
			return s.fetch(ctx, key, f)
		}
		select {
		case <-f.done:
		case <-ctx.Done():
			return nil, blob.Info{}, fmt.Errorf("opening blob %s: %w", key, ctx.Err())
		}
		if f.missed {
			return s.Store.Open(ctx, key)
		}
	}
}

// Delete removes the blob and then the copy.
func (s *Store) Delete(ctx context.Context, key blob.Key) error {
	if err := s.Store.Delete(ctx, key); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if f, ok := s.flights[key]; ok {
		f.deleted = true
	}
	return s.cache.Delete(name(key))
}

// copy opens what is in the cache. A cache that fails has nothing.
func (s *Store) copy(key blob.Key) (blob.Blob, blob.Info, bool) {
	e, err := s.cache.Get(name(key))
	if err != nil {
		return nil, blob.Info{}, false
	}
	info := blob.Info{Key: key, Size: e.Size}
	if info.ModTime.UnmarshalJSON(e.Meta) != nil {
		_ = e.Close() // it was only read
		return nil, blob.Info{}, false
	}
	return e.File, info, true
}

func (s *Store) board(key blob.Key) (f *flight, mine bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f, ok := s.flights[key]; ok {
		return f, false
	}
	f = &flight{done: make(chan struct{})}
	s.flights[key] = f
	return f, true
}
