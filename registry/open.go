package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/org/registry-action/internal/store/blob"
	"github.com/org/registry-action/internal/store/blob/cachedblob"
	"github.com/org/registry-action/internal/store/blob/s3blob"
	"github.com/org/registry-action/internal/store/cache"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/kv/dynamokv"
	"github.com/org/registry-action/internal/store/transfer"
)

// stores are the open drivers of a registry.
type stores struct {
	db     kv.DB     // gate
	rows   kv.Walker // behind gate
	gate   *transfer.Gate
	counts kv.Walker // of statistics; rows if they have no table of their own
	place  place

	countsGate *transfer.Gate // before counts

	blobs  blob.Store
	raw    blob.Store    // behind the cache
	cache  *cache.Cache  // what can be had again
	spool  string        // a folder for files that live as long as a request
	settle time.Duration // how long a batch may be seen in part; see law 2 of package kv
	closer []io.Closer
}

func (s stores) close() error {
	var err error
	for _, c := range slices.Backward(s.closer) {
		err = errors.Join(err, c.Close())
	}
	return err
}

// openStores opens the embedded drivers below the data folder, or a table and a bucket in place of them. A lock keeps a
// second server off the folder.
func openStores(c Config) (stores, error) {
	if err := os.MkdirAll(c.DataDir, 0o700); err != nil {
		return stores{}, fmt.Errorf("making the data folder: %w; choose another with --data (REGISTRY_DATA)", err)
	}
	if err := ignoreInGit(c.DataDir); err != nil {
		return stores{}, fmt.Errorf("keeping the data folder out of git: %w", err)
	}
	lock, err := lockFolder(c.DataDir)
	if err != nil {
		return stores{}, err
	}
	s := stores{spool: spoolFolder(c.DataDir), closer: []io.Closer{lock, asideFolder(c.DataDir)}}
	if err := setAside(c.DataDir); err != nil {
		return stores{}, errors.Join(fmt.Errorf("putting aside what was moved from the data folder: %w", err), s.close())
	}
	if s.rows, s.place.table, err = openMetadata(c); err != nil {
		return stores{}, errors.Join(err, s.close())
	}
	var others func(context.Context) error
	if s.place.table.Table != "" {
		others = transfer.MarkerOf(s.rows)
	}
	s.gate = transfer.NewGate(s.rows, others)
	s.db, s.closer = c.meterRows(s.gate), append(s.closer, s.rows)
	if _, ok := s.rows.(*dynamokv.DB); ok {
		s.settle = time.Second
	}
	blobs, bucket, err := openBlobs(c)
	if err != nil {
		return stores{}, errors.Join(err, s.close())
	}
	s.blobs, s.raw, s.place.bucket, s.closer = c.meterBlobs(blobs), blobs, bucket, append(s.closer, blobs)
	if err := s.agree(c); err != nil {
		return stores{}, errors.Join(err, s.close())
	}
	if err := s.openStatistics(c); err != nil {
		return stores{}, errors.Join(err, s.close())
	}
	if s.cache, err = cache.Open(filepath.Join(c.DataDir, "cache"), cache.Options{MaxBytes: c.CacheSize, Now: c.Now}); err != nil {
		return stores{}, errors.Join(fmt.Errorf("opening the cache in %s: %w", c.DataDir, err), s.close())
	}
	s.closer = append(s.closer, s.cache)
	if _, ok := blobs.(*s3blob.Store); ok {
		s.blobs = cachedblob.New(s.blobs, s.cache)
	}
	// What a killed server was receiving is of no use.
	if err := errors.Join(os.RemoveAll(s.spool), os.Mkdir(s.spool, 0o700)); err != nil {
		return stores{}, errors.Join(fmt.Errorf("emptying the spool folder: %w", err), s.close())
	}
	return s, nil
}

// notWritable adds the way out to an error that says that a folder can't be written.
func notWritable(dir string, err error) error {
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		return fmt.Errorf("%w; let this user write to %s, or choose another folder with --data (REGISTRY_DATA)", err, dir)
	}
	return err
}

// ignoreInGit keeps a data folder inside a checkout from making it dirty.
func ignoreInGit(dir string) error {
	f, err := os.OpenFile(filepath.Join(dir, ".gitignore"), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = f.WriteString("*\n")
	return errors.Join(err, f.Close())
}
