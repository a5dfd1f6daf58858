package commits

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/provenance"
	"github.com/org/registry-action/internal/format/tarball"
	"github.com/org/registry-action/internal/store/blob"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/lifetime"
	"github.com/org/registry-action/internal/store/storetest"
)

// world is a service on real stores, with a clock to turn.
type world struct {
	*Service
	*storetest.Clock
	t     testing.TB
	db    *hookedDB
	blobs *hookedBlobs
}

type who struct {
	denied  bool
	only    string // the one package it may write; "" for all
	user    string // "": tester
	admin   bool
	granted string // the one repository it was given
	run     *run   // its limits, if it is a CI run
}

// run are the limits of a CI run.
type run struct {
	proof    provenance.Proof
	refs     []string
	contents map[string]string
}

func (w who) User() string  { return cmp.Or(w.user, "tester") }
func (w who) IsAdmin() bool { return w.admin }
func (w who) GrantedRepository(repo string) bool {
	return w.admin || w.granted != "" && w.granted == repo
}
func (w who) MayUpload() error { return w.MayPublish("") }
func (w who) MayPublish(string) error {
	if w.denied {
		return fault.New(fault.Forbidden, "no")
	}
	return nil
}

func (w who) MayWrite(name string) error {
	if w.only != "" && w.only != name {
		return fault.New(fault.Forbidden, "not %s", name)
	}
	return nil
}

func (w who) Proof() *provenance.Proof {
	if w.run == nil {
		return nil
	}
	return &w.run.proof
}

func (w who) MayPublishCommit(sha string, refs []string) error {
	if w.run == nil {
		return nil
	}
	for _, ref := range refs {
		if !slices.Contains(w.run.refs, ref) {
			return fault.New(fault.Forbidden, "not the ref %s", ref)
		}
	}
	if sha != w.run.proof.SHA {
		return fault.New(fault.Forbidden, "not commit %s", sha)
	}
	return nil
}

func (w who) MayPublishBytes(name, integrity string, _ int64) error {
	if w.run != nil && w.run.contents != nil && w.run.contents[name] != integrity {
		return fault.New(fault.Forbidden, "not these bytes of %s", name)
	}
	return nil
}

func newWorld(t testing.TB, opt Options) *world {
	t.Helper()
	w := &world{t: t, Clock: storetest.NewClock()}
	db := storetest.OpenDB(t, w.Now)
	store := storetest.OpenBlobs(t)
	w.db, w.blobs = &hookedDB{DB: db}, &hookedBlobs{Store: store}
	opt.Now, opt.SpoolDir = w.Now, t.TempDir()
	life := lifetime.New(w.db, w.blobs, lifetime.Options{Now: w.Now, Horizon: 100 * 24 * time.Hour, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	w.Service = New(w.db, w.blobs, life, opt)
	return w
}

// hookedDB calls before ahead of every Apply, whose error it may be, and scan ahead of every Scan, which does not yield
// what hide says. A row of past is read in place of the one there is.
type hookedDB struct {
	kv.DB
	before func(ops []kv.Op) error
	scan   func(partition string)
	hide   func(kv.Row) bool
	past   map[kv.Key]kv.Row
}

func (h *hookedDB) Get(ctx context.Context, k kv.Key) (kv.Row, error) {
	if r, ok := h.past[k]; ok {
		return r, nil
	}
	return h.DB.Get(ctx, k)
}

func (h *hookedDB) Scan(ctx context.Context, partition string, q kv.Query) iter.Seq2[kv.Row, error] {
	if h.scan != nil {
		h.scan(partition)
	}
	if h.hide == nil {
		return h.DB.Scan(ctx, partition, q)
	}
	return func(yield func(kv.Row, error) bool) {
		for r, err := range h.DB.Scan(ctx, partition, q) {
			if (err != nil || !h.hide(r)) && !yield(r, err) {
				return
			}
		}
	}
}

func (h *hookedDB) Apply(ctx context.Context, ops ...kv.Op) error {
	if h.before != nil {
		if err := h.before(ops); err != nil {
			return err
		}
	}
	return h.DB.Apply(ctx, ops...)
}

// hookedBlobs calls before ahead of every Delete.
type hookedBlobs struct {
	blob.Store
	before func()
}

func (h *hookedBlobs) Delete(ctx context.Context, k blob.Key) error {
	if h.before != nil {
		h.before()
	}
	return h.Store.Delete(ctx, k)
}

func (w *world) count() int {
	w.t.Helper()
	n := 0
	for _, err := range w.blobs.List(w.t.Context(), blob.Commits, tarball.Part{}.Digest) {
		if err != nil {
			w.t.Fatal(err)
		}
		n++
	}
	return n
}

// packed is a split tarball in memory.
type packed struct {
	name       string
	head, body []byte
	recipe     tarball.Recipe
}

// pack makes a package; packages of equal content share their body.
func pack(t testing.TB, name, version, content string) packed {
	t.Helper()
	return packFor(t, "", name, version, content)
}

// packFor is pack with holes for the digits of a commit, and more files.
func packFor(t testing.TB, commit, name, version, content string, more ...string) packed {
	t.Helper()
	var head, body bytes.Buffer
	hr, err := new(tarball.Packer).WriteHead(&head, fmt.Appendf(nil, `{"name":%q,"version":%q}`, name, version), commit)
	if err != nil {
		t.Fatal(err)
	}
	var files []tarball.File
	for _, file := range append([]string{"index.js"}, more...) {
		files = append(files, tarball.File{
			Name: file, Size: int64(len(content)), Mode: 0o644,
			Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(content)), nil },
		})
	}
	br, err := new(tarball.Packer).WriteBody(&body, files)
	if err != nil {
		t.Fatal(err)
	}
	return packed{name, head.Bytes(), body.Bytes(), tarball.Join(hr, br)}
}

