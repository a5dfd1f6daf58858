// Package release builds the programs that are released, and writes what the
// action knows of them.
//
// The builds are reproducible: the same version of Go makes the same bytes of the
// same sources, on any machine and in any folder. A release is a folder of
// executables, one per program and platform, with their SHA-256 in checksums.txt;
// cli.json at the root of the tagged commit has those of publish-commit, and the
// action runs no others.
package release

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
)

// Checksums is the file of a release that has the digests of the others, as sha256sum writes them.
const Checksums = "checksums.txt"

// Target is a platform, in Go's terms.
type Target struct{ OS, Arch string }

// Targets are the platforms that programs are released for.
func Targets() []Target {
	var all []Target
	for _, system := range []string{"linux", "darwin", "windows"} {
		all = append(all, Target{system, "amd64"}, Target{system, "arm64"})
	}
	return all
}

// String is the platform as cli.json names it.
func (t Target) String() string { return t.OS + "_" + t.Arch }

// Programs are what is released.
func Programs() []string { return []string{"publish-commit", "registry-server"} }

// FileName is the name of a program's executable in a release.
func FileName(program string, t Target) string {
	name := program + "_" + t.String()
	if t.OS == "windows" {
		name += ".exe"
	}
	return name
}

var versionPattern = regexp.MustCompile(`^v(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(-[0-9A-Za-z]+(\.[0-9A-Za-z]+)*)?$`)

// CheckVersion refuses what is no version of a release.
func CheckVersion(version string) error {
	if !versionPattern.MatchString(version) {
		return fmt.Errorf("%q is no version of a release, such as v1.2.3 or v1.2.3-rc.1", version)
	}
	return nil
}

// Build writes a program for a platform into a folder; source is the root of the module.
func Build(ctx context.Context, source, program, version string, t Target, folder string) error {
	if err := CheckVersion(version); err != nil {
		return err
	}
	out, err := filepath.Abs(filepath.Join(folder, FileName(program, t)))
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-mod=readonly",
		"-ldflags=-s -w -buildid= -X github.com/org/registry-action/internal/config.release="+version, "-o", out, "./cmd/"+program)
	cmd.Dir = source
	cmd.Env = environment(t)
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s for %s: %w\n%s", program, t, err, text)
	}
	return nil
}

// environment is the process's own without what changes the bytes that Go makes.
func environment(t Target) []string {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		keep := []string{"GOCACHE", "GOMODCACHE", "GOPATH", "GOPROXY", "GOSUMDB", "GONOSUMDB", "GOPRIVATE", "GOROOT", "GOTOOLCHAIN", "GOTMPDIR"}
		return (strings.HasPrefix(name, "GO") && !slices.Contains(keep, name)) || strings.HasPrefix(name, "CGO_")
	})
	return append(env, "CGO_ENABLED=0", "GOWORK=off", "GOENV=off", "GOFLAGS=", "GOOS="+t.OS, "GOARCH="+t.Arch, "GOAMD64=v1", "GOARM64=v8.0")
}

// File is what cli.json says of one platform's executable.
type File struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// line is the file's in checksums.txt.
func (f File) line() string { return f.SHA256 + "  " + f.Name + "\n" }

// CLI is cli.json. In a checkout that is no release it has no files.
type CLI struct {
	Version string          `json:"version"`
	Go      string          `json:"go,omitempty"` // the version of Go that makes these bytes
	Base    string          `json:"base"`         // {base}/{version}/{name} is the release's own address of a file
	Files   map[string]File `json:"files"`        // by Target
}

// Describe reads a folder of built programs: what cli.json and checksums.txt say of it.
func Describe(folder, version, base string) (cli CLI, checksums string, err error) {
	if err := CheckVersion(version); err != nil {
		return CLI{}, "", err
	}
	cli = CLI{Version: version, Go: runtime.Version(), Base: strings.TrimRight(base, "/"), Files: map[string]File{}}
	var lines []string
	for _, program := range Programs() {
		for _, t := range Targets() {
			f, err := describe(folder, FileName(program, t))
			if err != nil {
				return CLI{}, "", err
			}
			lines = append(lines, f.line())
			if program == "publish-commit" {
				cli.Files[t.String()] = f
			}
		}
	}
	return cli, strings.Join(lines, ""), nil
}

func describe(folder, name string) (_ File, err error) {
	f, err := os.Open(filepath.Join(folder, name))
	if err != nil {
		return File{}, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	h := sha256.New()
	n, err := io.Copy(h, f)
	return File{Name: name, Size: n, SHA256: hex.EncodeToString(h.Sum(nil))}, err
}

// JSON is the text of cli.json.
func (c CLI) JSON() ([]byte, error) {
	text, err := json.MarshalIndent(c, "", "  ")
	return append(text, '\n'), err
}
