package registry

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/filelock"
)

// lockFile, in the data folder, is locked by the one process that uses the folder: wherever metadata and bytes are,
// the cache and the spool in it are for one alone.
const lockFile = "lock"

// A process that is just ending may hold the lock for so long.
const (
	lockWait  = 250 * time.Millisecond
	lockEvery = 10 * time.Millisecond
)

// lockFolder takes the lock of a data folder; fault.Unavailable tells that another process has it. The lock ends
// when it is closed, or with this process.
func lockFolder(dir string) (io.Closer, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the lock of the data folder: %w", err)
	}
	for begun := time.Now(); ; time.Sleep(lockEvery) {
		err := filelock.Try(f)
		switch {
		case err == nil:
			return f, nil
		case errors.Is(err, filelock.ErrLocked) && time.Since(begun) < lockWait:
			continue
		case errors.Is(err, filelock.ErrLocked):
			err = fault.Wrap(err, fault.Unavailable, "another registry-server is using the data folder %s; stop it, or choose another folder with --data (REGISTRY_DATA)", dir)
		default:
			err = fmt.Errorf("locking %s: %w", f.Name(), err)
		}
		return nil, errors.Join(err, f.Close())
	}
}
