package packages

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/signature"
	"github.com/org/registry-action/internal/format/tarball"
	"github.com/org/registry-action/internal/store/blob"
	"github.com/org/registry-action/internal/store/blob/fsblob"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/kv/boltkv"
	"github.com/org/registry-action/internal/store/lifetime"
)

const day = 24 * time.Hour

// world is a service on real stores, with a clock to turn.
type world struct {
	*Service
	t     testing.TB
	db    *hookedDB
	blobs *fsblob.Store
	spool string
	key   *ecdsa.PrivateKey
	mu    sync.Mutex
	clock time.Time
}

func newWorld(t testing.TB, opt Options) *world {
	t.Helper()
	w := &world{t: t, spool: t.TempDir(), clock: time.Date(2026, 3, 1, 12, 30, 0, 0, time.UTC)}
	db, err := boltkv.Open(filepath.Join(t.TempDir(), "db"), boltkv.Options{Now: w.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if w.blobs, err = fsblob.Open(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	if w.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	w.db = &hookedDB{DB: db}
	w.Service = w.another(opt)
	return w
}

// another is one more server on the same stores.
func (w *world) another(opt Options) *Service {
	opt.Now, opt.SpoolDir, opt.Signer = w.now, w.spool, w
	life := lifetime.New(w.db, w.blobs, lifetime.Options{Now: w.now, Horizon: 100 * day, Log: slog.New(slog.NewTextHandler(w.t.Output(), nil))})
	return New(w.db, w.blobs, life, opt)
}

// Sign makes the world a Signer.
func (w *world) Sign(_ context.Context, name, version, integrity string) (signature.Signature, error) {
	return signature.Sign(w.key, name, version, integrity)
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.clock
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clock = w.clock.Add(d)
}

// hookedDB calls before ahead of every Apply, and after behind it; an error of theirs is Apply's.
type hookedDB struct {
	kv.DB
	before, after func(ops []kv.Op) error
}

func (h *hookedDB) Apply(ctx context.Context, ops ...kv.Op) error {
	if h.before != nil {
		if err := h.before(ops); err != nil {
			return err
		}
	}
	err := h.DB.Apply(ctx, ops...)
	if err == nil && h.after != nil {
		err = h.after(ops)
	}
	return err
}

// user is a Principal.
type user struct {
	name   string
	admin  bool
	only   []string // patterns its token is limited to
	grants []string // patterns it was granted
}

func (u user) String() string { return "the test's " + u.name }
func (u user) User() string   { return u.name }
func (u user) IsAdmin() bool  { return u.admin }

func (u user) MayWrite(name string) error {
	switch {
	case u.name == "":
		return fault.New(fault.Unauthenticated, "who are you?")
	case len(u.only) > 0 && !covers(u.only, name):
		return fault.New(fault.Forbidden, "this token may not write to %s", name)
	}
	return nil
}

func (u user) Granted(name string) bool { return u.admin || covers(u.grants, name) }

func covers(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		begin, open := strings.CutSuffix(p, "*")
		return p == name || open && strings.HasPrefix(name, begin)
	})
}

var (
	nobody = user{}
	alice  = user{name: "alice"}
	bob    = user{name: "bob"}
	root   = user{name: "root", admin: true}
	bot    = user{name: "bot", grants: []string{"*"}}
)

// pack makes a tarball of a package.json, given as its members, and files.
func pack(t testing.TB, manifest string, files ...string) []byte {
	t.Helper()
	var head, body bytes.Buffer
	p := &tarball.Packer{}
	hr, err := p.WriteHead(&head, []byte("{"+manifest+"}"), "")
	if err != nil {
		t.Fatal(err)
	}
	var entries []tarball.File
	for i := 0; i+1 < len(files); i += 2 {
		entries = append(entries, tarball.File{
			Name: files[i], Size: int64(len(files[i+1])), Mode: 0o644,
			Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(files[i+1])), nil },
		})
	}
	br, err := p.WriteBody(&body, entries)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := io.ReadAll(tarball.NewReader(tarball.Join(hr, br), bytes.NewReader(head.Bytes()), bytes.NewReader(body.Bytes())))
	if err != nil {
		t.Fatal(err)
	}
	return whole
}

