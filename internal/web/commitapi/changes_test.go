package commitapi_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/action/regclient"
	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/domain/changes"
	"github.com/org/registry-action/internal/domain/commits"
	"github.com/org/registry-action/internal/domain/files"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/format/tarball"
	"github.com/org/registry-action/internal/store/blob"
	"github.com/org/registry-action/internal/web/access"
	"github.com/org/registry-action/internal/web/changeset"
	"github.com/org/registry-action/internal/web/commitapi"
	"github.com/org/registry-action/internal/web/webtest"
	"github.com/org/registry-action/internal/wire"
)

const (
	baseSHA = "1111111111aaaaaaaaaabbbbbbbbbbcccccccccc"
	headSHA = "2222222222aaaaaaaaaabbbbbbbbbbcccccccccc"
)

// reviews is a server of commits over real stores.
type reviews struct {
	webtest.Client
	commits *commits.Service
	blobs   *opened
}

// opened counts the blobs that are opened.
type opened struct {
	blob.Store
	count atomic.Int64
}

func (o *opened) Open(ctx context.Context, key blob.Key) (blob.Blob, blob.Info, error) {
	o.count.Add(1)
	return o.Store.Open(ctx, key)
}

func newReviews(t *testing.T, readAuth bool) *reviews {
	t.Helper()
	stores := webtest.OpenStores(t)
	blobs := &opened{Store: stores.Blobs}
	service := commits.New(stores.DB, blobs, stores.Life, commits.Options{SpoolDir: stores.Spool})
	users := auth.New(stores.DB, auth.Options{RootToken: webtest.RootToken, ReadAuth: readAuth})
	client := webtest.Serve(t, stores.Log, func(url string) http.Handler {
		return (&commitapi.API{
			Control: access.Control{Auth: users}, Commits: service, BaseURL: url, Log: stores.Log,
			Changes: changeset.Reader{Commits: service, Files: files.New(nil, files.Options{}), Changes: changes.New(changes.Options{Log: stores.Log})},
		}).Reading()
	})
	return &reviews{client, service, blobs}
}

func (w *reviews) part(content []byte) *tarball.Part {
	part := tarball.Part{Digest: digest.Of(content), Size: int64(len(content))}
	if _, err := w.commits.PutPart(w.T.Context(), auth.Operator(), part.Digest, bytes.NewReader(content)); err != nil {
		w.T.Error(err) // not Fatal: parts are put at the same time
	}
	return &part
}

// tree are files by path. In their contents VERSION is the preview version of the commit.
type tree map[string]string

func (f tree) at(sha, path string) string {
	return strings.ReplaceAll(f[path], "VERSION", npm.PreviewVersion(sha))
}

// split packs a package as publish-commit does.
func (w *reviews) split(sha, name string, content tree) commits.Source {
	var head, body bytes.Buffer
	hr, err := new(tarball.Packer).WriteHead(&head, []byte(content.at(sha, "package.json")), sha)
	if err != nil {
		w.T.Error(err)
	}
	var list []tarball.File
	for _, path := range slices.Sorted(maps.Keys(content)) {
		if path == "package.json" {
			continue
		}
		text := content.at(sha, path)
		list = append(list, tarball.File{Name: path, Size: int64(len(text)), Mode: 0o644, Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }})
	}
	br, err := new(tarball.Packer).WriteBody(&body, list)
	if err != nil {
		w.T.Error(err)
	}
	recipe := tarball.Join(hr, br)
	w.part(head.Bytes())
	w.part(body.Bytes())
	return commits.Source{Name: name, Head: &recipe.Head, Body: &recipe.Body, Holes: recipe.Holes}
}

// whole packs a package as anybody does.
func (w *reviews) whole(sha, name, top string, content tree) commits.Source {
	w.T.Helper()
	var b bytes.Buffer
	gz := gzip.NewWriter(&b)
	tw := tar.NewWriter(gz)
	for _, path := range slices.Sorted(maps.Keys(content)) {
		text := content.at(sha, path)
		if err := tw.WriteHeader(&tar.Header{Name: top + path, Mode: 0o644, Size: int64(len(text))}); err != nil {
			w.T.Fatal(err)
		}
		_, _ = io.WriteString(tw, text) // Close tells
	}
	if err := errors.Join(tw.Close(), gz.Close()); err != nil {
		w.T.Fatal(err)
	}
	return commits.Source{Name: name, Whole: w.part(b.Bytes())}
}

