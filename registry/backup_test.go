package registry_test

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/adminclient"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/registry"
)

// backup backs the running server up.
func (n *node) backup(to string) registry.Backup {
	n.t.Helper()
	client := adminclient.Remote(n.url, control)
	defer client.Close()
	s, err := client.Snapshot(n.t.Context())
	if err != nil {
		n.t.Fatal(err)
	}
	b, err := registry.WriteBackup(n.t.Context(), registry.BackupSource{Snapshot: filepath.Join(n.dir, s.File), Blobs: filepath.Join(n.dir, s.Blobs)}, to)
	if err != nil {
		n.t.Fatal(err)
	}
	return b
}

// restored starts a server on what a backup gives.
func restored(t *testing.T, from string) *node {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "restored")
	if _, err := registry.Restore(t.Context(), from, dir, nil); err != nil {
		t.Fatal(err)
	}
	return start(t, registry.Config{DataDir: dir})
}

// What was acknowledged before a backup began installs from it, in both forms, and a later one in the same folder adds to it.
func TestBackupWhilePublishing(t *testing.T) {
	n := start(t, registry.Config{ControlToken: control})
	files := n.publishAll()
	for _, to := range []string{filepath.Join(t.TempDir(), "folder"), filepath.Join(t.TempDir(), "file.tar")} {
		stop := n.publishing("during-" + strings.TrimPrefix(filepath.Ext(to), "."))
		if a := n.publish("before", "1.0.0"); a.StatusCode != http.StatusCreated && a.StatusCode != http.StatusOK {
			t.Fatalf("a publish: %d %s", a.StatusCode, a.body)
		}
		first := n.backup(to)
		if acked := stop(); len(acked) == 0 {
			t.Error("nothing was published meanwhile")
		}
		r := restored(t, to)
		r.wantAll(files)
		r.wantVersions("before", []string{"1.0.0"})
		r.stop()
		if a := n.publish("later-"+strings.TrimPrefix(filepath.Ext(to), "."), "1.0.0"); a.StatusCode != http.StatusCreated {
			t.Fatalf("a publish between the backups: %d %s", a.StatusCode, a.body)
		}
		second := n.backup(to)
		if second.Blobs <= first.Blobs || second.SHA256 == first.SHA256 {
			t.Errorf("the second backup is %+v after %+v", second, first)
		}
		r = restored(t, to)
		r.wantAll(files)
		if a := r.publish("new", "1.0.0"); a.StatusCode != http.StatusCreated {
			t.Errorf("a publish to what was restored: %d %s", a.StatusCode, a.body)
		}
		err := filepath.WalkDir(to, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if info, err := d.Info(); err != nil || !d.IsDir() && strings.Contains(path, "metadata") && info.Mode().Perm() != 0o600 || path == to && info.Mode().Perm()&0o077 != 0 {
				t.Errorf("%s has the mode %v, %v", path, info.Mode(), err)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// Nothing but a whole backup is restored, and only to where nothing is.
func TestDamagedBackups(t *testing.T) {
	n := start(t, registry.Config{ControlToken: control})
	n.publishAll()
	folder, file := filepath.Join(t.TempDir(), "folder"), filepath.Join(t.TempDir(), "file.tar")
	flip := func(t *testing.T, pattern string) {
		t.Helper()
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("there is no %s: %v", pattern, err)
		}
		text, err := os.ReadFile(found[0])
		if err != nil {
			t.Fatal(err)
		}
		text[len(text)/2] ^= 1
		if err := errors.Join(os.Chmod(found[0], 0o600), os.WriteFile(found[0], text, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	remove := func(t *testing.T, pattern string) {
		t.Helper()
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("there is no %s: %v", pattern, err)
		}
		if err := os.Remove(found[0]); err != nil {
			t.Fatal(err)
		}
	}
	blobs := filepath.Join("blobs", "packages", "*", "*")
	for name, c := range map[string]struct {
		from string
		hurt func(t *testing.T)
	}{
		"no note":        {folder, func(t *testing.T) { remove(t, filepath.Join(folder, "backup.json")) }},
		"no metadata":    {folder, func(t *testing.T) { remove(t, filepath.Join(folder, "metadata-*.db")) }},
		"other metadata": {folder, func(t *testing.T) { flip(t, filepath.Join(folder, "metadata-*.db")) }},
		"no blob":        {folder, func(t *testing.T) { remove(t, filepath.Join(folder, blobs)) }},
		"another blob":   {folder, func(t *testing.T) { flip(t, filepath.Join(folder, blobs)) }},
		"an other path": {folder, func(t *testing.T) {
			note := `{"format":1,"metadata":"../` + filepath.Base(n.dir) + `/metadata.db"}`
			if err := os.WriteFile(filepath.Join(folder, "backup.json"), []byte(note), 0o600); err != nil {
				t.Fatal(err)
			}
		}},
		"half a file": {file, func(t *testing.T) {
			stat, err := os.Stat(file)
			if err = errors.Join(err, os.Truncate(file, stat.Size()-10<<10)); err != nil {
				t.Fatal(err)
			}
		}},
		"a changed file": {file, func(t *testing.T) { flip(t, file) }},
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.RemoveAll(c.from); err != nil {
				t.Fatal(err)
			}
			n.backup(c.from)
			c.hurt(t)
			dir := filepath.Join(t.TempDir(), "new")
			if _, err := registry.Restore(t.Context(), c.from, dir, nil); !errors.Is(err, fault.Invalid) {
				t.Errorf("Restore = %v, want a refusal", err)
			}
			if left, err := filepath.Glob(dir + "*"); err != nil || len(left) > 0 {
				t.Errorf("there is %v, %v", left, err)
			}
		})
	}
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	n.backup(folder)
	if _, err := registry.Restore(t.Context(), folder, n.dir, nil); !errors.Is(err, fault.Invalid) {
		t.Errorf("over a folder that is in use: %v", err)
	}
	if _, err := registry.WriteBackup(t.Context(), registry.BackupSource{}, n.dir); !errors.Is(err, fault.Invalid) {
		t.Errorf("a backup into a data folder: %v", err)
	}
}

// A backup of a disk that has lost bytes fails; it does not pretend.
func TestBackupOfDamage(t *testing.T) {
	n := start(t, registry.Config{ControlToken: control})
	n.publishAll()
	found, err := filepath.Glob(filepath.Join(n.dir, "blobs", "packages", "*", "*"))
	if err != nil || len(found) == 0 {
		t.Fatalf("the server has no blobs: %v", err)
	}
	if err := os.Remove(found[0]); err != nil {
		t.Fatal(err)
	}
	client := adminclient.Remote(n.url, control)
	s, err := client.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{filepath.Join(t.TempDir(), "folder"), filepath.Join(t.TempDir(), "file.tar")} {
		_, err := registry.WriteBackup(t.Context(), registry.BackupSource{Snapshot: filepath.Join(n.dir, s.File), Blobs: filepath.Join(n.dir, s.Blobs)}, to)
		if !errors.Is(err, fault.NotFound) {
			t.Errorf("WriteBackup = %v, want what is missing", err)
		}
		if _, err := registry.Restore(t.Context(), to, filepath.Join(t.TempDir(), "new"), nil); err == nil {
			t.Error("and yet it is restored")
		}
	}
}

// A backup that is interrupted leaves the one before it as it was, and is none itself.
func TestInterruptedBackup(t *testing.T) {
	n := start(t, registry.Config{ControlToken: control})
	files := n.publishAll()
	folder, file := filepath.Join(t.TempDir(), "folder"), filepath.Join(t.TempDir(), "file.tar")
	for _, to := range []string{folder, file} {
		n.backup(to)
	}
	n.publish("more", "1.0.0")
	client := adminclient.Remote(n.url, control)
	defer client.Close()
	s, err := client.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{folder, file, file + "-never-there.tar"} {
		ctx, cancel := context.WithCancel(t.Context())
		_, err := registry.WriteBackup(ctx, registry.BackupSource{
			Snapshot: filepath.Join(n.dir, s.File), Blobs: filepath.Join(n.dir, s.Blobs),
			Progress: func(done, _ int64) {
				if done == 2 {
					cancel()
				}
			},
		}, to)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("WriteBackup = %v, want an interruption", err)
		}
		if to == folder || to == file {
			restored(t, to).wantAll(files)
		} else if left, err := filepath.Glob(to + "*"); err != nil || len(left) > 0 {
			t.Errorf("there is %v, %v", left, err)
		}
	}
}