// tgz is a package whose only file has the content.
func tgz(t testing.TB, name, version, content string) []byte {
	t.Helper()
	return pack(t, fmt.Sprintf(`"name":%q,"version":%q`, name, version), "index.js", content)
}

// send receives a tarball and publishes it with what r says beside.
func (w *world) send(who Principal, text []byte, r Release) (Published, error) {
	w.t.Helper()
	return sendTo(w.t, w.Service, who, text, r)
}

func sendTo(t testing.TB, s *Service, who Principal, text []byte, r Release) (Published, error) {
	t.Helper()
	u, err := s.Receive(t.Context(), who, bytes.NewReader(text))
	if err != nil {
		return Published{}, err
	}
	defer u.Close()
	r.Upload = u
	return s.Publish(t.Context(), who, r)
}

// publish publishes a package whose only file is its own name and version.
func (w *world) publish(who Principal, name, version string, tags ...string) Published {
	w.t.Helper()
	p, err := w.send(who, tgz(w.t, name, version, name+version), Release{Tags: tags})
	if err != nil {
		w.t.Fatalf("publishing %s@%s: %v", name, version, err)
	}
	return p
}

func (w *world) get(name string) *Package {
	w.t.Helper()
	p, err := w.Package(w.t.Context(), name)
	if err != nil {
		w.t.Fatalf("Package(%s): %v", name, err)
	}
	return p
}

func (p *Package) list() string {
	var all []string
	for _, v := range p.Versions {
		all = append(all, v.Version.Version)
	}
	return strings.Join(all, " ")
}

func (w *world) rev(name string) string {
	w.t.Helper()
	rev, err := w.Revision(w.t.Context(), name)
	if err != nil {
		w.t.Fatalf("Revision(%s): %v", name, err)
	}
	return rev
}

// read returns the bytes of a version's tarball.
func (w *world) read(name, version string) ([]byte, error) {
	c, _, err := w.Open(w.t.Context(), name, version)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return io.ReadAll(c)
}

func (w *world) sweep() {
	w.t.Helper()
	if _, err := w.life.Sweep(w.t.Context(), w.Tasks()); err != nil {
		w.t.Fatal(err)
	}
}

// stored counts the blobs.
func (w *world) stored() int {
	w.t.Helper()
	n := 0
	for _, err := range w.blobs.List(w.t.Context(), blob.Packages, tarball.Part{}.Digest) {
		if err != nil {
			w.t.Fatal(err)
		}
		n++
	}
	return n
}

// refused fails the test unless err is of the kind, with the code if one is given.
func refused(t *testing.T, what string, err error, kind fault.Kind, code string) *fault.Error {
	t.Helper()
	e, ok := fault.Public(err)
	if !ok || e.Kind != kind || code != "" && e.Code != code {
		t.Errorf("%s: %v, want %s %s", what, err, kind, code)
		return &fault.Error{}
	}
	return e
}

func (w *world) spoolIsEmpty() {
	w.t.Helper()
	files, err := os.ReadDir(w.spool)
	if err != nil || len(files) > 0 {
		w.t.Errorf("the spool has %d files, %v, want none", len(files), err)
	}
}

// elsewhere is an upstream that has some names and scopes.
type elsewhere struct {
	has   []string
	err   error
	mu    sync.Mutex
	asked []string
}

func (e *elsewhere) Has(_ context.Context, name string) (bool, error) { return e.answer(name) }

func (e *elsewhere) HasScope(_ context.Context, scope string) (bool, error) { return e.answer(scope) }

func (e *elsewhere) answer(name string) (bool, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.asked = append(e.asked, name)
	return slices.Contains(e.has, name), e.err
}
