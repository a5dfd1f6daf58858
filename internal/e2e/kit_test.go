// Package e2e runs the two programs as people do: built, started as processes,
// with real package managers and a GitHub stand-in. Every test runs in two worlds
// (world_test.go).
package e2e

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
)

// bin is where the programs are.
var bin string

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

// buildAndRun runs every test in each world, at the same time.
func buildAndRun(m *testing.M) (code int) {
	if bin = os.Getenv("E2E_BIN"); bin != "" { // in runElsewhere
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			os.Exit(1)
		}()
	} else if dir, err := build(); err != nil {
		fmt.Fprintln(os.Stderr, "building the programs:", err)
		return 1
	} else {
		defer os.RemoveAll(dir)
		bin = dir
	}
	world := os.Getenv("E2E_WORLD")
	if world == "" {
		world = worldLocal
		finish, err := runElsewhere(worldFar)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer func() { code = max(code, finish()) }()
	}
	leave, err := enter(world)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code = m.Run()
	if err := leave(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// build builds the programs into a folder of their own.
func build() (dir string, err error) {
	if dir, err = os.MkdirTemp("", "e2e-*"); err != nil {
		return "", err
	}
	cmd := exec.Command("go", "build", "-o", dir+"/", "../../cmd/...")
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return "", errors.Join(err, os.RemoveAll(dir))
	}
	return dir, nil
}

// cleanEnv is the process's environment without what would steer our programs, and with what they need in the world
// that tests run in.
func cleanEnv(vars ...string) []string {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		for _, prefix := range []string{"GITHUB_", "REGISTRY_", "INPUT_", "CI=", "PANTRY_", "AWS_", "S3_", "DYNAMODB_"} {
			if strings.HasPrefix(v, prefix) {
				return true
			}
		}
		return false
	})
	return slices.Concat(env, worldEnv(), vars)
}

// result is how a program ended.
type result struct {
	stdout, stderr string
	code           int
}

func (r result) String() string {
	return fmt.Sprintf("exit code %d\nstdout:\n%s\nstderr:\n%s", r.code, r.stdout, r.stderr)
}

// patience is how long a test waits for a program or an answer. It ends what would never end: how fast this machine
// is must not matter.
const patience = 10 * time.Minute

// lastWords is how long what a program has begun may hold its output open after its end.
const lastWords = 10 * time.Second

// exe runs a program in a folder. A program that can't be run fails the test.
func exe(t *testing.T, dir string, env []string, name string, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.WaitDelay = lastWords
	var stdout, stderr bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, env, &stdout, &stderr
	err := cmd.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		t.Fatalf("running %s: %v", name, err)
	}
	return result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// publishCommit runs the program on a checkout.
func publishCommit(t *testing.T, dir string, env []string, args ...string) result {
	t.Helper()
	return exe(t, dir, env, filepath.Join(bin, "publish-commit"), args...)
}

// must fails the test unless the program succeeded.
func (r result) must(t *testing.T) result {
	t.Helper()
	if r.code != 0 {
		t.Fatalf("%v", r)
	}
	return r
}

// checkout makes a git repository with one commit of the files, and returns its folder and commit.
func checkout(t *testing.T, archive string) (dir, sha string) {
	t.Helper()
	dir = t.TempDir()
	write(t, dir, archive)
	return dir, commit(t, dir)
}

// write unpacks a txtar archive.
func write(t *testing.T, dir, archive string) {
	t.Helper()
	for _, f := range txtar.Parse([]byte(archive)).Files {
		path := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, f.Data, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
}

// commit commits all of a folder, which becomes a repository with a remote.
func commit(t *testing.T, dir string) string {
	t.Helper()
	git := func(args ...string) string {
		base := []string{"-C", dir, "-c", "user.name=Tester", "-c", "user.email=tester@example.com", "-c", "init.defaultBranch=main", "-c", "commit.gpgsign=false"}
		return strings.TrimSpace(exe(t, dir, cleanEnv(), "git", append(base, args...)...).must(t).stdout)
	}
	if _, err := os.Stat(filepath.Join(dir, ".git")); err != nil {
		git("init", "-q")
		git("remote", "add", "origin", "https://github.com/acme/ws.git")
	}
	git("add", "-A")
	git("commit", "-q", "--allow-empty", "-m", "a commit")
	return git("rev-parse", "HEAD")
}

// smallTarball makes a package whose bytes differ with n.
func smallTarball(t *testing.T, name string, n int) string {
	t.Helper()
	return tarballOf(t, fmt.Sprintf(`{"name":%q,"version":"1.0.%d"}`, name, n))
}

// tarballOf makes a package of a package.json alone.
func tarballOf(t *testing.T, manifest string) string {
	t.Helper()
	var b bytes.Buffer
	gz := gzip.NewWriter(&b)
	tw := tar.NewWriter(gz)
	if err := tw.WriteHeader(&tar.Header{Name: "package/package.json", Mode: 0o644, Size: int64(len(manifest))}); err != nil {
		t.Error(err)
	}
	_, err := io.WriteString(tw, manifest)
	if err := errors.Join(err, tw.Close(), gz.Close()); err != nil {
		t.Error(err)
	}
	return b.String()
}
