package packages

import (
	"bytes"
	"context"
	"errors"
	"sync"

	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/store/kv"
)

// Revision returns Package.Revision by one small read; fault.NotFound if there
// is no such package, or nothing of it is left.
func (s *Service) Revision(ctx context.Context, name string) (string, error) {
	if err := npm.ValidName(name); err != nil {
		return "", err
	}
	row, err := s.db.Get(ctx, headKey(name))
	if err != nil && !errors.Is(err, kv.ErrNotFound) {
		return "", err
	}
	if revision, ok := s.revisions.get(name, row.Value); ok {
		return revision, nil
	}
	p, err := s.living(ctx, name)
	if err != nil {
		return "", err
	}
	s.revisions.put(name, p.raw, p.revision())
	return p.revision(), nil
}

// maxRevisions bounds the names that revisions remembers.
const maxRevisions = 10_000

// revisions remembers what heads were read as, since decoding one costs more
// than reading it.
type revisions struct {
	mu     sync.RWMutex
	byName map[string]readHead
}

type readHead struct {
	raw      []byte
	revision string
}

func (r *revisions) get(name string, raw []byte) (string, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	h, ok := r.byName[name]
	return h.revision, ok && bytes.Equal(h.raw, raw)
}

func (r *revisions) put(name string, raw []byte, revision string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.byName == nil || len(r.byName) >= maxRevisions {
		r.byName = map[string]readHead{}
	}
	r.byName[name] = readHead{raw, revision}
}
