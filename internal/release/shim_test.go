package release_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/org/registry-action/internal/clients"
	"github.com/org/registry-action/internal/release"
)

// The sources are asked in order, at the addresses that docs/action.md gives.
func TestSources(t *testing.T) {
	t.Parallel()
	gone := newMirror(t, fails(http.StatusNotFound))
	registry := newMirror(t, fails(http.StatusNotFound))
	github := newMirror(t, serves(program))
	a := newAction(t, program, github.URL+"/releases/download").input("download-base-url", gone.URL+"/mirror/").input("registry-url", registry.URL+"/")
	a.run().ran(t)
	for m, want := range map[*mirror]string{
		gone: "/mirror/v1.2.3/", registry: "/-/cli/v1/v1.2.3/", github: "/releases/download/v1.2.3/",
	} {
		if got := m.requests(); len(got) != 1 || got[0] != "GET "+want+a.file.Name {
			t.Errorf("asked for %q, want once %s%s", got, want, a.file.Name)
		}
	}
	a.run().ran(t) // from the tool cache
	if got := github.requests(); len(got) != 1 {
		t.Errorf("the release was fetched again: %q", got)
	}
	if left, err := os.ReadDir(filepath.Dir(a.kept())); err != nil || len(left) != 1 {
		t.Errorf("beside the program the tool cache has %v (%v)", left, err)
	}
}

// The registry that is published to has the program: no other address is asked.
func TestRegistryServesTheProgram(t *testing.T) {
	t.Parallel()
	github := newMirror(t, serves(program))
	registry := newMirror(t, serves(program))
	newAction(t, program, github.URL).input("registry-url", registry.URL).run().ran(t)
	if len(github.requests()) != 0 || len(registry.requests()) != 1 {
		t.Errorf("GitHub was asked for %q, the registry for %q", github.requests(), registry.requests())
	}
}

// Other bytes than cli.json names end the step, also if another source would have the right ones.
func TestTamperedDownload(t *testing.T) {
	t.Parallel()
	same := strings.Replace(program, "ran", "RAN", 1)
	for name, body := range map[string]string{"same size": same, "longer": program + "\n", "shorter": program[:20], "empty": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bad, good := newMirror(t, serves(body)), newMirror(t, serves(program))
			a := newAction(t, program, good.URL).input("download-base-url", bad.URL)
			a.run().refused(t, bad.URL, a.file.SHA256)
			if got := good.requests(); len(got) != 0 || len(bad.requests()) != 1 {
				t.Errorf("after other bytes another source was asked for %q", got)
			}
			if left, err := os.ReadDir(filepath.Dir(a.kept())); err != nil || len(left) != 0 {
				t.Errorf("the tool cache keeps %v (%v)", left, err)
			}
		})
	}
}

// An endless answer is read no further than the program is long.
func TestEndlessDownload(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{})
	m := newMirror(t, func(w http.ResponseWriter, _ *http.Request) {
		defer close(ended)
		for { // until the shim hangs up
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
	})
	newAction(t, program, "").input("download-base-url", m.URL).run().refused(t, "SHA-256")
	<-ended
}

// What was changed in the tool cache is not run, but fetched anew.
func TestTamperedToolCache(t *testing.T) {
	t.Parallel()
	m := newMirror(t, serves(program))
	a := newAction(t, program, m.URL)
	a.run().ran(t)
	evil := strings.Replace(program, "exit 7", "exit 0", 1)
	if err := os.WriteFile(a.kept(), []byte(evil), 0o755); err != nil {
		t.Fatal(err)
	}
	r := a.run()
	r.ran(t)
	if !strings.Contains(r.out, "::warning::") || len(m.requests()) != 2 {
		t.Errorf("%s\nwant a warning; asked for %q", r.out, m.requests())
	}
	m.Close()
	if err := os.WriteFile(a.kept(), []byte(evil), 0o755); err != nil {
		t.Fatal(err)
	}
	a.run().refused(t, "could not be fetched")
}

