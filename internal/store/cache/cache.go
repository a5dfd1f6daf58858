// Package cache keeps copies of what can be had again in files on this
// machine's disk, within a bound of bytes: the least recently used go first. It
// is no blob store: anything may be gone at any time, a crash included, but what
// is there is whole. Nothing is synced.
//
// A copy is two files, named by the SHA-256 of its key and a random generation:
//
//	<2 hex digits>/<other 62>-<generation>        its bytes
//	<2 hex digits>/<other 62>-<generation>.json   its head: length, CRC-32C, time, the caller's meta
//	.tmp/<random>                                 what is under way
//
// A file never changes under its name but for the head, which is replaced whole.
// So a copy that is replaced or evicted stays readable for who has it open, and
// a copy under way disturbs nobody.
package cache

import (
	"container/list"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// ErrNotFound: the cache has nothing under the key.
var ErrNotFound = errors.New("not in the cache")

// overhead is counted for each copy beside its bytes: its head and what the
// file system needs. It bounds the number of copies, and so the index in memory.
const overhead = 1 << 10

// Options of a Cache; all may be left out but MaxBytes.
type Options struct {
	MaxBytes int64 // of all copies, and 1 KiB for each; a larger copy is not kept
	Now      func() time.Time
}

// Cache is safe for concurrent use by one process.
type Cache struct {
	dir string
	opt Options

	folder       atomic.Pointer[os.Root] // see root
	hits, misses atomic.Int64            // of Get

	mu       sync.Mutex
	copies   map[id]*list.Element // of *item
	order    *list.List           // the most recently used first
	used     int64                // bytes of copies
	underWay int64                // bytes of writers
	writers  map[*Writer]int64    // how many bytes of each are counted
	closed   bool
	deleted  []*os.Root // folders that somebody has deleted while they were open
}

// id is the SHA-256 of a key.
type id [sha256.Size]byte

func idOf(key string) id { return sha256.Sum256([]byte(key)) }

// item is a copy in the index.
type item struct {
	id      id
	gen     uint64
	size    int64
	touched time.Time // the file's time, which keeps the order across restarts
	head    *head     // nil until it was read; never changed, only replaced
}

func (it *item) cost() int64 { return it.size + overhead }

// Open opens the cache in a folder, which it makes. Files of an earlier run stay, what
// crashes left of others is removed: no other process may use the folder.
func Open(dir string, opt Options) (*Cache, error) {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if err := os.MkdirAll(dir, dirMode); err != nil {
		return nil, fmt.Errorf("making the cache folder: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the cache folder: %w", err)
	}
	c := &Cache{dir: dir, opt: opt, copies: map[id]*list.Element{}, order: list.New(), writers: map[*Writer]int64{}}
	c.folder.Store(root)
	if err := c.load(); err != nil {
		return nil, errors.Join(fmt.Errorf("reading the cache folder %s: %w", dir, err), root.Close())
	}
	return c, nil
}

// Put copies r under a key and replaces what was there, once r has come to its end without an error.
func (c *Cache) Put(key string, meta []byte, r io.Reader) error {
	w, err := c.Create(key)
	if err != nil {
		return err
	}
	if _, err := io.Copy(w, r); err != nil {
		w.Abort(err)
		return err
	}
	return w.Commit(meta)
}

// Delete removes a copy, there or not.
func (c *Cache) Delete(key string) error {
	c.mu.Lock()
	var gone []*item
	if e, ok := c.copies[idOf(key)]; ok {
		gone = append(gone, c.forget(e))
	}
	c.mu.Unlock()
	c.remove(gone)
	return nil
}

// Close waits for nothing; copies under way are dropped. Entries stay readable.
func (c *Cache) Close() error {
	c.mu.Lock()
	c.closed = true
	var writers []*Writer
	for w := range c.writers {
		writers = append(writers, w)
	}
	c.mu.Unlock()
	for _, w := range writers {
		w.Abort(os.ErrClosed)
	}
	for _, root := range c.deleted {
		_ = root.Close() // nothing is in it
	}
	return c.root().Close()
}

// Stats are what a cache has counted since it was opened, and what it holds.
type Stats struct {
	Hits, Misses int64
	Bytes        int64
}

// Stats returns how the cache is used.
func (c *Cache) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Stats{Hits: c.hits.Load(), Misses: c.misses.Load(), Bytes: c.used}
}

// add puts a copy into the index, in place of what was under its key. Its
// bytes are no longer under way; w may be nil.
func (c *Cache) add(it *item, w *Writer) error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return os.ErrClosed
	}
	c.settle(w)
	var gone []*item
	if e, ok := c.copies[it.id]; ok {
		gone = append(gone, c.forget(e))
	}
	c.copies[it.id] = c.order.PushFront(it)
	c.used += it.cost()
	gone = append(gone, c.excess()...)
	c.mu.Unlock()
	c.remove(gone)
	return nil
}

// grow counts bytes under way and makes room for them.
func (c *Cache) grow(w *Writer, n int64) {
	c.mu.Lock()
	if _, ok := c.writers[w]; ok {
		c.writers[w] += n
		c.underWay += n
	}
	gone := c.excess()
	c.mu.Unlock()
	c.remove(gone)
}

// settle ends the count of a writer's bytes. c.mu is held.
func (c *Cache) settle(w *Writer) {
	c.underWay -= c.writers[w]
	delete(c.writers, w)
}

// drop removes a copy from the index, unless another has taken its place.
func (c *Cache) drop(it *item) {
	c.mu.Lock()
	e, ok := c.copies[it.id]
	if ok = ok && e.Value.(*item).gen == it.gen; ok {
		c.forget(e)
	}
	c.mu.Unlock()
	if ok {
		c.remove([]*item{it})
	}
}

// excess takes what is over the bound out of the index. What is under way
// counts for at most half, so that it can't drive out everything. c.mu is held.
func (c *Cache) excess() (gone []*item) {
	for c.order.Len() > 0 && c.used+min(c.underWay, c.opt.MaxBytes/2) > c.opt.MaxBytes {
		gone = append(gone, c.forget(c.order.Back()))
	}
	return gone
}

// forget takes a copy out of the index. c.mu is held.
func (c *Cache) forget(e *list.Element) *item {
	it := c.order.Remove(e).(*item)
	delete(c.copies, it.id)
	c.used -= it.cost()
	return it
}

// remove deletes the files of copies that are not in the index any more. What
// can't be deleted is left to the next Open.
func (c *Cache) remove(gone []*item) {
	for _, it := range gone {
		_ = c.root().Remove(it.headFile())
		_ = c.root().Remove(it.dataFile())
	}
}
