package zigpackages

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/zig"
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
	w.db = &hookedDB{DB: db}
	w.Service = w.another(opt)
	t.Cleanup(w.spoolIsEmpty)
	return w
}

// another is one more server on the same stores.
func (w *world) another(opt Options) *Service {
	log := slog.New(slog.NewTextHandler(w.t.Output(), nil))
	opt.Now, opt.SpoolDir, opt.Log = w.now, w.spool, log
	return New(w.db, w.blobs, lifetime.New(w.db, w.blobs, lifetime.Options{Now: w.now, Horizon: 100 * day, Log: log}), opt)
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

func (w *world) spoolIsEmpty() {
	w.t.Helper()
	files, err := os.ReadDir(w.spool)
	if err != nil || len(files) > 0 {
		w.t.Errorf("the spool has %d files, %v, want none", len(files), err)
	}
}

func (w *world) sweep() {
	w.t.Helper()
	if _, err := w.life.Sweep(w.t.Context(), nil); err != nil {
		w.t.Fatal(err)
	}
}

// stored counts the blobs.
func (w *world) stored() int {
	w.t.Helper()
	n := 0
	for _, err := range w.blobs.List(w.t.Context(), blob.Packages, digest.SHA256{}) {
		if err != nil {
			w.t.Fatal(err)
		}
		n++
	}
	return n
}

// hookedDB calls before ahead of every Apply, and after behind it; an error of theirs is Apply's.
type hookedDB struct {
	kv.DB
	before, after func() error
}

func (h *hookedDB) Apply(ctx context.Context, ops ...kv.Op) error {
	if h.before != nil {
		if err := h.before(); err != nil {
			return err
		}
	}
	err := h.DB.Apply(ctx, ops...)
	if err == nil && h.after != nil {
		err = h.after()
	}
	return err
}

// user is a Principal, as domain/auth has them.
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
	name, zigs := strings.CutPrefix(name, "zig:")
	return slices.ContainsFunc(patterns, func(p string) bool {
		p, ofZig := strings.CutPrefix(p, "zig:")
		begin, open := strings.CutSuffix(keyOf(p), "*")
		return p == "*" || ofZig == zigs && (keyOf(p) == keyOf(name) || open && strings.HasPrefix(keyOf(name), begin))
	})
}

var (
	nobody = user{}
	alice  = user{name: "alice"}
	bob    = user{name: "bob"}
	root   = user{name: "root", admin: true}
)

// tree is the files of a package by name.
type tree map[string]string

// tgz packs files as they are.
func (f tree) tgz(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(f.tar(t)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func (f tree) tar(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	tw := tar.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(f)) {
		if err := tw.WriteHeader(&tar.Header{Name: name, Size: int64(len(f[name])), Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(tw, f[name]); err != nil {
			t.Fatal(err)
		}
	}
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// legacy is the hash of the files as Zig's Package.zig computes it.
func (f tree) legacy() string {
	all := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(f)) {
		sum := sha256.Sum256([]byte(name + "\x00\x00" + f[name]))
		all.Write(sum[:])
	}
	return "1220" + hex.EncodeToString(all.Sum(nil))
}

// zon is a manifest for all compilers from 0.14 on; id 0 leaves out the fingerprint.
func zon(name, version string, id uint32, more ...string) string {
	fields := []string{".name = ." + name, fmt.Sprintf(".version = %q", version), `.paths = .{"build.zig.zon", "src"}`}
	if id != 0 {
		fields = append(fields, fmt.Sprintf(".fingerprint = %#x", zig.SuggestFingerprint(name, id)))
	}
	return ".{ " + strings.Join(append(fields, more...), ", ") + " }"
}

// oldZon is a manifest for compilers up to 0.13, whose names are texts.
func oldZon(name, version string) string {
	return fmt.Sprintf(".{ .name = %q, .version = %q, .paths = .{\"build.zig.zon\", \"src\"} }", name, version)
}

const anID = 0xcafe // of most packages here

// lib is a package whose only source has the content.
func lib(name, version, content string) tree {
	return tree{"build.zig.zon": zon(name, version, anID), "src/root.zig": content}
}

// send receives an archive and publishes it with what r says beside.
func (w *world) send(who Principal, text []byte, r Release) (Published, error) {
	w.t.Helper()
	return sendTo(w.t.Context(), w.Service, who, text, r)
}

func sendTo(ctx context.Context, s *Service, who Principal, text []byte, r Release) (p Published, err error) {
	u, err := s.Receive(ctx, who, bytes.NewReader(text))
	if err != nil {
		return Published{}, err
	}
	defer u.Close()
	r.Upload = u
	return s.Publish(ctx, who, r)
}

// publish publishes a package of this name and version, a second after the one before.
func (w *world) publish(who Principal, name, version string) Published {
	w.t.Helper()
	w.pass(time.Second)
	p, err := w.send(who, lib(name, version, name+version).tgz(w.t), Release{})
	if err != nil {
		w.t.Fatalf("publishing %s %s: %v", name, version, err)
	}
	return p
}

func (w *world) get(name string) Package {
	w.t.Helper()
	p, err := w.Package(w.t.Context(), name)
	if err != nil {
		w.t.Fatalf("Package(%s): %v", name, err)
	}
	return p
}

func (p Package) list() string {
	var all []string
	for _, v := range p.Versions {
		all = append(all, v.Version)
	}
	return strings.Join(all, " ")
}

// read returns the bytes of a version's archive.
func (w *world) read(v Version) ([]byte, error) {
	c, err := w.Open(w.t.Context(), v)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return io.ReadAll(c)
}

// refused fails the test unless err is of the kind, with the code if one is given.
func refused(t testing.TB, what string, err error, kind fault.Kind, code string) string {
	t.Helper()
	e, ok := fault.Public(err)
	if !ok || e.Kind != kind || code != "" && e.Code != code {
		t.Errorf("%s: %v, want %s %s", what, err, kind, code)
		return ""
	}
	return e.Message
}
