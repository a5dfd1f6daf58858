package cache

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"time"
)

// Entry is an open copy. A copy that is replaced or evicted stays readable until it is closed.
type Entry struct {
	*os.File
	Size  int64
	Meta  []byte    // what Put or Touch was given; not to be changed
	Since time.Time // when Put or Touch was last called for it
}

// head is what is known of a copy beside its bytes.
type head struct {
	Size  int64     `json:"size"`
	CRC   uint32    `json:"crc32c"`
	Since time.Time `json:"since"`
	Meta  []byte    `json:"meta"`
}

const (
	maxMeta = 64 << 10
	maxHead = 2 * maxMeta // base64 and the rest

	// touchEvery is how exactly the order of use outlives a restart.
	touchEvery = time.Hour
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errDamaged: a crash left less than what was written, or something else.
var errDamaged = errors.New("damaged")

// Get opens the copy under a key, or returns ErrNotFound.
func (c *Cache) Get(key string) (*Entry, error) {
	e, _, err := c.get(key)
	if err == nil {
		c.hits.Add(1)
	} else {
		c.misses.Add(1)
	}
	return e, err
}

// get is Get. It returns the item as it was when it was opened, its head included.
func (c *Cache) get(key string) (*Entry, item, error) {
	for {
		it, ok := c.use(idOf(key))
		if !ok {
			return nil, item{}, ErrNotFound
		}
		e, err := c.open(&it)
		if err == nil {
			return e, it, nil
		}
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errDamaged) {
			return nil, item{}, fmt.Errorf("opening a cached copy: %w", err)
		}
		c.drop(&it) // evicted or replaced in this moment, or damaged
	}
}

// use finds a copy and makes it the most recently used.
func (c *Cache) use(id id) (item, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.copies[id]
	if !ok {
		return item{}, false
	}
	c.order.MoveToFront(e)
	return *e.Value.(*item), true
}

func (c *Cache) open(it *item) (*Entry, error) {
	f, err := c.root().Open(it.dataFile())
	if err != nil {
		return nil, err
	}
	if err := c.check(f, it); err != nil {
		_ = f.Close() // it was only read
		return nil, err
	}
	c.mark(it)
	return &Entry{File: f, Size: it.size, Meta: it.head.Meta, Since: it.head.Since}, nil
}

// check compares a file with its head. Of a copy that an earlier run left, all
// bytes are read, once: a power cut may leave a file of the right length and
// other bytes.
func (c *Cache) check(f *os.File, it *item) error {
	stat, err := f.Stat()
	if err != nil {
		return err
	}
	if it.head != nil {
		if stat.Size() != it.head.Size {
			return errDamaged
		}
		return nil
	}
	h, err := c.readHead(it)
	if err != nil {
		return err
	}
	if stat.Size() != h.Size || it.size != h.Size {
		return errDamaged
	}
	sum := crc32.New(castagnoli)
	if _, err := io.Copy(sum, f); err != nil {
		return err
	}
	if sum.Sum32() != h.CRC {
		return errDamaged
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	it.head = h
	c.update(it, func(kept *item) {
		if kept.head == nil {
			kept.head = h
		}
	})
	return nil
}

// update changes a copy in the index, if it is there still.
func (c *Cache) update(it *item, change func(*item)) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.copies[it.id]
	if !ok || e.Value.(*item).gen != it.gen {
		return false
	}
	change(e.Value.(*item))
	return true
}

// mark notes on disk that a copy is used, once in a while.
func (c *Cache) mark(it *item) {
	now := c.opt.Now()
	if now.Sub(it.touched) < touchEvery {
		return
	}
	if c.update(it, func(kept *item) { kept.touched = now }) {
		_ = c.root().Chtimes(it.dataFile(), now, now) // only the order of eviction hangs on it
	}
}

// Touch sets the Meta and Since of a copy, ErrNotFound if it is gone.
func (c *Cache) Touch(key string, meta []byte) error {
	e, it, err := c.get(key)
	if err != nil {
		return err
	}
	if err := e.Close(); err != nil {
		return err
	}
	h := &head{Size: it.head.Size, CRC: it.head.CRC, Since: c.opt.Now(), Meta: meta}
	if err := c.writeHead(&it, h); err != nil {
		return err
	}
	if !c.update(&it, func(kept *item) { kept.head = h }) {
		_ = c.root().Remove(it.headFile()) // evicted or replaced in this moment
		return ErrNotFound
	}
	return nil
}

func (c *Cache) readHead(it *item) (*head, error) {
	f, err := c.root().Open(it.headFile())
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(f, maxHead))
	_ = f.Close() // it was only read
	if err != nil {
		return nil, err
	}
	h := new(head)
	if json.Unmarshal(text, h) != nil {
		return nil, errDamaged
	}
	return h, nil
}

func (c *Cache) writeHead(it *item, h *head) error {
	if len(h.Meta) > maxMeta {
		return fmt.Errorf("the meta of a cached copy has %d bytes, more than %d", len(h.Meta), maxMeta)
	}
	text, err := json.Marshal(h)
	if err != nil {
		return err
	}
	temp := tempFile()
	err = c.onDisk(func(root *os.Root) error {
		if err := root.WriteFile(temp, text, fileMode); err != nil {
			return err
		}
		return root.Rename(temp, it.headFile())
	})
	if err != nil {
		_ = c.root().Remove(temp)
		return fmt.Errorf("writing the head of a cached copy: %w", err)
	}
	return nil
}
