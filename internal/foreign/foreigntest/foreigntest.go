// Package foreigntest writes the folders that tests of foreign registries read.
package foreigntest

import (
	"os"
	"path/filepath"
	"testing"
)

// Write writes files into a folder: a path with slashes, then its text, and so on.
func Write(t testing.TB, dir string, files ...string) {
	t.Helper()
	for i := 0; i < len(files); i += 2 {
		path := filepath.Join(dir, filepath.FromSlash(files[i]))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(files[i+1]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
