// Package e2e runs the two programs as people do: built, started as processes,
// with real package managers and a GitHub stand-in.
package e2e

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
)

// bin is where the programs are.
var bin string

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "e2e-*")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	bin = dir
	build := exec.Command("go", "build", "-o", dir+"/", "../../cmd/...")
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "building the programs:", err)
		return 1
	}
	return m.Run()
}

// cleanEnv is the process's environment without what would steer our programs.
func cleanEnv(vars ...string) []string {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "GITHUB_") || strings.HasPrefix(v, "REGISTRY_") || strings.HasPrefix(v, "INPUT_") || strings.HasPrefix(v, "CI=") || strings.HasPrefix(v, "PANTRY_")
	})
	return append(env, vars...)
}

// server is a running registry-server.
type server struct {
	t    *testing.T
	cmd  *exec.Cmd
	data string
	addr string // what it listens on
	url  string // what its links begin with
	log  transcript
	done chan error
}

var listens = regexp.MustCompile(`listens on (\S+)\n +links begin with (\S+)`)

// startServer starts registry-server on a free port of loopback.
func startServer(t *testing.T, data string, args ...string) *server {
	t.Helper()
	return startServerIn(t, cleanEnv(), data, args...)
}

// startServerIn is startServer with an environment.
func startServerIn(t *testing.T, env []string, data string, args ...string) *server {
	t.Helper()
	s := &server{t: t, data: data, done: make(chan error, 1)}
	s.cmd = exec.Command(filepath.Join(bin, "registry-server"), append([]string{"--port", "0", "--data", data, "--log-level", "error"}, args...)...)
	s.cmd.Env = env
	s.cmd.Stderr = io.MultiWriter(t.Output(), &s.log)
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.kill)
	r := bufio.NewReader(out)
	for greeting := ""; s.url == ""; {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatalf("registry-server ended before it listened: %v", err)
		}
		greeting += line
		if m := listens.FindStringSubmatch(greeting); m != nil {
			s.addr, s.url = m[1], m[2]
		}
	}
	go func() {
		_, _ = io.Copy(io.Discard, r)
		s.done <- s.cmd.Wait()
	}()
	return s
}

// kill ends the server as a crash would.
func (s *server) kill() {
	if s.done != nil {
		_ = s.cmd.Process.Kill() // it may have ended
		<-s.done
		s.done = nil
	}
}

// stop asks the server to stop and returns how it ended.
func (s *server) stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	err := <-s.done
	s.done = nil
	return err
}

// result is how a program ended.
type result struct {
	stdout, stderr string
	code           int
}

func (r result) String() string {
	return fmt.Sprintf("exit code %d\nstdout:\n%s\nstderr:\n%s", r.code, r.stdout, r.stderr)
}

// exeLimit is how long a program may run: several times as long as the slowest does.
const exeLimit = 4 * time.Minute

// exe runs a program in a folder. A program that can't be run fails the test.
func exe(t *testing.T, dir string, env []string, name string, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), exeLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.WaitDelay = time.Second // its children may have its output open
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
