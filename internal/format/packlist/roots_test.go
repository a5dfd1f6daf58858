package packlist_test

import (
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/org/registry-action/internal/format/packlist"
)

// Of more folders than are kept open, each file is found, by many at once.
func TestRootsOpen(t *testing.T) {
	dir := t.TempDir()
	var files []packlist.File
	for i := range 50 {
		for _, name := range []string{fmt.Sprintf("%d.js", i), fmt.Sprintf("%d/a.js", i), fmt.Sprintf("deep/er/%d/a.js", i)} {
			write(t, filepath.Join(dir, name), name)
			files = append(files, packlist.File{Base: dir, Name: name})
		}
	}
	var roots packlist.Roots
	defer roots.Close()
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for _, f := range files {
				r, err := roots.Open(f)
				if err != nil {
					t.Error(err)
					continue
				}
				if got, err := io.ReadAll(r); err != nil || string(got) != f.Name {
					t.Errorf("%s has %q, %v", f.Name, got, err)
				}
				r.Close()
			}
		})
	}
	wg.Wait()
}

// Neither a link nor a name leads out of the Base, and a pipe keeps nobody waiting.
func TestRootsOpenRefuses(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	write(t, filepath.Join(outside, "secret"), "")
	write(t, filepath.Join(dir, "sub/file"), "")
	link(t, outside, filepath.Join(dir, "out"))
	link(t, filepath.Join(outside, "secret"), filepath.Join(dir, "sub/link"))
	link(t, "../../"+filepath.Base(outside)+"/secret", filepath.Join(dir, "sub/up"))
	var roots packlist.Roots
	defer roots.Close()
	for _, name := range []string{"out/secret", "sub/link", "sub/up", "../x", "sub/../../x", filepath.Join(outside, "secret"), "missing/x", "sub/"} {
		if f, err := roots.Open(packlist.File{Base: dir, Name: name}); err == nil {
			f.Close()
			t.Errorf("%s was opened", name)
		}
	}
	pipe := filepath.Join(dir, "sub/pipe")
	if out, err := exec.CommandContext(t.Context(), "mkfifo", pipe).CombinedOutput(); err != nil {
		t.Fatalf("mkfifo: %v: %s", err, out)
	}
	f, err := roots.Open(packlist.File{Base: dir, Name: "sub/pipe"})
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
}
