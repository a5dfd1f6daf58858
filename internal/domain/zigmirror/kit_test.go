package zigmirror_test

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/org/registry-action/internal/domain/zigmirror"
	"github.com/org/registry-action/internal/domain/zigmirror/mirrortest"
	"github.com/org/registry-action/internal/store/cache"
	"github.com/org/registry-action/internal/store/storetest"
)

const (
	commit1 = "1111111111111111111111111111111111111111"
	commit2 = "2222222222222222222222222222222222222222"
	zon     = `.{ .name = .lib, .version = "1.2.3", .fingerprint = 0xa90f3bcc00000007, .paths = .{""} }`
)

// main is the branch that most tests ask for.
var main = zigmirror.Place{Host: mirrortest.GitHub, Owner: "acme", Repo: "lib", Ref: "main"}

// world is a mirror with its forges.
type world struct {
	*zigmirror.Service
	t      *testing.T
	forges *mirrortest.Forges
	cache  *cache.Cache
	spool  string
	log    *storetest.Transcript
}

// bubble runs a test whose time is its own. The cache is a real one.
func bubble(t *testing.T, opt zigmirror.Options, test func(t *testing.T, w *world)) {
	t.Helper()
	dir, spool := t.TempDir(), t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, forges: mirrortest.New(t), spool: spool, log: &storetest.Transcript{}}
		c, err := cache.Open(dir, cache.Options{MaxBytes: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		w.cache, opt.Cache, opt.SpoolDir = c, c, spool
		opt.Network, opt.Log = w.forges.Network(), slog.New(slog.NewTextHandler(w.log, nil))
		if opt.Hosts == nil {
			opt.Hosts = []string{mirrortest.GitHub, mirrortest.Codeberg}
		}
		if w.Service, err = zigmirror.New(opt); err != nil {
			t.Fatal(err)
		}
		test(t, w)
		if err := errors.Join(w.Close(), c.Close()); err != nil {
			t.Error(err)
		}
		if left, err := os.ReadDir(spool); err != nil || len(left) > 0 {
			t.Errorf("%v is left in the spool folder (%v)", left, err)
		}
	})
}

// get asks for an archive and reads it.
func (w *world) get(p zigmirror.Place) (*zigmirror.Archive, []byte, error) {
	w.t.Helper()
	a, err := w.Archive(w.t.Context(), p)
	if err != nil {
		return nil, nil, err
	}
	text, err := io.ReadAll(a.File)
	if err := errors.Join(err, a.File.Close()); err != nil {
		w.t.Fatal(err)
	}
	if int64(len(text)) != a.File.Size {
		w.t.Errorf("an archive of %d bytes has %d", a.File.Size, len(text))
	}
	return a, text, nil
}

// must is get of what is there.
func (w *world) must(p zigmirror.Place) *zigmirror.Archive {
	w.t.Helper()
	a, _, err := w.get(p)
	if err != nil {
		w.t.Fatalf("%s: %v", p.URL(), err)
	}
	return a
}

// wantRequests checks what the forges were asked since the last check.
func (w *world) wantRequests(want ...string) {
	w.t.Helper()
	var got []string
	for _, r := range w.forges.Took() {
		got = append(got, r.Host+r.URL.Path)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		w.t.Errorf("the forges were asked %v, want %v", got, want)
	}
}

// status makes every answer one of that status; 0 ends it.
func (w *world) status(code int) {
	w.forges.Intercept(func(rw http.ResponseWriter, _ *http.Request) bool {
		if code != 0 {
			rw.WriteHeader(code)
		}
		return code != 0
	})
}

// library is an archive of the repository, with a source that differs.
func library(t *testing.T, commit, source string) []byte {
	return mirrortest.Archive(t, "lib-main", commit, "build.zig.zon", zon, "build.zig", "// build", "src/root.zig", source)
}

func contains(list []string, text string) bool { return strings.Contains(fmt.Sprint(list), text) }
