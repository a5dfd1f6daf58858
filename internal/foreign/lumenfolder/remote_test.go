package lumenfolder_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/foreign"
	"github.com/org/registry-action/internal/foreign/lumenfolder"
)

// files is a registry in memory; a file "down" can't be asked for.
type files map[string]string

var errDown = errors.New("down")

func (f files) Open(ctx context.Context, path string) (io.ReadCloser, error) {
	switch text, ok := f[path]; {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case !ok:
		return nil, fs.ErrNotExist
	case text == "down":
		return nil, errDown
	default:
		return io.NopCloser(strings.NewReader(text)), nil
	}
}

func fetch(t *testing.T, tree files, most int64) *lumenfolder.Remote {
	t.Helper()
	r, err := lumenfolder.Fetch(t.Context(), tree, most)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRemote(t *testing.T) {
	r := fetch(t, files{
		"index.json":                     `{"name":"r","version":"1.0.0","packages":[{"name":"plain"},{"name":"@acme/http"},{"name":"plain"}]}`,
		"packages/@acme/http/index.json": `{"name":"@acme/http","versions":["1.0.0","1.10.0","1.9.0","1.9.0"],"yanked":{"1.9.0":""}}`,
		"packages/@acme/http/1.0.0.json": fmt.Sprintf(`{"published_at":"2026-01-02T03:04:05Z","artifacts":[{"kind":"tar","url":%q,"hash":"sha256:%s"},{"kind":"tgz","url":%q,"hash":"sha256:%s"}]}`,
			path(tarHash, ".tar"), tarHash, path(tgzHash, ".tgz"), tgzHash),
		"packages/@acme/http/1.9.0.json":  fmt.Sprintf(`{"artifacts":[{"kind":"tar","url":"https://cdn.example.com/x.tar","hash":"sha256:%s"}]}`, tarHash),
		"packages/@acme/http/1.10.0.json": `{"artifacts":[{"url":"files/http.tar"}],"yanked":true,"yank_reason":"bad"}`,
		"packages/plain/index.json":       `{"name":"plain","versions":["0.1.0"]}`,
		"packages/plain/0.1.0.json":       `{"artifacts":[{"url":"/files/http.tar"}]}`,
	}, 10)
	var got []foreign.Package
	for p, err := range r.Packages(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, p)
	}
	empty, bad := "", "bad"
	want := []foreign.Package{
		{Name: "@acme/http", Versions: []foreign.Version{
			{Version: "1.9.0", Yanked: &empty, File: path(tarHash, ".tar"), Checksum: "sha256:" + tarHash},
			{Version: "1.10.0", Yanked: &bad, File: "files/http.tar"},
			{Version: "1.0.0", PublishedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), File: path(tgzHash, ".tgz"), Checksum: "sha256:" + tgzHash},
		}},
		{Name: "plain", Versions: []foreign.Version{{Version: "0.1.0", File: "files/http.tar"}}},
	}
	if diff := cmp.Diff(want, got); diff != "" || r.Len() != 2 {
		t.Errorf("%d packages (-want +got): %s", r.Len(), diff)
	}
}

// What a registry says leads nowhere but to its own files.
func TestRemoteHostile(t *testing.T) {
	r := fetch(t, files{
		"index.json":                 `{"packages":[{"name":"../../etc"},{"name":""},{"name":"@a/b/c"},{"name":"UP"},{"name":"broken"},{"name":"none"},{"name":"odd"}]}`,
		"packages/broken/index.json": `[`,
		"packages/odd/index.json":    `{"versions":["../../x","1.0","1.0.0","1.0.1","1.0.2","1.0.3","1.0.4","1.0.5"]}`,
		"packages/odd/1.0.0.json":    `{"artifacts":[]}`,
		"packages/odd/1.0.1.json":    `{"artifacts":[{"url":"http://169.254.169.254/latest"}]}`,
		"packages/odd/1.0.2.json":    `{"artifacts":[{"url":"../../secret"}]}`,
		"packages/odd/1.0.3.json":    `{"artifacts":[{"url":"x","hash":"sha256:abc123..."}]}`,
		"packages/odd/1.0.4.json":    `[]`,
	}, 10)
	for p, err := range r.Packages(t.Context()) {
		if err != nil || p.Name != "odd" && p.Problem == nil {
			t.Errorf("package %q has no problem, %v", p.Name, err)
		}
		for _, v := range p.Versions {
			if v.Problem == nil {
				t.Errorf("%s@%s: is to be read from %q", p.Name, v.Version, v.File)
			}
		}
	}
	for text, want := range map[string]string{"": "", "[]": "", "{": "", "none": "root of a Lumen registry"} {
		tree := files{"index.json": text}
		if text == "none" {
			tree = nil
		}
		if _, err := lumenfolder.Fetch(t.Context(), tree, 10); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("index %q: %v", text, err)
		}
	}
}

// What is at another address than a registry's root is not imported as an empty registry.
func TestRemoteElsewhere(t *testing.T) {
	for text, refused := range map[string]bool{`{"name":"index.json","dist-tags":{},"versions":{}}`: true, `{"packages":null}`: true, `{"packages":[]}`: false} {
		if _, err := lumenfolder.Fetch(t.Context(), files{"index.json": text}, 10); (err != nil) != refused {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// A registry that can't be asked any more ends the import, and is no reason to refuse what it has.
func TestRemoteDown(t *testing.T) {
	for _, down := range []string{"packages/a/index.json", "packages/a/1.0.0.json"} {
		tree := files{
			"index.json": `{"packages":[{"name":"a"},{"name":"b"}]}`, "packages/a/index.json": `{"versions":["1.0.0"]}`, "packages/a/1.0.0.json": "{}",
		}
		tree[down] = "down"
		n := 0
		for _, err := range fetch(t, tree, 10).Packages(t.Context()) {
			if n++; !errors.Is(err, errDown) {
				t.Errorf("%s: %v", down, err)
			}
		}
		if n != 1 {
			t.Errorf("%s: it went on for %d packages", down, n)
		}
	}
}

func TestRemoteArchives(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	r := fetch(t, files{"index.json": `{"packages":[]}`, "ten": "0123456789", "eleven": "0123456789x", "gone": "down"}, 10)
	a, problem, err := r.Open(t.Context(), "ten")
	if problem != nil || err != nil {
		t.Fatal(problem, err)
	}
	if text, err := io.ReadAll(a); err != nil || !bytes.Equal(text, []byte("0123456789")) {
		t.Errorf("read %q, %v", text, err)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	if _, problem, err := r.Open(t.Context(), "eleven"); problem == nil || err != nil || !strings.Contains(problem.Error(), "--max-package-size") {
		t.Errorf("too many bytes: %v, %v", problem, err)
	}
	if _, problem, err := r.Open(t.Context(), "none"); problem == nil || err != nil {
		t.Errorf("no file: %v, %v", problem, err)
	}
	if _, problem, err := r.Open(t.Context(), "gone"); problem != nil || !errors.Is(err, errDown) {
		t.Errorf("no answer: %v, %v", problem, err)
	}
	if left, err := filepath.Glob(filepath.Join(temp, "*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
