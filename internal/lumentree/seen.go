package lumentree

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/lumen"
)

// Seen is what is remembered of the newest checkpoint that was seen: an older one is good until it expires, but not to who has seen
// a newer one.
type Seen struct {
	Sequence int64  `json:"sequence"`
	Root     string `json:"root"`
}

// ReadSeen reads a file of it; the zero value if there is none.
func ReadSeen(path string) (s Seen, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	text, err := io.ReadAll(io.LimitReader(f, maxHolder))
	if err = errors.Join(err, f.Close()); err != nil {
		return s, fmt.Errorf("reading the checkpoint that was seen: %w", err)
	}
	if json.Unmarshal(text, &s) != nil || s.Sequence < 0 || s.Root == "" {
		return s, fault.New(fault.Invalid, "%s is not what a verification writes; remove it to begin anew", path)
	}
	return s, nil
}

// Write replaces the file in one step.
func (s Seen) Write(path string) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".seen-*")
	if err != nil {
		return err
	}
	_, err = f.Write(lumen.Encode(s))
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// compareSeen refuses a checkpoint that is older than the one that was seen, and two that say to be the same.
func (v *verifier) compareSeen(c lumen.Checkpoint) {
	const remedy = "; if the registry was restored from a backup, remove the file of what was seen"
	switch seen := v.opt.Seen; {
	case seen.Root == "":
	case c.Sequence < seen.Sequence:
		v.problem(lumen.CheckpointPath(), CodeStale, "its number is %d, and %d was seen before: this is an older tree"+remedy, c.Sequence, seen.Sequence)
	case c.Sequence == seen.Sequence && c.Root != seen.Root:
		v.problem(lumen.CheckpointPath(), CodeCheckpoint, "another checkpoint with the number %d was seen before: others are shown another tree"+remedy, c.Sequence)
	}
}