func (p packed) source() Source {
	return Source{Name: p.name, Head: new(p.recipe.Head), Body: new(p.recipe.Body), Holes: p.recipe.Holes}
}

const sha1a = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

func publication(sha, repo string, packages ...packed) Publication {
	p := Publication{SHA: sha}
	if repo != "" {
		p.Repository = Repository{Host: defaultForge, Path: repo}
	}
	for _, x := range packages {
		p.Packages = append(p.Packages, x.source())
	}
	return p
}

// send uploads what is missing and publishes.
func (w *world) send(p Publication, packages ...packed) (Result, error) {
	ctx := w.t.Context()
	if err := w.put(packages...); err != nil {
		return Result{}, err
	}
	return w.Publish(ctx, who{}, p)
}

func (w *world) put(packages ...packed) error { return w.putAs(who{}, Repository{}, packages...) }

// putAs uploads what is missing.
func (w *world) putAs(as who, r Repository, packages ...packed) error {
	var parts []tarball.Part
	bytesOf := map[tarball.Part][]byte{}
	for _, x := range packages {
		bytesOf[x.recipe.Head], bytesOf[x.recipe.Body] = x.head, x.body
		parts = append(parts, x.recipe.Head, x.recipe.Body)
	}
	missing, err := w.Missing(w.t.Context(), as, r, parts)
	if err != nil {
		return err
	}
	for _, m := range missing {
		if _, err := w.PutPart(w.t.Context(), as, m.Digest, bytes.NewReader(bytesOf[m])); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) publish(sha, repo string, packages ...packed) Result {
	w.t.Helper()
	res, err := w.send(publication(sha, repo, packages...), packages...)
	if err != nil {
		w.t.Fatalf("Publish(%s): %v", sha, err)
	}
	return res
}

// read returns what a package's tarball holds in index.js.
func (w *world) read(sha, name string) (string, error) {
	p, err := w.Package(w.t.Context(), sha, name)
	if err != nil {
		return "", err
	}
	c, err := w.Open(w.t.Context(), p)
	if err != nil {
		return "", err
	}
	defer c.Close()
	gz, err := gzip.NewReader(c)
	if err != nil {
		return "", err
	}
	for tr := tar.NewReader(gz); ; {
		h, err := tr.Next()
		if err != nil {
			return "", err
		}
		if h.Name == "package/index.js" {
			b, err := io.ReadAll(tr)
			return string(b), err
		}
	}
}
