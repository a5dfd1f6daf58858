package catalog

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/packument"
	"github.com/org/registry-action/internal/format/signature"
)

// releases is a fake of Releases and Index.
type releases struct {
	mu       sync.Mutex
	packages map[string]*packument.Packument
	gone     []string // names whose versions are all unpublished
	claimed  []string // scopes
	bundles  map[string]string
	revision int
	renders  int           // calls of Packument
	hold     chan struct{} // if set, Packument waits for it
}

func (r *releases) get(name string) (*packument.Packument, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p, ok := r.packages[name]
	if !ok {
		return nil, fault.New(fault.NotFound, "no package %s", name)
	}
	return p, nil
}

func (r *releases) Ours(_ context.Context, name string) (bool, error) {
	if slices.Contains(r.gone, name) {
		return true, nil
	}
	for _, scope := range r.claimed {
		if strings.HasPrefix(name, scope+"/") {
			return true, nil
		}
	}
	_, err := r.get(name)
	return err == nil, nil
}

func (r *releases) Revision(_ context.Context, name string) (string, error) {
	p, err := r.get(name)
	if err != nil {
		return "", err
	}
	return p.Rev, nil
}

func (r *releases) Packument(ctx context.Context, name string) (*packument.Packument, error) {
	r.mu.Lock()
	r.renders++
	hold := r.hold
	r.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return r.get(name)
}

func (r *releases) Version(_ context.Context, name, versionOrTag string) (Found, error) {
	p, err := r.get(name)
	if err != nil {
		return Found{}, err
	}
	v, ok := p.Find(versionOrTag)
	if !ok {
		return Found{}, fault.New(fault.NotFound, "no version")
	}
	return Found{Version: v, PublishedAt: noon, Checksum: "sha256:ours"}, nil
}

func (r *releases) Tarball(ctx context.Context, name, version string, _ Want) (*Tarball, error) {
	v, err := r.Version(ctx, name, version)
	if err != nil || v.Version.Version != version {
		return nil, fault.New(fault.NotFound, "no tarball")
	}
	return tarball("ours " + name + " " + version), nil
}

func (r *releases) Search(_ context.Context, text string, from, size int) (found []Result, total int, err error) {
	for name := range maps.Keys(r.packages) {
		if strings.Contains(name, text) {
			total++
			if total > from && len(found) < size {
				found = append(found, Result{Name: name})
			}
		}
	}
	return found, total, nil
}

func (r *releases) Tags(_ context.Context, name string) (map[string]string, error) {
	p, err := r.get(name)
	if err != nil {
		return nil, err
	}
	return maps.Clone(p.DistTags), nil
}

func (r *releases) Provenance(_ context.Context, name, version string) (json.RawMessage, error) {
	if b, ok := r.bundles[name+"@"+version]; ok {
		return json.RawMessage(b), nil
	}
	return nil, fault.New(fault.NotFound, "no bundle")
}

func tarball(text string) *Tarball {
	return &Tarball{File: strings.NewReader(text), Size: int64(len(text)), ETag: "tag"}
}

// previews is a fake of Previews.
type previews struct {
	revisions map[string]string     // by repository
	sets      map[string]PreviewSet // by "repository name"
}

func (p *previews) Revision(_ context.Context, repository string) (string, error) {
	if r, ok := p.revisions[repository]; ok {
		return r, nil
	}
	return "", fault.New(fault.NotFound, "nothing")
}

func (p *previews) Previews(_ context.Context, repository, name string) (PreviewSet, error) {
	return p.sets[repository+" "+name], nil
}

func (p *previews) Tarball(_ context.Context, repository, name, version string, _ Want) (*Tarball, error) {
	if _, ok := p.sets[repository+" "+name].find(version); ok {
		return tarball("preview " + name + " " + version), nil
	}
	return nil, fault.New(fault.NotFound, "nothing")
}

// upstream is a fake of Upstream. It notes the names it is asked for.
type upstream struct {
	t         testing.TB
	mu        sync.Mutex
	documents map[string]string
	fullOnly  bool
	stale     bool
	down      bool
	asked     []string
	searched  []string
	hits      []string
	hold      chan struct{} // if set, Packument and Search wait for it
	keys      []signature.Key
}