// Sources that are gone, refuse or fail are told with their reasons, and without secrets.
func TestNoSource(t *testing.T) {
	t.Parallel()
	broken := newMirror(t, fails(http.StatusBadGateway))
	secret := strings.Replace(broken.URL, "://", "://robot:hunter2@", 1)
	a := newAction(t, program, dead()).input("download-base-url", secret+"/m?key=hunter2").input("registry-url", dead()).input("token", "hunter2")
	r := a.run()
	r.refused(t, "answered 502", "ECONNREFUSED", "download-base-url", "binary-path", version)
	if strings.Contains(r.out, "hunter2") || strings.Contains(r.out, "robot") {
		t.Errorf("a secret is told:\n%s", r.out)
	}
	if n := len(broken.requests()); n != 3 {
		t.Errorf("a server that fails was asked %d times, want 3", n)
	}
}

// A source that fails for a moment is asked again.
func TestRetry(t *testing.T) {
	t.Parallel()
	var m *mirror
	m = newMirror(t, func(w http.ResponseWriter, _ *http.Request) {
		switch len(m.requests()) {
		case 1:
			w.WriteHeader(http.StatusServiceUnavailable)
		case 2: // it ends in the middle
			w.Header().Set("Content-Length", fmt.Sprint(len(program)))
			_, _ = w.Write([]byte(program[:10]))
			panic(http.ErrAbortHandler)
		default:
			serves(program)(w, nil)
		}
	})
	newAction(t, program, m.URL).run().ran(t)
}

// A mirror may ask for a user and a password, and send us to another host, which gets neither.
func TestMirrorRedirects(t *testing.T) {
	t.Parallel()
	store := newMirror(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			http.Error(w, "credentials of another host", http.StatusBadRequest)
			return
		}
		serves(program)(w, r)
	})
	m := newMirror(t, func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "robot" || password != "p@ss" {
			http.Error(w, "who are you", http.StatusUnauthorized)
			return
		}
		http.Redirect(w, r, strings.Replace(store.URL, "127.0.0.1", "localhost", 1)+"/bucket/object", http.StatusFound)
	})
	newAction(t, program, "").input("download-base-url", strings.Replace(m.URL, "://", "://robot:p%40ss@", 1)).run().ran(t)
}

// Downloads go through the proxy that the environment names, but for what it excepts.
func TestProxy(t *testing.T) {
	t.Parallel()
	m := newMirror(t, serves(program))
	used := make(chan string, 10)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		used <- r.Method + " " + r.Host
		if r.Method != http.MethodConnect {
			serves(program)(w, r)
			return
		}
		w.WriteHeader(http.StatusOK)
		conn, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		if _, err := http.ReadRequest(buffered.Reader); err != nil {
			t.Error(err)
		}
		fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", len(program), program)
	}))
	t.Cleanup(proxy.Close)
	newAction(t, program, "http://mirror.example/").run("HTTP_PROXY=" + proxy.URL).ran(t)
	if got := <-used; !strings.HasSuffix(got, "mirror.example:80") && !strings.HasSuffix(got, "mirror.example") {
		t.Errorf("the proxy was asked for %q", got)
	}
	newAction(t, program, m.URL).run("HTTP_PROXY="+proxy.URL, "NO_PROXY=127.0.0.1").ran(t)
	if len(used) != 0 || len(m.requests()) != 1 {
		t.Errorf("NO_PROXY is not heeded: the proxy was asked for %q", <-used)
	}
}

