package zigpackages

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/org/registry-action/internal/domain/domaintest"
	"github.com/org/registry-action/internal/format/zig"
	"github.com/org/registry-action/internal/store/storetest"
)

const day = 24 * time.Hour

// world is a service on real stores, with a clock to turn.
type world struct {
	*Service
	*storetest.Stores
	t testing.TB
}

func newWorld(t testing.TB, opt Options) *world {
	t.Helper()
	w := &world{Stores: storetest.Open(t), t: t}
	w.Service = w.another(opt)
	t.Cleanup(w.SpoolIsEmpty)
	return w
}

// another is one more server on the same stores.
func (w *world) another(opt Options) *Service {
	opt.Now, opt.SpoolDir, opt.Log = w.Now, w.Spool, w.Log()
	return New(w.DB, w.Blobs, w.Keeper(), opt)
}

func (w *world) sweep() {
	w.t.Helper()
	if _, err := w.life.Sweep(w.t.Context(), nil); err != nil {
		w.t.Fatal(err)
	}
}

type user = domaintest.User

var refused = domaintest.Refused

var (
	nobody = user{}
	alice  = user{Name: "alice"}
	bob    = user{Name: "bob"}
	root   = user{Name: "root", Admin: true}
)

// tree is the files of a package by name.
type tree map[string]string

func (f tree) tgz(t testing.TB) []byte { return domaintest.Gzip(t, f.tar(t)) }

func (f tree) tar(t testing.TB) []byte { return domaintest.Tar(t, f) }

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
	w.Pass(time.Second)
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
