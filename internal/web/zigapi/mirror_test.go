package zigapi_test

import (
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/org/registry-action/internal/clients"
	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/domain/zigmirror"
	"github.com/org/registry-action/internal/domain/zigmirror/mirrortest"
	"github.com/org/registry-action/internal/store/cache"
)

const mirroredCommit = "0123456789abcdef0123456789abcdef01234567"

// newMirror is a mirror of GitHub and its forges, with a branch and a commit of acme/my-lib.
func newMirror(t *testing.T, now func() time.Time) (*zigmirror.Service, *mirrortest.Forges) {
	t.Helper()
	c, err := cache.Open(t.TempDir(), cache.Options{MaxBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	forges := mirrortest.New(t)
	m, err := zigmirror.New(zigmirror.Options{
		Hosts: []string{mirrortest.GitHub}, Cache: c, SpoolDir: t.TempDir(), MaxPackage: 1 << 20, Network: forges.Network(), Now: now,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(m.Close(), c.Close()); err != nil {
			t.Error(err)
		}
	})
	archive := mirrortest.Archive(t, "my-lib-feature-x", mirroredCommit, "build.zig.zon", zon("my_lib", "1.0.0"), "build.zig", "// build", "src/root.zig", "pub const x = 1;")
	forges.Put("acme/my-lib", "feature/x", archive)
	forges.Put("acme/my-lib", mirroredCommit, archive)
	return m, forges
}

func TestMirror(t *testing.T) {
	at := time.Now()
	mirror, forges := newMirror(t, func() time.Time { return at })
	n := start(t, setup{mirror: mirror})
	const path = "/zig/gh/acme/my-lib/feature/x"
	got := n.Get(path+".tar.gz").Want(t, http.StatusOK, "")
	info := n.Get(path+".json").Want(t, http.StatusOK, `"warnings":[{"code":"enum_name"`).JSON()
	for header, want := range map[string]any{
		"Content-Type": "application/gzip", "Content-Disposition": "attachment; filename=my_lib-1.0.0.tar.gz", "Content-Encoding": "", "Cache-Control": "public, no-cache",
		"X-Zig-Hash": info["packageHash"], "X-Zig-Legacy-Hash": info["legacyHash"], "Warning": "",
	} {
		if got.Header.Get(header) != want {
			t.Errorf("%s: %q, want %q", header, got.Header.Get(header), want)
		}
	}
	pinned := n.URL + "/zig/gh/acme/my-lib/" + mirroredCommit + ".tar.gz"
	for member, want := range map[string]any{
		"url": n.URL + path + ".tar.gz", "source": "https://github.com/acme/my-lib/archive/feature/x.tar.gz", "commit": mirroredCommit, "name": "my_lib", "version": "1.0.0",
		"hash": info["packageHash"], "fetchCommand": "zig fetch --save " + pinned,
	} {
		if info[member] != want {
			t.Errorf("%s = %v, want %v", member, info[member], want)
		}
	}
	if text, _ := info["dependency"].(string); !strings.HasPrefix(text, ".my_lib = .{") || !strings.Contains(text, pinned) {
		t.Errorf("dependency = %s", text)
	}
	n.Get(path+".tar.gz", "If-None-Match: "+got.Header.Get("ETag")).Want(t, http.StatusNotModified, "")
	if long := n.Get("/zig/mirror/github.com/acme/my-lib/feature%2fx.tar.gz").Want(t, http.StatusOK, ""); string(long.Data) != string(got.Data) {
		t.Error("the long form of the address has another archive")
	}
	forges.Put("acme/my-lib", "HEAD", mirrortest.Archive(t, "my-lib-HEAD", mirroredCommit, "build.zig.zon", zon("my_lib", "1.1.0")))
	for _, repo := range []string{"/zig/gh/acme/my-lib", "/zig/gh/acme/my-lib/", "/zig/mirror/github.com/acme/my-lib"} {
		n.Get(repo).Want(t, http.StatusOK, `"version":"1.1.0","commit":"`+mirroredCommit)
	}
	fixed := n.Get("/zig/gh/acme/my-lib/"+mirroredCommit+".tar.gz").Want(t, http.StatusOK, "")
	if cc := fixed.Header.Get("Cache-Control"); cc != "public, max-age=31536000, immutable" || string(fixed.Data) != string(got.Data) {
		t.Errorf("the archive of the commit is another, or is kept %q", cc)
	}

	at = at.Add(time.Hour)
	forges.Host("github.com:443", nil)
	forges.Intercept(func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) })
	if stale := n.Get(path+".tar.gz").Want(t, http.StatusOK, ""); len(stale.Header.Values("Warning")) != 2 {
		t.Errorf("while the forge is down the answer has %v", stale.Header)
	}
}

