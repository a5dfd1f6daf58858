package parity

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
)

const (
	batchSize = 15 // packages that one npm fetches
	parallel  = 2  // processes of npm at a time
)

// Cache is a folder of published packages.
type Cache struct {
	npm *NPM
	dir string
}

// NewCache makes a cache in dir, or in the user's own cache folder if dir is empty.
func NewCache(npm *NPM, dir string) (*Cache, error) {
	if dir == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return nil, fmt.Errorf("finding the cache folder: %w", err)
		}
		dir = filepath.Join(user, "registry-action", "parity")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("making the cache folder: %w", err)
	}
	return &Cache{npm: npm, dir: dir}, nil
}

// Path is where the archive of a specifier lies.
func (c *Cache) Path(spec string) string {
	return filepath.Join(c.dir, strings.NewReplacer("/", "+").Replace(spec)+".tgz")
}

// Fetch gets the archives that are missing. The errors are by specifier.
func (c *Cache) Fetch(ctx context.Context, specs []string) map[string]error {
	missing := slices.DeleteFunc(slices.Clone(specs), func(spec string) bool {
		_, err := os.Stat(c.Path(spec))
		return err == nil
	})
	batches := slices.Collect(slices.Chunk(missing, batchSize))
	results := make([]map[string]error, len(batches))
	var g errgroup.Group
	g.SetLimit(parallel)
	for i, batch := range batches {
		g.Go(func() error {
			results[i] = c.fetchBatch(ctx, batch)
			return nil
		})
	}
	_ = g.Wait() // the errors are in results
	failed := map[string]error{}
	for _, r := range results {
		maps.Copy(failed, r)
	}
	return failed
}

// fetchBatch fetches packages at once and, if npm fails at that, one by one.
func (c *Cache) fetchBatch(ctx context.Context, specs []string) map[string]error {
	err := c.fetch(ctx, specs)
	if err == nil {
		return nil
	}
	if len(specs) == 1 {
		return map[string]error{specs[0]: err}
	}
	failed := map[string]error{}
	for _, spec := range specs {
		if err := c.fetch(ctx, []string{spec}); err != nil {
			failed[spec] = err
		}
	}
	return failed
}

func (c *Cache) fetch(ctx context.Context, specs []string) error {
	scratch, err := os.MkdirTemp(c.dir, "fetch")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	files, err := c.npm.run(ctx, scratch, scratch, specs...)
	if err != nil {
		return fmt.Errorf("fetching %s: %w", strings.Join(specs, " "), err)
	}
	for i, spec := range specs {
		if err := os.Rename(files[i], c.Path(spec)); err != nil {
			return err
		}
	}
	return nil
}
