package lumentree

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/filelock"
)

const (
	lockWait  = 30 * time.Second // for another writer to end
	lockEvery = 100 * time.Millisecond
	maxHolder = 4 << 10 // bytes
)

// Holder says who writes to a tree, for those who wait.
type Holder struct {
	Host  string    `json:"host"`
	PID   int       `json:"pid"`
	Since time.Time `json:"since"`
}

// Self is this process, which begins to write now.
func Self() Holder {
	host, err := os.Hostname()
	if err != nil {
		host = "this machine"
	}
	return Holder{Host: host, PID: os.Getpid(), Since: time.Now().UTC().Truncate(time.Second)}
}

func (h Holder) String() string {
	if h.PID == 0 {
		return "another process"
	}
	return fmt.Sprintf("process %d on %.80q, since %s,", h.PID, h.Host, h.Since.Format(time.RFC3339))
}

// lockFolder takes the lock of a folder, for which it waits a while. The lock ends with the process, however that ends.
func lockFolder(ctx context.Context, root *os.Root) (unlock func() error, err error) {
	if info, err := root.Lstat(LockPath); err == nil && !info.Mode().IsRegular() {
		return nil, fault.New(fault.Invalid, "%s in %s is not a regular file; remove it", LockPath, root.Name())
	}
	f, err := root.OpenFile(LockPath, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, explain(err)
	}
	if err := awaitLock(ctx, f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if err := writeHolder(f); err != nil {
		return nil, errors.Join(explain(err), f.Close())
	}
	return func() error { return errors.Join(f.Truncate(0), f.Close()) }, nil // an empty file is the same one each time, for git
}

func awaitLock(ctx context.Context, f *os.File) error {
	wait, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	for {
		err := filelock.Try(f)
		if !errors.Is(err, filelock.ErrLocked) {
			return err
		}
		if pause(wait, lockEvery) == nil {
			continue
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return fault.New(fault.Unavailable, "%s has the lock %s and did not let go of it for %s; wait for it to end and try again, or end it: the lock goes with the process, not with the file",
			readHolder(f), f.Name(), lockWait).WithCode("locked")
	}
}

func writeHolder(f *os.File) error {
	text, err := json.Marshal(Self())
	if err != nil {
		return err
	}
	_, err = f.WriteAt(text, 0)
	return errors.Join(err, f.Truncate(int64(len(text))))
}

// readHolder reads who has the lock; a holder that does not say, or is just about to, is another process.
func readHolder(f *os.File) (h Holder) {
	text, err := io.ReadAll(io.NewSectionReader(f, 0, maxHolder))
	if err != nil || json.Unmarshal(text, &h) != nil {
		return Holder{}
	}
	return h
}
