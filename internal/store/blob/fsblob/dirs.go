package fsblob

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"

	"github.com/org/registry-action/internal/store/blob"
)

// makeDirs is os.MkdirAll whose folders outlive a crash.
func makeDirs(dir string) error {
	err := os.Mkdir(dir, dirMode)
	if parent := filepath.Dir(dir); errors.Is(err, fs.ErrNotExist) && parent != dir {
		if err := makeDirs(parent); err != nil {
			return err
		}
		err = os.Mkdir(dir, dirMode)
	}
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	parent, err := os.Open(filepath.Dir(dir))
	if err != nil {
		return err
	}
	return syncAndClose(parent)
}

// makeDirsOf makes the folders that a blob lies in. A folder that is there
// already may be the work of a process killed before it could sync, so that
// each process syncs each folder's parent once.
func (s *Store) makeDirsOf(key blob.Key) error {
	s.making.Lock()
	defer s.making.Unlock()
	for _, name := range []string{string(key.Space), dirName(key)} {
		if s.made[name] {
			continue
		}
		if err := s.root.Mkdir(name, dirMode); err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("making the folder %s: %w", name, err)
		}
		if err := s.syncDir(path.Dir(name)); err != nil {
			return fmt.Errorf("syncing the parent of folder %s: %w", name, err)
		}
		s.made[name] = true
	}
	return nil
}

func (s *Store) syncDir(name string) error {
	dir, err := s.root.Open(name)
	if err != nil {
		return err
	}
	return syncAndClose(dir)
}

func syncAndClose(dir *os.File) error {
	if runtime.GOOS == "windows" { // there a folder can't be synced
		return dir.Close()
	}
	return errors.Join(dir.Sync(), dir.Close())
}
