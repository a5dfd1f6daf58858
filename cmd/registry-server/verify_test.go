package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/wire"
)

// flipOne changes a byte of the one blob in a data folder, and returns where that is and what undoes it.
func flipOne(t *testing.T, dir string) (place string, undo func()) {
	t.Helper()
	blob := ""
	err := filepath.WalkDir(filepath.Join(dir, "blobs"), func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() && len(e.Name()) == 64 {
			blob = path
		}
		return err
	})
	if err != nil || blob == "" {
		t.Fatal("no blob in ", dir, err)
	}
	good, err := os.ReadFile(blob)
	if err != nil {
		t.Fatal(err)
	}
	write := func(text []byte) {
		if err := os.Chmod(blob, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(blob, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	bad := []byte(string(good))
	bad[len(bad)/2] ^= 4
	write(bad)
	rel, err := filepath.Rel(dir, blob)
	if err != nil {
		t.Fatal(err)
	}
	return filepath.ToSlash(rel), func() { write(good) }
}

// The same report of a server that runs and of one that does not, by its exit code, too.
func TestVerifyCommand(t *testing.T) {
	dir := t.TempDir()
	url, stop := serving(t, dir)
	cli(t, "", "verify", "--data", dir).want(0, "nothing is published")
	publishTo(t, url, "kept")
	cli(t, "", "verify", "--data", dir).want(0, "1 npm versions")
	blob, undo := flipOne(t, dir)
	for _, state := range []string{"running", "stopped"} {
		r := cli(t, "", "verify", "all", "--data", dir).want(1, "1 thing is wrong")
		for _, part := range []string{"wrong: npm kept@1.0.0: its bytes are damaged (bytes)", "bytes: " + blob, "expected: sha256:", "got: sha256:", "what to do: put the file back from a backup"} {
			if !strings.Contains(r.stdout, part) {
				t.Errorf("of a %s server it says\n%s\nwithout %q", state, r.stdout, part)
			}
		}
		stop()
	}
	var v wire.Verification
	cli(t, "", "verify", "--data", dir, "--json").want(1, "").json(&v)
	if len(v.Problems) != 1 || v.Problems[0].Name != "kept@1.0.0" || v.Problems[0].Code != "bytes" {
		t.Errorf("%+v", v)
	}
	undo()
	cli(t, "", "verify", "--data", dir).want(0, "1 npm versions")
	cli(t, "", "verify", "--data", filepath.Join(dir, "nothing")).want(1, "there is no data folder")
	cli(t, "", "verify", "--data", dir, "--everything").want(2, "everything")
	cli(t, "", "verify", "--help").want(0, "verify lumen")
}

// A table and a bucket are verified from any machine: a data folder is made if there is none.
func TestVerifyCommandFarStores(t *testing.T) {
	far, dir := farStores(t), t.TempDir()
	url, stop := serving(t, dir, far...)
	publishTo(t, url, "kept")
	stop()
	cli(t, "", append([]string{"verify", "--data", filepath.Join(t.TempDir(), "new")}, far...)...).want(0, "1 npm versions")
	cli(t, "", "verify", "--data", dir).want(0, "1 npm versions")
}
