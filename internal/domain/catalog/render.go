package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/packument"
)

// Packument answers GET /{name}. fresh is for clients that are about to write. A name that is
// not there is fault.NotFound; one that upstream could not be asked for fault.Unavailable.
func (s *Service) Packument(ctx context.Context, root Root, name string, f packument.Form, fresh bool) (*Document, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	if root.Repository != "" {
		return s.previewPackument(ctx, root, name, f, fresh)
	}
	b, err := s.base(ctx, name, f, fresh)
	if err != nil {
		return nil, err
	}
	defer b.close()
	return s.plain(ctx, root, name, f, b)
}

// base is what the main root has of a name: one of the two is set.
type base struct {
	revision string // of a package of ours
	foreign  *Foreign
}

func (b base) close() {
	if b.foreign != nil {
		b.foreign.Text.Close() // it was only read
	}
}

// base finds what the main root has of a name. The caller closes it. For a
// package of ours this is one small read.
func (s *Service) base(ctx context.Context, name string, f packument.Form, fresh bool) (base, error) {
	revision, err := s.src.Releases.Revision(ctx, name)
	if err == nil {
		return base{revision: revision}, nil
	}
	up, err := s.elsewhere(ctx, name, err)
	if err != nil {
		return base{}, err
	}
	foreign, err := ask(ctx, up, name, f, fresh)
	return base{foreign: foreign}, err
}

// ask asks upstream for a document.
func ask(ctx context.Context, up Upstream, name string, f packument.Form, fresh bool) (*Foreign, error) {
	doc, err := up.Packument(ctx, name, f, fresh)
	if errors.Is(err, fault.Unavailable) || errors.Is(err, fault.Upstream) || errors.Is(err, fault.Loop) {
		return nil, &unusable{err}
	}
	return doc, err
}

// unusable is an error of upstream that says nothing of whether the package exists.
type unusable struct{ error }

func (u *unusable) Unwrap() error { return u.error }

func unreachable(err error) bool {
	_, ok := errors.AsType[*unusable](err)
	return ok
}

// plain renders a base as it is.
func (s *Service) plain(ctx context.Context, root Root, name string, f packument.Form, b base) (*Document, error) {
	k := key{root: root.URL, name: name, form: f}
	if b.foreign != nil {
		return s.foreign(ctx, k, b.foreign)
	}
	r := rendering{key: k, stamp: stamp{release: b.revision}}
	if doc := s.memory.get(&r); doc != nil {
		return doc, nil
	}
	return s.release(ctx, r)
}

// release renders a package of ours.
func (s *Service) release(ctx context.Context, r rendering) (*Document, error) {
	return s.rendering.do(ctx, r, func() (*Document, error) {
		if doc := s.memory.get(&r); doc != nil {
			return doc, nil
		}
		leave, err := s.enter(ctx, ownWeight)
		if err != nil {
			return nil, err
		}
		defer leave()
		p, err := s.src.Releases.Packument(ctx, r.name)
		if err != nil {
			return nil, err
		}
		return s.encode(r, located(p, r.root), time.Time{})
	})
}

// encode renders a packument and keeps it.
func (s *Service) encode(r rendering, p *packument.Packument, until time.Time) (*Document, error) {
	b, err := p.Encode(r.form)
	if err != nil {
		return nil, err
	}
	return s.remember(r, b, tagOf(b), s.fine, until), nil
}

// located returns a packument of ours with the addresses that it has below a
// registry's URL. p stays as it is.
func located(p *packument.Packument, registry string) *packument.Packument {
	out := *p
	out.Versions = slices.Clone(p.Versions)
	for i := range out.Versions {
		locate(&out.Versions[i], p.Name, registry)
	}
	return &out
}

// locate sets the addresses of a version: of its tarball and, if it has them, of its attestations.
func locate(v *packument.Version, name, registry string) {
	v.Dist.Tarball = packument.TarballURL(registry, name, v.Version)
	if len(v.Dist.Attestations) == 0 {
		return
	}
	o, err := packument.ParseObject(v.Dist.Attestations)
	if err != nil {
		v.Dist.Attestations = nil
		return
	}
	url, err := json.Marshal(registry + "/-/npm/v1/attestations/" + name + "@" + v.Version)
	if err != nil {
		panic(err) // a string
	}
	o.Set("url", url)
	if v.Dist.Attestations, err = json.Marshal(o); err != nil {
		v.Dist.Attestations = nil
	}
}

func absent(err error) bool { return errors.Is(err, fault.NotFound) }
