package registry

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/blob"
	"github.com/org/registry-action/internal/store/blob/fsblob"
	"github.com/org/registry-action/internal/store/cache"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/kv/boltkv"
)

// stores are the open drivers of a registry.
type stores struct {
	db     kv.DB
	blobs  blob.Store
	cache  *cache.Cache // what can be had again
	spool  string       // a folder for files that live as long as a request
	closer []io.Closer
}

func (s stores) close() error {
	var err error
	for _, c := range slices.Backward(s.closer) {
		err = errors.Join(err, c.Close())
	}
	return err
}

// openStores opens the embedded drivers below the data folder. The database's
// lock keeps a second server off the folder.
func openStores(c Config) (stores, error) {
	if err := os.MkdirAll(c.DataDir, 0o700); err != nil {
		return stores{}, fmt.Errorf("making the data folder: %w", err)
	}
	if err := ignoreInGit(c.DataDir); err != nil {
		return stores{}, fmt.Errorf("keeping the data folder out of git: %w", err)
	}
	db, err := boltkv.Open(filepath.Join(c.DataDir, "metadata.db"), boltkv.Options{Now: c.Now})
	if errors.Is(err, kv.ErrLocked) {
		return stores{}, fault.Wrap(err, fault.Unavailable, "another registry-server is using the data folder %s; stop it, or choose another folder with --data (REGISTRY_DATA)", c.DataDir)
	}
	if err != nil {
		return stores{}, fmt.Errorf("opening the metadata in %s: %w", c.DataDir, err)
	}
	s := stores{db: db, spool: filepath.Join(c.DataDir, "spool"), closer: []io.Closer{db}}
	blobs, err := fsblob.Open(filepath.Join(c.DataDir, "blobs"))
	if err != nil {
		return stores{}, errors.Join(fmt.Errorf("opening the blobs in %s: %w", c.DataDir, err), s.close())
	}
	s.blobs, s.closer = blobs, append(s.closer, blobs)
	if s.cache, err = cache.Open(filepath.Join(c.DataDir, "cache"), cache.Options{MaxBytes: c.CacheSize, Now: c.Now}); err != nil {
		return stores{}, errors.Join(fmt.Errorf("opening the cache in %s: %w", c.DataDir, err), s.close())
	}
	s.closer = append(s.closer, s.cache)
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
