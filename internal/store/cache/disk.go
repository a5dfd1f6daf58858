package cache

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// root is the folder.
func (c *Cache) root() *os.Root { return c.folder.Load() }

// onDisk does what needs the folder, or room on the disk. A folder that was
// deleted is made again; on a full disk copies give way until there is room.
func (c *Cache) onDisk(op func(root *os.Root) error) error {
	for restored := false; ; {
		err := op(c.root())
		switch {
		case errors.Is(err, fs.ErrNotExist) && !restored:
			if err := c.restore(); err != nil {
				return err
			}
			restored = true
		case !isFull(err) || !c.giveWay():
			return err
		}
	}
}

func isFull(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }

// restore makes the folder again that somebody has deleted. What was in it falls out
// of the index when it is asked for.
func (c *Cache) restore() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return os.ErrClosed
	}
	err := c.root().Mkdir(tempDir, dirMode)
	if errors.Is(err, fs.ErrNotExist) { // not only what was in it
		var root *os.Root
		if err := os.MkdirAll(c.dir, dirMode); err != nil {
			return err
		}
		if root, err = os.OpenRoot(c.dir); err != nil {
			return err
		}
		c.deleted = append(c.deleted, c.folder.Swap(root)) // others may still be at it
		err = root.Mkdir(tempDir, dirMode)
	}
	if errors.Is(err, fs.ErrExist) { // another was faster
		return nil
	}
	return err
}

// wayAtOnce is how much gives way before it is tried again, in bytes.
const wayAtOnce = 8 << 20

// giveWay drops the copies that were used least recently, to make room on the
// disk. It reports whether there were any.
func (c *Cache) giveWay() bool {
	c.mu.Lock()
	var gone []*item
	for freed := int64(0); c.order.Len() > 0 && freed < wayAtOnce; {
		it := c.forget(c.order.Back())
		gone, freed = append(gone, it), freed+it.cost()
	}
	c.mu.Unlock()
	c.remove(gone)
	return len(gone) > 0
}
