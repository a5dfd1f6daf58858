package stats

import (
	"context"
	"iter"
	"sync"

	"github.com/org/registry-action/internal/store/kv"
)

// memory is a store that lives in a bubble of synctest: it has no goroutines and no files.
type memory struct {
	mu      sync.Mutex
	rows    map[kv.Key]int64
	applied int
}

func (m *memory) Get(context.Context, kv.Key) (kv.Row, error) { return kv.Row{}, kv.ErrNotFound }

func (m *memory) Scan(context.Context, string, kv.Query) iter.Seq2[kv.Row, error] {
	return func(func(kv.Row, error) bool) {}
}

func (m *memory) Apply(_ context.Context, ops ...kv.Op) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.applied++
	for _, op := range ops {
		m.rows[op.Row.Key] += op.Delta
	}
	return nil
}

func (m *memory) Close() error { return nil }

func (m *memory) batches() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.applied
}

func (m *memory) total(name string) int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.rows[totalKey(NPM, name)]
}
