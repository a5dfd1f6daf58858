package pack

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/org/registry-action/internal/action/workspace"
)

// isBerry tells yarn 2 and later from yarn 1: they have a .yarnrc.yml or a
// lockfile of their own kind, which starts with its metadata.
func isBerry(ws *workspace.Workspace) (bool, error) {
	if ws.Manager != workspace.Yarn {
		return false, nil
	}
	root, err := os.OpenRoot(ws.Root)
	if err != nil {
		return false, fmt.Errorf("opening the workspace: %w", err)
	}
	defer root.Close()
	if _, err := root.Stat(".yarnrc.yml"); err == nil {
		return true, nil
	}
	lock, err := root.Open("yarn.lock")
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading yarn.lock: %w", err)
	}
	defer lock.Close()
	start, err := io.ReadAll(io.LimitReader(lock, 1024))
	if err != nil {
		return false, fmt.Errorf("reading yarn.lock: %w", err)
	}
	return bytes.Contains(start, []byte("__metadata:")), nil
}
