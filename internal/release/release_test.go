package release_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/release"
)

// copyModule copies what programs are built from.
func copyModule(t *testing.T, to string) {
	t.Helper()
	err := os.MkdirAll(to, 0o755)
	for _, dir := range []string{"cmd", "internal", "registry"} {
		err = errors.Join(err, os.CopyFS(filepath.Join(to, dir), os.DirFS(filepath.Join(root, dir))))
	}
	for _, file := range []string{"go.mod", "go.sum"} {
		text, rerr := os.ReadFile(filepath.Join(root, file))
		err = errors.Join(err, rerr, os.WriteFile(filepath.Join(to, file), text, 0o644))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Two builds, in folders of different depth and with environments that would change
// the code, make the same bytes; they know their version.
func TestReproducible(t *testing.T) {
	host := release.Target{OS: runtime.GOOS, Arch: runtime.GOARCH}
	name := release.FileName("publish-commit", host)
	var builds [2][]byte
	for i, source := range []string{filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "deeper", "still", "b")} {
		copyModule(t, source)
		out := filepath.Join(t.TempDir(), "dist")
		if i == 1 {
			for name, value := range map[string]string{"CGO_ENABLED": "1", "GOAMD64": "v3", "GOFLAGS": "-tags=other -ldflags=-X=main.x=y"} {
				t.Setenv(name, value)
			}
		}
		if err := release.Build(t.Context(), source, "publish-commit", version, host, out); err != nil {
			t.Fatal(err)
		}
		var err error
		if builds[i], err = os.ReadFile(filepath.Join(out, name)); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			said, err := exec.CommandContext(t.Context(), filepath.Join(out, name), "--version").Output()
			if err != nil || !strings.HasPrefix(string(said), "publish-commit "+version+" (go") {
				t.Errorf("it calls itself %q (%v)", said, err)
			}
		}
		if bytes.Contains(builds[i], []byte(source)) {
			t.Errorf("the program has the folder it was built in: %s", source)
		}
	}
	if !bytes.Equal(builds[0], builds[1]) {
		t.Errorf("two builds of the same sources differ: %d and %d bytes", len(builds[0]), len(builds[1]))
	}
}

// cli.json names the programs of all platforms by the bytes that are there, and checksums.txt is what sha256sum takes.
func TestDescribe(t *testing.T) {
	dir := t.TempDir()
	for _, program := range release.Programs() {
		for _, target := range release.Targets() {
			name := release.FileName(program, target)
			if err := os.WriteFile(filepath.Join(dir, name), []byte("the bytes of "+name), 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	cli, checksums, err := release.Describe(dir, version, "https://github.com/org/registry-action/releases/download/")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, release.Checksums), []byte(checksums), 0o644); err != nil {
		t.Fatal(err)
	}
	check := exec.CommandContext(t.Context(), "sha256sum", "--check", "--strict", release.Checksums)
	check.Dir = dir
	if out, err := check.CombinedOutput(); err != nil || strings.Count(string(out), ": OK") != 12 {
		t.Errorf("sha256sum --check: %v\n%s\nwant 12 files", err, out)
	}
	windows := cli.Files["windows_arm64"]
	if len(cli.Files) != 6 || windows.Name != "publish-commit_windows_arm64.exe" || windows.Size != int64(len("the bytes of "+windows.Name)) || !strings.Contains(checksums, windows.SHA256+"  "+windows.Name) {
		t.Errorf("cli.json has %+v", cli.Files)
	}
	if err := os.Remove(filepath.Join(dir, windows.Name)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := release.Describe(dir, version, ""); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a release without %s: %v, want a refusal", windows.Name, err)
	}
}

func TestVersions(t *testing.T) {
	for version, ok := range map[string]bool{
		"v1.2.3": true, "v0.0.0": true, "v1.2.3-rc.1": true, "1.2.3": false, "v1.2": false, "v1": false, "v01.2.3": false,
		"v1.2.3\n": false, "v1.2.3 -X main.x=y": false, "v1.2.3/../..": false, "": false, "v1.2.3-": false,
	} {
		if err := release.CheckVersion(version); (err == nil) != ok {
			t.Errorf("CheckVersion(%q) = %v", version, err)
		}
	}
}

// The branch has no release of its own: its checkouts build the program.
func TestBranchHasNoRelease(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "cli.json"))
	if err != nil {
		t.Fatal(err)
	}
	var cli release.CLI
	if err := json.Unmarshal(text, &cli); err != nil {
		t.Fatal(err)
	}
	if cli.Version == "" && len(cli.Files) == 0 {
		return
	}
	// A tagged commit is checked out: all of it is there.
	if err := release.CheckVersion(cli.Version); err != nil || len(cli.Files) != len(release.Targets()) || cli.Base == "" || cli.Go == "" {
		t.Errorf("cli.json is half of a release: %+v", cli)
	}
}