var errDown = fault.New(fault.Unavailable, "upstream is down")

func (u *upstream) ask(name string) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.asked = append(u.asked, name)
	if u.down {
		return errDown
	}
	return nil
}

func (u *upstream) wait(ctx context.Context) error {
	if u.hold == nil {
		return nil
	}
	select {
	case <-u.hold:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (u *upstream) Packument(ctx context.Context, name string, f packument.Form, _ bool) (*Foreign, error) {
	if err := u.ask(name); err != nil {
		return nil, err
	}
	if err := u.wait(ctx); err != nil {
		return nil, err
	}
	text, ok := u.documents[name]
	if !ok {
		return nil, fault.New(fault.NotFound, "upstream has no %s", name)
	}
	if f == packument.Abbreviated && !u.fullOnly {
		b, err := packument.Abbreviate([]byte(text), name)
		if err != nil {
			return nil, err
		}
		text = string(b)
	} else {
		f = packument.Full
	}
	return &Foreign{Text: io.NopCloser(strings.NewReader(text)), Size: int64(len(text)), Form: f, ID: tagOf([]byte(text)), Stale: u.stale}, nil
}

func (u *upstream) Tarball(_ context.Context, name, file string, _ bool) (*Tarball, error) {
	if err := u.ask(name); err != nil {
		return nil, err
	}
	return tarball("upstream " + file), nil
}

func (u *upstream) Search(ctx context.Context, text string, from, size int) (objects []json.RawMessage, total int, err error) {
	u.searched = append(u.searched, text)
	if err := u.wait(ctx); err != nil {
		return nil, 0, err
	}
	if u.down {
		return nil, 0, errDown
	}
	for _, name := range u.hits[min(from, len(u.hits)):min(from+size, len(u.hits))] {
		objects = append(objects, json.RawMessage(fmt.Sprintf(`{"package":{"name":%q,"version":"1.0.0"}}`, name)))
	}
	return objects, len(u.hits), nil
}

func (u *upstream) Advisories(_ context.Context, versions map[string][]string) (map[string]json.RawMessage, error) {
	found := map[string]json.RawMessage{"unasked": json.RawMessage(`[]`)}
	for name, list := range versions {
		if err := u.ask(name); err != nil {
			return nil, err
		}
		b, err := json.Marshal(list)
		if err != nil {
			return nil, err
		}
		found[name] = b
	}
	return found, nil
}

func (u *upstream) Attestations(_ context.Context, name, version string) (json.RawMessage, error) {
	if err := u.ask(name); err != nil {
		return nil, err
	}
	return json.RawMessage(`{"attestations":[]}`), nil
}

func (u *upstream) Keys(context.Context) ([]signature.Key, error) {
	if u.down {
		return nil, errDown
	}
	return u.keys, nil
}

// signer signs with a key of its own.
type signer struct {
	private *ecdsa.PrivateKey
	public  signature.Key
}

func newSigner(t testing.TB) *signer {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, err := signature.PublicKey(&k.PublicKey, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	return &signer{private: k, public: public}
}

func (s *signer) Sign(_ context.Context, name, version, integrity string) (signature.Signature, error) {
	return signature.Sign(s.private, name, version, integrity)
}

func (s *signer) Keys(context.Context) ([]signature.Key, error) {
	return []signature.Key{s.public}, nil
}

// unsure can't tell whose a name is.
type unsure struct{ Releases }

func (unsure) Ours(context.Context, string) (bool, error) { return false, errors.New("disk on fire") }

// busy can't read a package now.
type busy struct{ *releases }

var errBusy = fault.New(fault.Unavailable, "busy")

func (busy) Revision(context.Context, string) (string, error) { return "", errBusy }

func (busy) Tags(context.Context, string) (map[string]string, error) { return nil, errBusy }

func (busy) Packument(context.Context, string) (*packument.Packument, error) { return nil, errBusy }