// download.js alone, with short times: a mirror that never answers, and one that trickles for ever.
func TestSlowMirrors(t *testing.T) {
	t.Parallel()
	silent := newMirror(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	stalled := newMirror(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte("#!"))
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	trickling := newMirror(t, func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			_, _ = w.Write([]byte("#"))
			_ = http.NewResponseController(w).Flush()
		}
	})
	good := newMirror(t, serves(program))
	for _, tt := range []struct {
		mirror *mirror
		limit  string // the one that is short
		is     int
		want   string
	}{
		{silent, "head", 200, "no answer within 0.2 s"},
		{stalled, "stall", 200, "nothing more came within 0.2 s"},
		{trickling, "whole", 700, "it took too long"},
	} {
		limits := map[string]int{"head": 1e6, "stall": 1e6, "whole": 1e6, "pause": 10, "tries": 2}
		limits[tt.limit] = tt.is
		found, failures := downloadWithin(t, limits, tt.mirror.URL, good.URL)
		if failures[0] != tt.want {
			t.Errorf("with a short time for %s the failure is %q, want %q", tt.limit, failures[0], tt.want)
		}
		if found != 1 && tt.limit != "whole" { // which a slow machine needs for the good one, too
			t.Errorf("with a short time for %s source %d has it, want the other", tt.limit, found)
		}
	}
}

// downloadWithin has download.js try sources of which it gives up the first, and returns which one had the file and why others had not.
func downloadWithin(t *testing.T, limits map[string]int, urls ...string) (found int, failures []string) {
	t.Helper()
	const script = `const { fork } = require("node:child_process");
const child = fork(process.argv[1]);
child.once("message", (m) => console.log(JSON.stringify(m)));
child.send(JSON.parse(process.argv[2]));`
	order, err := json.Marshal(map[string]any{"urls": urls, "to": filepath.Join(t.TempDir(), "file"), "size": 1 << 40, "limit": limits})
	if err != nil {
		t.Fatal(err)
	}
	js, err := filepath.Abs(root + "/shim/download.js")
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), clients.Get(t, clients.Node24).Path, "-e", script, js, string(order)).Output()
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Found    int
		Failures []string
	}
	if err := json.Unmarshal(out, &got); err != nil || len(got.Failures) == 0 {
		t.Fatalf("%s (%v), want a failure", out, err)
	}
	return got.Found, got.Failures
}

// binary-path needs no network, no cache and no release.
func TestBinaryPathOffline(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "own")
	if err := os.WriteFile(path, []byte(program), 0o755); err != nil {
		t.Fatal(err)
	}
	a := newAction(t, "something else", dead()).input("registry-url", dead()).input("binary-path", path)
	a.run("RUNNER_TOOL_CACHE=/nowhere").ran(t)
	newAction(t, program, "").input("binary-path", path+"-that-is-not-there").run().refused(t, "binary-path")
}

// A tool cache that can't be written to, or that the runner does not have, is no failure.
func TestNoToolCache(t *testing.T) {
	t.Parallel()
	m := newMirror(t, serves(program))
	file := filepath.Join(t.TempDir(), "a file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, cache := range []string{"", file} {
		newAction(t, program, m.URL).run("RUNNER_TOOL_CACHE=" + cache).ran(t)
	}
}

// Without a release for the platform and without Go, the error names what can be done.
func TestNoReleaseAndNoGo(t *testing.T) {
	t.Parallel()
	a := newActionOf(t, release.CLI{Version: version, Files: map[string]release.File{"plan9_mips": {}}})
	a.run("PATH=/nowhere").refused(t, version, "no release", "actions/setup-go", "binary-path")
	newActionOf(t, release.CLI{Files: map[string]release.File{}}).run("PATH=/nowhere").refused(t, "this version of the action", "binary-path")
}

// The program's end is the step's, however it ends.
func TestExitCodes(t *testing.T) {
	t.Parallel()
	for script, want := range map[string]int{"exit 0": 0, "exit 2": 2, "kill -KILL $$": 128 + 9} {
		body := "#!/bin/sh\n" + script + "\n"
		if r := newAction(t, body, newMirror(t, serves(body)).URL).run(); r.code != want {
			t.Errorf("%s: exit code %d, want %d\n%s", script, r.code, want, r.out)
		}
	}
}