func (w *reviews) publish(sha, repository string, refs []commits.Ref, sources ...commits.Source) {
	w.T.Helper()
	repo, err := commits.ParseRepository(repository)
	if err != nil {
		w.T.Fatal(err)
	}
	_, err = w.commits.Publish(w.T.Context(), auth.Operator(), commits.Publication{SHA: sha, Repository: repo, Refs: refs, Packages: sources})
	if err != nil {
		w.T.Fatal(err)
	}
}

// ask is what our own client is told.
func (w *reviews) ask(sha string, q regclient.ChangesQuery) wire.Changes {
	w.T.Helper()
	c, err := regclient.New(regclient.Options{BaseURL: w.URL, Token: w.Token, Retries: -1})
	if err != nil {
		w.T.Fatal(err)
	}
	got, err := c.Changes(w.T.Context(), sha, q)
	if err != nil {
		w.T.Fatal(err)
	}
	return got
}

// withoutSizes checks that sizes are told where there are any, and takes them away.
func withoutSizes(t *testing.T, c wire.Changes) wire.Changes {
	t.Helper()
	for i, p := range c.Packages {
		before, after := p.Kind != "added" && p.Kind != "", p.Kind != "removed"
		for _, size := range []*wire.SizeChange{p.Size, p.UnpackedSize} {
			if size == nil || (size.Before != nil) != before || (size.After != nil) != after || before && *size.Before <= 0 || after && *size.After <= 0 {
				t.Errorf("%s is %s and has the sizes %+v", p.Name, p.Kind, size)
			}
		}
		c.Packages[i].Size, c.Packages[i].UnpackedSize = nil, nil
	}
	return c
}

func manifest(name, members string) string {
	return fmt.Sprintf(`{"name":%q,"version":"VERSION"%s}`, name, members)
}

