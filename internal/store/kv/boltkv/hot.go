package boltkv

import (
	"sync"
	"sync/atomic"

	"github.com/org/registry-action/internal/store/kv"
)

// The bounds of hot: some megabytes.
const (
	maxHot      = 4096
	maxHotValue = 2 << 10 // bytes
)

// hot remembers the rows that were read since the last commit, absent ones too:
// most reads are of few rows, and a transaction costs more than the row.
//
// phase is odd while a commit is on its way. Nothing is remembered or taken
// from memory then, since some of it may be visible already; with each phase
// all that was remembered before is forgotten.
type hot struct {
	phase atomic.Uint64

	mu   sync.RWMutex
	of   uint64 // the phase that rows belong to
	rows map[kv.Key]record
}

// commit runs a commit, outside of which rows are remembered.
func (h *hot) commit(f func() error) error {
	h.phase.Add(1)
	defer h.phase.Add(1)
	return f()
}

// get returns what was remembered in a phase.
func (h *hot) get(k kv.Key, phase uint64) (record, bool) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	r, ok := h.rows[k]
	return r, ok && h.of == phase
}

// put remembers what was read in a phase, if it began in it.
func (h *hot) put(k kv.Key, phase uint64, r record) {
	if phase%2 == 1 || len(r.value) > maxHotValue {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if phase < h.of {
		return
	}
	if h.rows == nil || phase > h.of || len(h.rows) >= maxHot {
		h.of, h.rows = phase, map[kv.Key]record{}
	}
	h.rows[k] = r
}
