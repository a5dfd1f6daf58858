package packages

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/org/registry-action/internal/domain/domaintest"
	"github.com/org/registry-action/internal/format/signature"
	"github.com/org/registry-action/internal/format/tarball"
	"github.com/org/registry-action/internal/store/storetest"
)

const day = 24 * time.Hour

// world is a service on real stores, with a clock to turn.
type world struct {
	*Service
	*storetest.Stores
	t   testing.TB
	key *ecdsa.PrivateKey
}

func newWorld(t testing.TB, opt Options) *world {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{Stores: storetest.Open(t), t: t, key: key}
	w.Service = w.another(opt)
	return w
}

// another is one more server on the same stores.
func (w *world) another(opt Options) *Service {
	opt.Now, opt.SpoolDir, opt.Signer = w.Now, w.Spool, w
	return New(w.DB, w.Blobs, w.Keeper(), opt)
}

// Sign makes the world a Signer.
func (w *world) Sign(_ context.Context, name, version, integrity string) (signature.Signature, error) {
	return signature.Sign(w.key, name, version, integrity)
}

type user = domaintest.User

var refused = domaintest.Refused

var (
	nobody = user{}
	alice  = user{Name: "alice"}
	bob    = user{Name: "bob"}
	root   = user{Name: "root", Admin: true}
	bot    = user{Name: "bot", Grants: []string{"*"}}
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
