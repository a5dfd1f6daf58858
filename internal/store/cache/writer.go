package cache

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path"
	"sync"
)

// Writer is a copy that is being made; it is seen under its key after Commit.
// Its own methods are for one goroutine, Follow and Abort for any.
type Writer struct {
	c    *Cache
	id   id
	temp string
	file *os.File // for the writer and its followers together
	sum  uint32

	mu      sync.Mutex
	changed sync.Cond
	size    int64
	users   int   // who close the file, the last of them
	end     error // io.EOF after Commit, Abort's after Abort
}

// Create begins a copy. It must end by Commit or Abort.
func (c *Cache) Create(key string) (*Writer, error) {
	w := &Writer{c: c, id: idOf(key), temp: tempFile(), users: 1}
	w.changed.L = &w.mu
	err := c.onDisk(func(root *os.Root) (err error) {
		w.file, err = root.OpenFile(w.temp, os.O_RDWR|os.O_CREATE|os.O_EXCL, fileMode)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("beginning a cached copy: %w", err)
	}
	c.mu.Lock()
	closed := c.closed
	c.writers[w] = 0
	c.mu.Unlock()
	if closed {
		w.Abort(os.ErrClosed)
		return nil, os.ErrClosed
	}
	return w, nil
}

// Write appends bytes. They may be more than the cache holds: who follows gets
// them, Commit does not keep them.
func (w *Writer) Write(p []byte) (n int, err error) {
	err = w.c.onDisk(func(*os.Root) error {
		m, err := w.file.Write(p[n:])
		n += m
		return err
	})
	w.sum = crc32.Update(w.sum, castagnoli, p[:n])
	w.mu.Lock()
	if w.end != nil { // aborted by Close
		defer w.mu.Unlock()
		return 0, os.ErrClosed
	}
	w.size += int64(n)
	w.changed.Broadcast()
	w.mu.Unlock()
	w.c.grow(w, int64(n))
	if err != nil {
		return n, fmt.Errorf("writing a cached copy: %w", err)
	}
	return n, nil
}

// Commit makes the copy visible. Readers of Follow come to their end even if
// it fails: they have all bytes.
func (w *Writer) Commit(meta []byte) error {
	w.mu.Lock()
	size, ended := w.size, w.end != nil
	w.mu.Unlock()
	if ended {
		return os.ErrClosed
	}
	err := w.keep(size, meta)
	w.finish(io.EOF)
	return err
}

func (w *Writer) keep(size int64, meta []byte) error {
	now := w.c.opt.Now()
	h := &head{Size: size, CRC: w.sum, Since: now, Meta: meta}
	it := &item{id: w.id, gen: rand.Uint64(), size: size, touched: now, head: h}
	if it.cost() > w.c.opt.MaxBytes {
		return nil
	}
	err := w.c.root().Chtimes(w.temp, now, now)
	if err == nil {
		err = w.c.onDisk(func(root *os.Root) error { return name(root, w.temp, it.dataFile()) })
	}
	if err != nil {
		return fmt.Errorf("naming a cached copy: %w", err)
	}
	if err = w.c.writeHead(it, h); err == nil {
		err = w.c.add(it, w)
	}
	if err != nil {
		w.c.remove([]*item{it})
	}
	return err
}

// name gives a temporary file its name, in a folder that may not be there yet.
func name(root *os.Root, temp, file string) error {
	err := root.Rename(temp, file)
	if errors.Is(err, fs.ErrNotExist) {
		if err := root.Mkdir(path.Dir(file), dirMode); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		err = root.Rename(temp, file)
	}
	return err
}

// Abort drops the copy; after Commit it does nothing. Readers of Follow get err.
func (w *Writer) Abort(err error) {
	if err == nil || err == io.EOF {
		err = io.ErrUnexpectedEOF // a reader must not take it for the end
	}
	w.finish(err)
}

// finish ends the copy once.
func (w *Writer) finish(end error) {
	w.mu.Lock()
	if w.end != nil {
		w.mu.Unlock()
		return
	}
	w.end = end
	w.changed.Broadcast()
	w.mu.Unlock()

	_ = w.c.root().Remove(w.temp) // not there after Commit
	w.c.mu.Lock()
	w.c.settle(w)
	w.c.mu.Unlock()
	_ = w.release() // its bytes are on their way to the disk, or not wanted
}

func (w *Writer) release() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.users--; w.users > 0 {
		return nil
	}
	return w.file.Close()
}

// Follow reads the copy from its start while it is being made: a Read waits for bytes, io.EOF
// comes after Commit, Abort's error after Abort. The caller closes it, which also ends a Read
// that waits. Once the copy is finished and nobody follows it any more the error is os.ErrClosed.
func (w *Writer) Follow() (io.ReadCloser, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.users == 0 {
		return nil, os.ErrClosed
	}
	w.users++
	return &follower{w: w}, nil
}

// follower reads the writer's file, at an offset of its own.
type follower struct {
	w      *Writer
	at     int64
	closed bool // guarded by w.mu
}

func (f *follower) Read(p []byte) (int, error) {
	n, err := f.wait(len(p))
	if err != nil || n == 0 {
		return 0, err
	}
	n, err = f.w.file.ReadAt(p[:n], f.at)
	f.at += int64(n)
	return n, err
}

// wait returns how many of want bytes can be read now.
func (f *follower) wait(want int) (int, error) {
	w := f.w
	w.mu.Lock()
	defer w.mu.Unlock()
	for !f.closed && w.end == nil && f.at == w.size {
		w.changed.Wait()
	}
	switch {
	case f.closed:
		return 0, os.ErrClosed
	case w.end != nil && w.end != io.EOF:
		return 0, w.end
	case f.at == w.size:
		return 0, io.EOF
	}
	return int(min(int64(want), w.size-f.at)), nil
}

func (f *follower) Close() error {
	f.w.mu.Lock()
	closed := f.closed
	f.closed = true
	f.w.changed.Broadcast()
	f.w.mu.Unlock()
	if closed {
		return nil
	}
	return f.w.release()
}