// Signals reach the program, which ends in its own time; post.js then lets it finish. A step that ended by itself is left alone.
func TestSignals(t *testing.T) {
	t.Parallel()
	const patient = "#!/bin/sh\n[ \"$1\" = finish ] && echo finishing && exit 5\ntrap 'echo cleaning up; exit 3' TERM INT\necho ready\nwhile :; do sleep 0.05; done\n"
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			a := newAction(t, patient, newMirror(t, serves(patient)).URL)
			cmd := a.command("main.js")
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewScanner(out)
			if !lines.Scan() || lines.Text() != "ready" {
				t.Fatalf("the program said %q (%v)", lines.Text(), lines.Err())
			}
			if err := cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			if !lines.Scan() || lines.Text() != "cleaning up" {
				t.Errorf("after %v the program said %q", signal, lines.Text())
			}
			if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 3 {
				t.Errorf("after %v: %v, want exit code 3", signal, err)
			}
			if r := a.runScript("post.js", a.states(t)...); r.code != 0 || r.out != "finishing\n" {
				t.Errorf("post.js: exit code %d\n%s\nwant that the program finishes", r.code, r.out)
			}
			if err := os.WriteFile(a.kept(), []byte("#!/bin/sh\necho evil\n"), 0o755); err != nil {
				t.Fatal(err)
			}
			if r := a.runScript("post.js", a.states(t)...); r.code != 0 || strings.Contains(r.out, "evil") || !strings.Contains(r.out, "::warning::") {
				t.Errorf("post.js with another program: exit code %d\n%s\nwant a warning, and that it does not run", r.code, r.out)
			}
		})
	}
	a := newAction(t, program, newMirror(t, serves(program)).URL)
	a.run().ran(t)
	for _, states := range [][]string{a.states(t), nil} {
		if r := a.runScript("post.js", states...); r.code != 0 || r.out != "" {
			t.Errorf("post.js after a step that ended: exit code %d\n%s\nwant nothing", r.code, r.out)
		}
	}
}

// states is what main.js kept, as the runner hands it to post.js.
func (a *action) states(t *testing.T) (env []string) {
	t.Helper()
	text, err := os.ReadFile(a.state)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	for i := 0; i+2 < len(lines); i += 3 {
		name, end, ok := strings.Cut(lines[i], "<<")
		if !ok || lines[i+2] != end {
			t.Fatalf("the runner can't read %q", text)
		}
		env = append(env, "STATE_"+name+"="+lines[i+1])
	}
	return env
}

// Where a release is kept on each platform, and what it is called there.
func TestPlaces(t *testing.T) {
	t.Parallel()
	script := `const { place, target } = require(process.argv[1]);
console.log(JSON.stringify([
  place("C:\\hostedtoolcache\\windows", "v1.2.3-rc.1", "win32", "arm64"), place("/opt/tools", "v1.2.3", "darwin", "x64"),
  ["linux", "darwin", "win32"].flatMap((p) => ["x64", "arm64"].map((a) => target(p, a))), target("linux", "arm") ?? null, target("freebsd", "x64") ?? null]));`
	js, err := filepath.Abs(root + "/shim/binary.js")
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), clients.Get(t, clients.Node24).Path, "-e", script, js).Output()
	if err != nil {
		exit, _ := errors.AsType[*exec.ExitError](err)
		t.Fatal(err, string(exit.Stderr))
	}
	var targets []string
	for _, target := range release.Targets() {
		targets = append(targets, `"`+target.String()+`"`)
	}
	want := `[{"folder":"C:\\hostedtoolcache\\windows\\publish-commit\\1.2.3-rc.1\\arm64","file":"C:\\hostedtoolcache\\windows\\publish-commit\\1.2.3-rc.1\\arm64\\publish-commit.exe","marker":"C:\\hostedtoolcache\\windows\\publish-commit\\1.2.3-rc.1\\arm64.complete"},` +
		`{"folder":"/opt/tools/publish-commit/1.2.3/x64","file":"/opt/tools/publish-commit/1.2.3/x64/publish-commit","marker":"/opt/tools/publish-commit/1.2.3/x64.complete"},[` + strings.Join(targets, ",") + `],null,null]`
	if got := strings.TrimSpace(string(out)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