func TestMirrorRefuses(t *testing.T) {
	mirror, forges := newMirror(t, time.Now)
	n := start(t, setup{mirror: mirror})
	n.Get("/zig/mirror/codeberg.org/acme/lib/main.tar.gz").Want(t, http.StatusForbidden, `"code":"host_not_mirrored"`)
	n.Get("/zig/mirror/github.com:443/acme/my-lib/feature/x.tar.gz").Want(t, http.StatusForbidden, "ZIG_MIRROR")
	n.Get("/zig/mirror/GitHub.com/acme/my-lib/feature/x.tar.gz").Want(t, http.StatusForbidden, "")
	n.Get("/zig/mirror/user@github.com/acme/my-lib/feature/x.tar.gz").Want(t, http.StatusForbidden, "")
	for path, status := range map[string]int{
		"/zig/gh/acme/my-lib/nope.tar.gz": 404, "/zig/gh/acme/my-lib/nope.json": 404, "/zig/gh/acme/my-lib/feature/x": 404, "/zig/gh/acme/my-lib/feature/x.zip": 404, "/zig/gh/acme": 404, "/zig/gh": 404, "/zig/mirror/github.com/acme": 404,
		"/zig/gh/acme/../x.tar.gz":                        404,
		"/zig/gh/acme/my-lib/../../evil/repo/main.tar.gz": 404,
		"/zig/gh/acme/my-lib/..%2f..%2fevil%2fx.tar.gz":   400, "/zig/gh/acme%2fmy-lib/lib/x.tar.gz": 400, "/zig/gh/acme/..%2fx/main.tar.gz": 400, "/zig/gh/acme/my-lib/%2e%2e%2fx.tar.gz": 400,
		"/zig/gh/acme/my-lib/a%252fb.tar.gz": 400, "/zig/gh/acme/my-lib/a%3fb.tar.gz": 400, "/zig/gh/acme/my-lib/a%23b.tar.gz": 400, "/zig/gh/acme/my-lib/.tar.gz": 400,
	} {
		n.Get(path).Want(t, status, `"code":`)
	}
	for _, r := range forges.Took() {
		if !strings.Contains(r.URL.Path, "nope") {
			t.Errorf("the forge was asked for %s", r.URL)
		}
	}
	n.Do("PUT", "/zig/gh/acme/my-lib/main.tar.gz", nil).Want(t, http.StatusMethodNotAllowed, "")
}

func TestMirrorIsOff(t *testing.T) {
	n := start(t, setup{})
	n.Get("/zig/gh/acme/lib/main.tar.gz").Want(t, http.StatusNotFound, "ZIG_MIRROR").Want(t, http.StatusNotFound, `"code":"mirror_off"`)
	n.Get("/zig/mirror/codeberg.org/acme/lib/main.json").Want(t, http.StatusNotFound, "ZIG_MIRROR")
}

// Private reads are private here too, and make no request for who may not read.
func TestMirrorIsPrivate(t *testing.T) {
	mirror, forges := newMirror(t, time.Now)
	n := start(t, setup{mirror: mirror, readAuth: true})
	const path = "/gh/acme/my-lib/feature/x.tar.gz"
	n.as("").Get("/zig"+path).Want(t, http.StatusUnauthorized, "")
	if got := forges.Took(); len(got) > 0 {
		t.Errorf("the forge was asked %d times", len(got))
	}
	reader := n.newToken(auth.NewToken{Name: "r", User: "alice"})
	if cc := reader.Get("/zig"+path).Want(t, http.StatusOK, "").Header.Get("Cache-Control"); cc != "private, no-cache" {
		t.Errorf("Cache-Control = %s", cc)
	}
	if cc := reader.Get("/zig/gh/acme/my-lib/"+mirroredCommit+".tar.gz").Want(t, http.StatusOK, "").Header.Get("Cache-Control"); cc != "private, max-age=31536000, immutable" {
		t.Errorf("Cache-Control = %s", cc)
	}
	n.as("").Get("/zig/t/"+reader.Token+path).Want(t, http.StatusOK, "")
}

// A compiler finds the hash that is told, and a naked package is fetched by the command that is told.
func TestCompilerFetchesFromMirror(t *testing.T) {
	mirror, forges := newMirror(t, time.Now)
	n := start(t, setup{mirror: mirror})
	forges.Put("acme/naked", "v1", mirrortest.Archive(t, "naked-1", mirroredCommit, "src/a.c", "int a;"))
	forges.Put("acme/naked", mirroredCommit, mirrortest.Archive(t, "naked-"+mirroredCommit, mirroredCommit, "src/a.c", "int a;"))
	zig := clients.Get(t, clients.Zig16)
	for _, path := range []string{"/zig/gh/acme/my-lib/feature/x", "/zig/gh/acme/naked/v1"} {
		info := n.Get(path + ".json")
		dir := t.TempDir()
		run := func(args ...string) string {
			t.Helper()
			cmd := exec.CommandContext(t.Context(), zig.Path, args...)
			cmd.Dir, cmd.Env = dir, zig.With("ZIG_GLOBAL_CACHE_DIR="+filepath.Join(dir, "cache"))
			cmd.Stderr = t.Output()
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("zig %q: %v", args, err)
			}
			return strings.TrimSpace(string(out))
		}
		manifest := filepath.Join(dir, "build.zig.zon")
		err := os.WriteFile(manifest, []byte(zon("app", "1.0.0")), 0o644)
		if err := errors.Join(err, os.WriteFile(filepath.Join(dir, "build.zig"), nil, 0o644)); err != nil {
			t.Fatal(err)
		}
		if got := run("fetch", info.Text("url")); got != info.Text("hash") {
			t.Errorf("fetching %s gives the hash %s, told is %s", path, got, info.Text("hash"))
		}
		run(strings.Fields(info.Text("fetchCommand"))[1:]...)
		saved, err := os.ReadFile(manifest)
		if err != nil || !strings.Contains(string(saved), info.Text("hash")) || !strings.Contains(string(saved), mirroredCommit) {
			t.Errorf("%s makes the manifest %s (%v)", info.Text("fetchCommand"), saved, err)
		}
	}
}
