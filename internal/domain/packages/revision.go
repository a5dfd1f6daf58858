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
	if npm.ValidName(name) != nil {
		return "", absent(name)
	}
	row, err := s.db.Get(ctx, headKey(name))
	if err != nil && !errors.Is(err, kv.ErrNotFound) {
		return "", err
	}
	if revision, ok := s.heads.get(name, row.Value); ok {
		return revision, nil
	}
	p, err := s.living(ctx, name)
	if err != nil {
		return "", err
	}
	s.heads.put(name, p.raw, p.revision())
	return p.revision(), nil
}

// maxHeads bounds the packages, and the versions, that heads remembers.
const maxHeads = 10_000

// heads remembers what was read of packages, since decoding a row costs more
// than reading it.
type heads struct {
	mu       sync.RWMutex
	byName   map[string]readHead
	versions map[versionName]readVersion
}

type readHead struct {
	raw      []byte
	revision string
}

type versionName struct{ name, version string }

type readVersion struct {
	revision string // of the package
	stored   Stored
}

func (h *heads) get(name string, raw []byte) (string, bool) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	r, ok := h.byName[name]
	return r.revision, ok && bytes.Equal(r.raw, raw)
}

func (h *heads) put(name string, raw []byte, revision string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.byName == nil || len(h.byName) >= maxHeads {
		h.byName = map[string]readHead{}
	}
	h.byName[name] = readHead{raw, revision}
}

func (h *heads) stored(name, version, revision string) (Stored, bool) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	r, ok := h.versions[versionName{name, version}]
	return r.stored, ok && r.revision == revision
}

func (h *heads) keep(name, version, revision string, stored Stored) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.versions == nil || len(h.versions) >= maxHeads {
		h.versions = map[versionName]readVersion{}
	}
	h.versions[versionName{name, version}] = readVersion{revision, stored}
}
