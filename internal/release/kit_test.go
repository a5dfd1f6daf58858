package release_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/org/registry-action/internal/clients"
	"github.com/org/registry-action/internal/release"
)

const (
	version = "v1.2.3"
	root    = "../.."
)

// program stands in for publish-commit: it says that it ran, and ends with a code of its own.
const program = "#!/bin/sh\necho ran \"$@\" with $INPUT_GREETING\nexit 7\n"

// action is a checkout of the action's files at a release of a program.
type action struct {
	t      *testing.T
	dir    string
	file   release.File
	cache  string // the tool cache
	state  string // what main.js keeps for post.js
	inputs []string
}

// newAction is the action whose cli.json names the program's bytes; base is where the release is.
func newAction(t *testing.T, program, base string) *action {
	t.Helper()
	host := release.Target{OS: runtime.GOOS, Arch: runtime.GOARCH}
	sum := sha256.Sum256([]byte(program))
	file := release.File{Name: release.FileName("publish-commit", host), Size: int64(len(program)), SHA256: hex.EncodeToString(sum[:])}
	a := newActionOf(t, release.CLI{Version: version, Base: base, Files: map[string]release.File{host.String(): file}})
	a.file = file
	return a
}

func newActionOf(t *testing.T, cli release.CLI) *action {
	t.Helper()
	dir := t.TempDir()
	a := &action{t: t, dir: filepath.Join(dir, "action"), cache: filepath.Join(dir, "tools"), state: filepath.Join(dir, "state")}
	err := errors.Join(os.MkdirAll(a.cache, 0o755), os.MkdirAll(filepath.Join(dir, "temp"), 0o755), release.CopyAction(root, a.dir, cli), os.WriteFile(a.state, nil, 0o644))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// input sets an input of the action.
func (a *action) input(name, value string) *action {
	a.inputs = append(a.inputs, "INPUT_"+strings.ToUpper(name)+"="+value)
	return a
}

// command runs a script of the action as the runner does.
func (a *action) command(script string, env ...string) *exec.Cmd {
	a.t.Helper()
	node := clients.Get(a.t, clients.Node24)
	cmd := exec.CommandContext(a.t.Context(), node.Path, filepath.Join(a.dir, script))
	cmd.WaitDelay = time.Second
	own := slices.DeleteFunc(slices.Clone(node.Env), func(v string) bool {
		name, _, _ := strings.Cut(strings.ToUpper(v), "=")
		return strings.HasSuffix(name, "_PROXY") || strings.HasPrefix(name, "INPUT_") || strings.HasPrefix(name, "GITHUB_") || strings.HasPrefix(name, "RUNNER_")
	})
	cmd.Env = slices.Concat(own, []string{"RUNNER_TOOL_CACHE=" + a.cache, "RUNNER_TEMP=" + filepath.Join(filepath.Dir(a.dir), "temp"), "GITHUB_STATE=" + a.state, "INPUT_GREETING=a smile"}, a.inputs, env)
	return cmd
}

// result is what a script printed, and its exit code.
type result struct {
	out  string
	code int
}

func (a *action) run(env ...string) result { return a.runScript("main.js", env...) }

func (a *action) runScript(script string, env ...string) result {
	a.t.Helper()
	cmd := a.command(script, env...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		a.t.Fatal(err)
	}
	return result{out.String(), cmd.ProcessState.ExitCode()}
}

// ran fails the test unless the program ran as publish.
func (r result) ran(t *testing.T) {
	t.Helper()
	if r.code != 7 || !strings.Contains(r.out, "ran publish with a smile") {
		t.Errorf("exit code %d, output:\n%s\nwant the program's own", r.code, r.out)
	}
}

// refused fails the test unless nothing ran and an error says each of the words.
func (r result) refused(t *testing.T, words ...string) {
	t.Helper()
	if r.code != 1 || strings.Contains(r.out, "ran publish") || !strings.Contains(r.out, "::error::") {
		t.Errorf("exit code %d, output:\n%s\nwant a refusal and nothing run", r.code, r.out)
	}
	for _, word := range words {
		if !strings.Contains(r.out, word) {
			t.Errorf("the refusal lacks %q:\n%s", word, r.out)
		}
	}
}

// kept is where the tool cache has the program.
func (a *action) kept() string {
	arch := map[string]string{"amd64": "x64", "arm64": "arm64"}[runtime.GOARCH]
	return filepath.Join(a.cache, "publish-commit", strings.TrimPrefix(version, "v"), arch, "publish-commit")
}

// mirror serves a handler and counts what it was asked for.
type mirror struct {
	*httptest.Server
	mu    sync.Mutex
	asked []string
}

func newMirror(t *testing.T, h http.HandlerFunc) *mirror {
	m := &mirror{}
	m.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.mu.Lock()
		m.asked = append(m.asked, r.Method+" "+r.URL.Path)
		m.mu.Unlock()
		h(w, r)
	}))
	t.Cleanup(m.Close)
	return m
}

func (m *mirror) requests() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.asked)
}

// serves answers with bytes, whatever is asked for.
func serves(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) }
}

func fails(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", status) }
}

// dead is the address of a server that is gone.
func dead() string {
	s := httptest.NewServer(nil)
	s.Close()
	return s.URL
}
