package lumentree_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/lumentree"
)

// Who waits for another writer in vain is told who that is.
func TestLocked(t *testing.T) {
	dir := t.TempDir()
	first := disk(t, dir)
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		_, err := lumentree.OpenDisk(t.Context(), dir)
		e, ok := fault.Public(err)
		if !ok || e.Code != "locked" || !strings.Contains(e.Message, fmt.Sprintf("process %d on ", os.Getpid())) || !strings.Contains(e.Message, filepath.Join(dir, lumentree.LockPath)) {
			t.Errorf("a folder that is locked: %v", err)
		}
		if waited := time.Since(begin); waited < 20*time.Second || waited > time.Minute {
			t.Errorf("it waited for %s", waited)
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := lumentree.OpenDisk(ctx, dir); !errors.Is(err, context.Canceled) {
		t.Errorf("a command that was stopped while it waits: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if err := disk(t, dir).Close(); err != nil {
		t.Error(err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, lumentree.LockPath)); err != nil || len(text) > 0 {
		t.Errorf("the lock's file, which gets into a git repository, has %q, %v", text, err)
	}
}

// The lock is not written through a link that somebody has put into the folder.
func TestLockIsNoLink(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"index.json": "{}"})
	if err := os.Symlink("index.json", filepath.Join(dir, lumentree.LockPath)); err != nil {
		t.Fatal(err)
	}
	if _, err := lumentree.OpenDisk(t.Context(), dir); !errors.Is(err, fault.Invalid) {
		t.Errorf("OpenDisk = %v", err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "index.json")); err != nil || string(text) != "{}" {
		t.Errorf("index.json: %q, %v", text, err)
	}
}
