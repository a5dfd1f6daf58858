package cache

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

const (
	tempDir  = ".tmp"
	headTail = ".json"
	dirMode  = 0o750
	fileMode = 0o640
)

func tempFile() string { return path.Join(tempDir, rand.Text()) }

func (it *item) dataFile() string {
	name := hex.EncodeToString(it.id[:])
	return fmt.Sprintf("%s/%s-%016x", name[:2], name[2:], it.gen)
}

func (it *item) headFile() string { return it.dataFile() + headTail }

// parseFile reads what dataFile gave.
func parseFile(dir, name string) (it *item, ok bool) {
	name, gen, _ := strings.Cut(name, "-")
	it = new(item)
	n, err := hex.Decode(it.id[:], []byte(dir+name[:min(len(name), 62)]))
	if err != nil || n != len(it.id) || len(name) != 62 {
		return nil, false
	}
	it.gen, err = strconv.ParseUint(gen, 16, 64)
	return it, err == nil
}

// load makes the index from names, lengths and times; heads are read by Get.
func (c *Cache) load() error {
	if err := c.root().RemoveAll(tempDir); err != nil {
		return err
	}
	if err := c.root().Mkdir(tempDir, dirMode); err != nil {
		return err
	}
	var (
		mu    sync.Mutex
		found []*item
		group errgroup.Group
	)
	group.SetLimit(2 * runtime.GOMAXPROCS(0))
	dirs, err := c.readDir(".")
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		if _, err := hex.DecodeString(dir.Name()); err != nil || len(dir.Name()) != 2 || !dir.IsDir() {
			continue // not ours
		}
		group.Go(func() error {
			items, err := c.loadDir(dir.Name())
			mu.Lock()
			defer mu.Unlock()
			found = append(found, items...)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	slices.SortFunc(found, func(a, b *item) int { return cmp.Or(a.touched.Compare(b.touched), cmp.Compare(a.gen, b.gen)) })
	for _, it := range found {
		if err := c.add(it, nil); err != nil { // of two copies of a key the later one stays
			return err
		}
	}
	return nil
}

func (c *Cache) readDir(name string) ([]fs.DirEntry, error) {
	f, err := c.root().Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it is only read
	return f.ReadDir(-1)
}

// loadDir lists the copies of a folder and removes every other file.
func (c *Cache) loadDir(dir string) ([]*item, error) {
	files, err := c.readDir(dir)
	if err != nil {
		return nil, err
	}
	names := make(map[string]bool, len(files))
	for _, file := range files {
		names[file.Name()] = true
	}
	var items []*item
	for _, file := range files {
		name := file.Name()
		data, isHead := strings.CutSuffix(name, headTail)
		it, ok := parseFile(dir, data)
		ok = ok && names[data] && names[data+headTail]
		switch {
		case !ok:
			_ = c.root().Remove(path.Join(dir, name)) // what stays is in nobody's way
		case !isHead:
			stat, err := file.Info()
			if err != nil {
				return nil, err
			}
			it.size, it.touched = stat.Size(), stat.ModTime()
			items = append(items, it)
		}
	}
	return items, nil
}
