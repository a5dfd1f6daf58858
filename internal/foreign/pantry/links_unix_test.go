//go:build unix

package pantry_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/org/registry-action/internal/foreign/pantry"
)

// Nothing is read from outside of the folder, and nothing that is no file.
func TestLinks(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(outside, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := folder(t, metadata, "tarballs/packages/pantry/plain/0.1.0/keep", "")
	f := open(t, dir)
	at := func(name string) string { return filepath.Join(dir, "tarballs/packages/pantry/plain/0.1.0", name) }
	if err := errors.Join(os.Symlink(outside, at("link")), os.Symlink("keep", at("inside")), os.Mkdir(at("folder"), 0o755), syscall.Mkfifo(at("pipe"), 0o644)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"link", "folder", "pipe", "../../../../../../../etc/passwd"} {
		if file, err := f.Open("tarballs/packages/pantry/plain/0.1.0/" + name); err == nil {
			t.Errorf("%s opens", name)
			file.Close()
		}
	}
	file, err := f.Open("tarballs/packages/pantry/plain/0.1.0/inside")
	if err != nil {
		t.Fatalf("a link inside of the folder: %v", err)
	}
	file.Close()
	if err := errors.Join(os.Remove(filepath.Join(dir, "metadata.json")), os.Symlink(outside, filepath.Join(dir, "metadata.json"))); err != nil {
		t.Fatal(err)
	}
	if _, err := pantry.Open(dir); err == nil {
		t.Error("metadata.json is read from outside of the folder")
	}
}