// A pull request changes packages in every way there is.
func TestChanges(t *testing.T) {
	w := newReviews(t, false)
	sibling := manifest("@acme/b", `,"dependencies":{"@acme/a":"VERSION"}`)
	w.publish(baseSHA, "acme/ws", []commits.Ref{{Kind: commits.Branch, Name: "main"}},
		w.split(baseSHA, "@acme/a", tree{"package.json": manifest("@acme/a", `,"main":"index.js","scripts":{"postinstall":"node old.js"},"dependencies":{"@acme/b":"VERSION","gone":"^1.0.0","up":"1"}`), "index.js": "1", "old.js": "1", "same.js": "1"}),
		w.split(baseSHA, "@acme/b", tree{"package.json": sibling, "index.js": "1"}),
		w.whole(baseSHA, "by-hand", "package/", tree{"package.json": manifest("by-hand", `,"dependencies":{"@acme/a":"VERSION"}`), "index.js": "1"}),
		w.split(baseSHA, "left", tree{"package.json": manifest("left", ``)}),
		w.whole(baseSHA, "zig:greet", "greet/", tree{"build.zig.zon": `.{ .name = .greet, .version = "1.0.0", .fingerprint = 0x2df8175bc26b3b93, .paths = .{""} }`, "a.zig": "1"}),
	)
	w.publish(headSHA, "acme/ws", []commits.Ref{{Kind: commits.PR, Name: "7"}},
		w.split(headSHA, "@acme/a", tree{"package.json": manifest("@acme/a", `,"main":"./lib","bin":{"acme":"./cli.js"},"exports":{".":{"import":"./index.mjs"}},"scripts":{"postinstall":"node cli.js","prepare":"x"},"dependencies":{"@acme/b":"VERSION","up":"2","ms":"2.1.3"}`), "index.js": "2", "cli.js": "1", "same.js": "1", "binding.gyp": "{}", "lib/index.js": "1"}),
		w.split(headSHA, "@acme/b", tree{"package.json": sibling, "index.js": "1"}),
		w.whole(headSHA, "by-hand", "package/", tree{"package.json": manifest("by-hand", `,"dependencies":{"@acme/a":"VERSION"}`), "index.js": "1"}),
		w.split(headSHA, "new", tree{"package.json": manifest("new", `,"types":"./none.d.ts","scripts":{"install":"x"},"dependencies":{"ms":"2"}`)}),
		w.whole(headSHA, "zig:greet", "greet/", tree{"build.zig.zon": `.{ .name = .greet, .version = "1.0.0", .fingerprint = 0x2df8175bc26b3b93, .paths = .{""}, .dependencies = .{ .zap = .{ .path = "zap" } } }`, "a.zig": "2"}),
	)
	want := wire.Changes{SHA: headSHA, Base: &wire.Base{SHA: baseSHA}, Packages: []wire.PackageChange{
		{
			Name: "@acme/a", Kind: "changed",
			Files: &wire.FileChanges{
				Added: []string{"binding.gyp", "cli.js", "lib/index.js"}, Removed: []string{"old.js"}, Changed: []string{"index.js", "package.json"},
				AddedCount: 3, RemovedCount: 1, ChangedCount: 2,
			},
			Dependencies: []wire.DependencyChange{
				{Field: "dependencies", Name: "gone", Before: "^1.0.0"}, {Field: "dependencies", Name: "ms", After: "2.1.3"}, {Field: "dependencies", Name: "up", Before: "1", After: "2"},
			},
			Entries: []wire.EntryChange{
				{Field: "bin.acme", After: "./cli.js"}, {Field: `exports["."].import`, After: "./index.mjs"}, {Field: "main", Before: "index.js", After: "./lib"},
			},
			Scripts: []wire.ScriptChange{{Name: "install", After: "node-gyp rebuild"}, {Name: "postinstall", Before: "node old.js", After: "node cli.js"}},
			Broken:  []wire.BrokenEntry{{Field: `exports["."].import`, Target: "./index.mjs"}},
		},
		{
			Name: "zig:greet", Kind: "changed", Files: &wire.FileChanges{Changed: []string{"a.zig", "build.zig.zon"}, ChangedCount: 2},
			Dependencies: []wire.DependencyChange{{Field: "dependencies", Name: "zap", After: "zap"}},
		},
		{
			Name: "new", Kind: "added", Dependencies: []wire.DependencyChange{{Field: "dependencies", Name: "ms", After: "2"}}, Scripts: []wire.ScriptChange{{Name: "install", After: "x"}},
			Broken: []wire.BrokenEntry{{Field: "types", Target: "./none.d.ts"}},
		},
		{Name: "left", Kind: "removed"},
		{Name: "@acme/b", Kind: "unchanged"},
		{Name: "by-hand", Kind: "unchanged"},
	}}
	got := w.ask(headSHA, regclient.ChangesQuery{Repository: "https://github.com/Acme/ws", Bases: []string{strings.Repeat("9", 40), baseSHA}, Branch: "main"})
	if diff := cmp.Diff(want, withoutSizes(t, got)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	want.Base.Branch = "main"
	got = w.ask(headSHA, regclient.ChangesQuery{Bases: []string{strings.Repeat("9", 40)}, Branch: "main"})
	if diff := cmp.Diff(want, withoutSizes(t, got)); diff != "" {
		t.Errorf("by the branch: -want +got:\n%s", diff)
	}
	got = w.ask(headSHA[:9], regclient.ChangesQuery{})
	if got.Base != nil || got.SHA != headSHA || len(got.Packages) != 5 {
		t.Fatalf("without a base: %+v", got)
	}
	for _, p := range withoutSizes(t, got).Packages {
		if wantBroken := p.Name == "@acme/a" || p.Name == "new"; p.Kind != "" || p.Files != nil || len(p.Dependencies)+len(p.Entries)+len(p.Scripts) > 0 || len(p.Broken) > 0 != wantBroken {
			t.Errorf("without a base: %+v", p)
		}
	}
}

func TestChangesRefuse(t *testing.T) {
	w := newReviews(t, false)
	w.publish(headSHA, "acme/ws", nil, w.split(headSHA, "a", tree{"package.json": manifest("a", "")}))
	for path, tt := range map[string]struct {
		status int
		text   string
	}{
		"/commits/" + baseSHA + "/changes?base=" + headSHA:                            {404, "not published here"},
		"/commits/nonsense/changes?branch=main":                                       {400, `"invalid_sha"`},
		"/commits/" + headSHA + "/changes?repository=acme/other":                      {404, "no packages of acme/other"},
		"/commits/" + headSHA + "/changes?repository=%3Cscript%3E":                    {400, `"invalid_repository"`},
		"/commits/" + headSHA + "/changes?base=main":                                  {400, `"invalid_sha"`},
		"/commits/" + headSHA + "/changes?branch=a%0Ab":                               {400, `"invalid_ref"`},
		"/commits/" + headSHA + "/changes?" + strings.Repeat("base=1234567&", 51):     {400, `"too_many_bases"`},
		"/commits/" + headSHA + "/changes":                                            {200, `"base":null`},
		"/commits/" + headSHA + "/changes?base=" + headSHA + "&branch=none&other=yes": {200, `"base":null`},
	} {
		w.Get(path).Want(t, tt.status, tt.text)
	}
}

// A package may be called changes; nobody who knew its address is told of something else.
func TestPackageCalledChanges(t *testing.T) {
	w := newReviews(t, false)
	w.publish(headSHA, "acme/ws", nil, w.split(headSHA, "changes", tree{"package.json": manifest("changes", "")}))
	w.Get("/commits/"+headSHA+"/changes").Want(t, http.StatusOK, `"integrity":"sha512-`)
	w.Get("/commits/"+headSHA+"/changes?branch=main").Want(t, http.StatusOK, `"packages":[{"name":"changes"`)
}

// Where reads need a token, so do changes.
func TestChangesAreRead(t *testing.T) {
	w := newReviews(t, true)
	w.publish(headSHA, "acme/ws", nil, w.split(headSHA, "a", tree{"package.json": manifest("a", "")}))
	path := "/commits/" + headSHA + "/changes?branch=main"
	if a := w.Get(path).Want(t, http.StatusOK, `"name":"a"`); !strings.HasPrefix(a.Header.Get("Cache-Control"), "private") {
		t.Errorf("Cache-Control: %s", a.Header.Get("Cache-Control"))
	}
	w.Token = ""
	for _, path := range []string{path, "/commits/" + headSHA + "/changes", "/commits/" + strings.Repeat("9", 40) + "/changes?branch=main"} {
		w.Get(path).Want(t, http.StatusUnauthorized, "unauthenticated")
	}
}

// What a reader waits for: of a commit of a thousand packages only the three that changed are read.
func TestChangesOfAThousandPackages(t *testing.T) {
	w := newReviews(t, false)
	sources := make([]commits.Source, 1000)
	var wg sync.WaitGroup
	for from := range 50 { // their bytes become durable together
		wg.Go(func() {
			for i := from; i < len(sources); i += 50 {
				name := fmt.Sprintf("p%03d", i)
				sources[i] = w.split(baseSHA, name, tree{"package.json": manifest(name, ""), "index.js": "1"})
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	w.publish(baseSHA, "acme/ws", nil, sources...)
	for i := 0; i < len(sources); i += 400 {
		sources[i] = w.split(headSHA, sources[i].Name, tree{"package.json": manifest(sources[i].Name, ""), "index.js": "2"})
	}
	w.publish(headSHA, "acme/ws", nil, sources...)
	before := w.blobs.count.Load()
	got := w.ask(headSHA, regclient.ChangesQuery{Bases: []string{baseSHA}})
	read := w.blobs.count.Load() - before
	var changed []string
	for _, p := range got.Packages {
		if p.Kind == "changed" && p.Files.ChangedCount == 1 {
			changed = append(changed, p.Name)
		}
	}
	if diff := cmp.Diff([]string{"p000", "p400", "p800"}, changed); diff != "" || len(got.Packages) != 1000 {
		t.Errorf("of %d packages: -want +got:\n%s", len(got.Packages), diff)
	}
	if read > 3*2*2*2 { // head and body, before and after, what is in them and what it is
		t.Errorf("%d blobs were read, of three packages that changed", read)
	}
}
