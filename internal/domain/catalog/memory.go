package catalog

import (
	"container/list"
	"sync"
	"time"

	"github.com/org/registry-action/internal/format/packument"
)

// key names what a client asks for.
type key struct {
	root, name string
	form       packument.Form
}

// stamp names what a document was made from: the same stamp, the same document.
type stamp struct {
	release  string // Releases.Revision
	foreign  string // Foreign.ID
	previews string // Previews.Revision
	partial  bool   // upstream's part could not be had
}

// stored reports whether the stamp speaks of what is in our stores.
func (s stamp) stored() bool { return s.release != "" || s.previews != "" }

// rendering is a key at one time.
type rendering struct {
	key
	stamp
}

// memory keeps the documents that were used last within a bound of bytes. What was
// made of our stores while a stamp was still new is kept until it is settled:
// it may have been made of a part of what the stamp means.
type memory struct {
	now    func() time.Time
	settle time.Duration
	mu     sync.Mutex
	max    int64
	used   int64
	items  map[key]*list.Element // of *item
	order  list.List             // the one used last in front
	usage  Usage                 // but for its Bytes
}

// Usage is how the rendered packuments in memory are used.
type Usage struct {
	Hits, Misses int64
	Bytes        int64 // that they take
}

// Memory returns how the rendered packuments in memory are used.
func (s *Service) Memory() Usage {
	m := s.memory
	m.mu.Lock()
	defer m.mu.Unlock()
	u := m.usage
	u.Bytes = m.used
	return u
}

type item struct {
	rendering
	doc   *Document
	seen  time.Time // when the first document of its stamp was kept
	until time.Time // zero: while its stamp is
	bytes int64
}

// overhead is about what an item takes beside its bytes.
const overhead = 512

func newMemory(max int64, settle time.Duration, now func() time.Time) *memory {
	return &memory{max: max, settle: settle, now: now, items: map[key]*list.Element{}}
}

// get returns the document if it is still good.
func (m *memory) get(r *rendering) *Document {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e, ok := m.items[r.key]; ok {
		it := e.Value.(*item)
		if it.stamp == r.stamp && (it.until.IsZero() || m.now().Before(it.until)) {
			m.usage.Hits++
			m.order.MoveToFront(e)
			return it.doc
		}
	}
	m.usage.Misses++
	return nil
}

// put keeps a document of some bytes in place of an older one.
func (m *memory) put(r rendering, doc *Document, bytes int64, until time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	it := &item{rendering: r, doc: doc, bytes: bytes + overhead, until: until}
	if m.settle > 0 && r.stored() {
		it.seen = m.now()
	}
	if e, ok := m.items[r.key]; ok {
		if old := m.drop(e); old.stamp == r.stamp {
			it.seen = old.seen
		}
	}
	m.settleDown(it)
	m.items[r.key] = m.order.PushFront(it)
	m.used += it.bytes
	m.shrink()
}

// settleDown ends a document of a new stamp when the stamp is settled.
func (m *memory) settleDown(it *item) {
	settled := it.seen.Add(m.settle)
	if m.settle > 0 && m.now().Before(settled) && (it.until.IsZero() || settled.Before(it.until)) {
		it.until = settled
	}
}

// grow counts further bytes of a document, if it is still here.
func (m *memory) grow(k key, doc *Document, bytes int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.items[k]
	if !ok || e.Value.(*item).doc != doc {
		return
	}
	e.Value.(*item).bytes += bytes
	m.used += bytes
	m.shrink()
}

func (m *memory) shrink() {
	for m.used > m.max {
		m.drop(m.order.Back())
	}
}

func (m *memory) drop(e *list.Element) *item {
	it := m.order.Remove(e).(*item)
	delete(m.items, it.key)
	m.used -= it.bytes
	return it
}
