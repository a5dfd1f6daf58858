package lumentree

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
)

// Disk is a Sink that is a folder. One process at a time has it.
type Disk struct {
	root   *os.Root
	unlock func() error

	mu      sync.Mutex
	next    int
	pending []pending
	folders map[string]bool // that were made
}

// pending is a file that was written and has not its name yet.
type pending struct{ temp, path string }

// OpenDisk opens a folder to write to, and makes it if there is none. fault.Unavailable if another process writes to it for too long.
// The caller closes it.
func OpenDisk(ctx context.Context, dir string) (*Disk, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, explain(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	unlock, err := lockFolder(ctx, root)
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	d := &Disk{root: root, unlock: unlock, folders: map[string]bool{}}
	if err := errors.Join(root.RemoveAll(tempPath), root.Mkdir(tempPath, 0o755)); err != nil { // what a killed export left
		return nil, errors.Join(explain(err), d.Close())
	}
	return d, nil
}

// Close removes what was not committed, and lets others write to the folder.
func (d *Disk) Close() error {
	return errors.Join(d.root.RemoveAll(tempPath), d.unlock(), d.root.Close())
}

// Open opens a file of the folder.
func (d *Disk) Open(_ context.Context, path string) (io.ReadCloser, error) {
	return openRegular(d.root, path)
}

// Put writes a file under a temporary name.
func (d *Disk) Put(_ context.Context, f File, r io.Reader) (err error) {
	d.mu.Lock()
	d.next++
	temp := tempPath + "/" + strconv.Itoa(d.next)
	d.mu.Unlock()
	file, err := d.root.OpenFile(temp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return explain(err)
	}
	_, err = io.Copy(file, r)
	if err = errors.Join(err, file.Close()); err != nil {
		return explain(errors.Join(err, d.root.Remove(temp)))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.pending = append(d.pending, pending{temp, f.Path})
	return nil
}

// few is up to how many files are made durable one by one; beyond it the whole file system is, once.
const few = 32

// Commit makes the files durable, then gives them their names.
func (d *Disk) Commit(context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.pending) == 0 {
		return nil
	}
	var files []string
	for _, p := range d.pending {
		files = append(files, p.temp)
	}
	if err := d.sync(files); err != nil {
		return explain(err)
	}
	changed := map[string]bool{}
	for _, p := range d.pending {
		folder := path.Dir(p.path)
		if err := d.makeFolder(folder, changed); err != nil {
			return explain(err)
		}
		if err := d.root.Rename(p.temp, p.path); err != nil {
			return explain(err)
		}
		changed[folder] = true
	}
	d.pending = nil
	files = files[:0]
	for folder := range changed {
		files = append(files, folder)
	}
	return explain(d.sync(files))
}

// makeFolder makes a folder and notes in which ones that made an entry.
func (d *Disk) makeFolder(folder string, changed map[string]bool) error {
	if folder == "." || d.folders[folder] {
		return nil
	}
	if err := d.makeFolder(path.Dir(folder), changed); err != nil {
		return err
	}
	switch err := d.root.Mkdir(folder, 0o755); {
	case err == nil:
		changed[path.Dir(folder)] = true
	case !errors.Is(err, fs.ErrExist):
		return err
	}
	d.folders[folder] = true
	return nil
}

// sync makes files and folders durable.
func (d *Disk) sync(names []string) error {
	if len(names) > few {
		if done, err := syncAll(d.root); done || err != nil {
			return err
		}
	}
	var g errgroup.Group
	g.SetLimit(atOnce)
	for _, name := range names {
		g.Go(func() error {
			file, err := d.root.Open(name)
			if err != nil {
				return err
			}
			return errors.Join(file.Sync(), file.Close())
		})
	}
	return g.Wait()
}

// Delete removes a file, and the folders that it leaves empty.
func (d *Disk) Delete(_ context.Context, name string) error {
	if err := d.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return explain(err)
	}
	for folder := path.Dir(name); folder != "." && d.root.Remove(folder) == nil; folder = path.Dir(folder) {
		delete(d.folders, folder)
	}
	return nil
}

// Sizes walks the folder.
func (d *Disk) Sizes(ctx context.Context) (map[string]int64, error) {
	sizes := map[string]int64{}
	err := fs.WalkDir(d.root.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil || ctx.Err() != nil:
			return errors.Join(err, ctx.Err())
		case name != "." && strings.HasPrefix(e.Name(), "."):
			if e.IsDir() {
				return fs.SkipDir
			}
			return nil
		case !e.Type().IsRegular():
			return nil
		}
		info, err := e.Info()
		if err == nil {
			sizes[name] = info.Size()
		}
		return err
	})
	return sizes, explain(err)
}

// Sum reads the file.
func (d *Disk) Sum(ctx context.Context, path string, _ bool) (digest.SHA256, error) {
	return SumOf(ctx, d, path)
}

// explain says in words what the system says of a file that can't be written, without its temporary name. Other errors, of what
// is read, stay as they are.
func explain(err error) error {
	var why error
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		why = e.Err
	} else if e, ok := errors.AsType[*os.LinkError](err); ok {
		why = e.Err
	}
	if why == nil {
		return err
	}
	return fault.Wrap(err, fault.Unavailable, "the folder can't be written: %s", why)
}
