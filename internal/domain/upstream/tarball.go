package upstream

import (
	"context"
	"errors"
	"io"
	"net/url"
	"time"

	"github.com/org/registry-action/internal/egress"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/format/packument"
	"github.com/org/registry-action/internal/store/cache"
)

// Tarball is a tarball of upstream: a copy that is there, or one that is just coming; neither for a HEAD.
type Tarball struct {
	File   *cache.Entry  // set if it is there
	Stream io.ReadCloser // else: its bytes as they come; an error in place of the last ones if they turn out wrong
	Size   int64         // bytes; -1 if not known
	ID     string        // names the bytes: a digest from upstream's packument, its algorithm in front
}

// Close releases it.
func (t *Tarball) Close() error {
	switch {
	case t.File != nil:
		return t.File.Close()
	case t.Stream != nil:
		return t.Stream.Close()
	}
	return nil
}

// justNow is the age of a packument that is not asked for again because of a
// tarball that it does not have.
const justNow = 5 * time.Second

// Tarball returns the tarball whose conventional file name is file. Its bytes have the integrity
// that upstream's packument gives for it, or are not kept and not sent to their end. Closing it
// early, or the end of ctx, does not end its download, which others may wait for. For a head
// nothing is downloaded; of a tarball that is not here only what its packument says is known.
func (s *Service) Tarball(ctx context.Context, name, file string, head bool) (*Tarball, error) {
	if err := npm.ValidName(name); err != nil {
		return nil, err
	}
	ref, old, err := s.find(ctx, name, file)
	if err != nil {
		return nil, err
	}
	t, err := s.open(ctx, name, file, ref, head)
	if !old || !errors.Is(err, fault.NotFound) && !errors.Is(err, fault.Forbidden) && !errors.Is(err, fault.Upstream) {
		return t, err
	}
	// The document may be from before the tarball moved.
	if again, ok, findErr := s.findFresh(ctx, name, file); findErr == nil && ok && again != ref {
		return s.open(ctx, name, file, again, head)
	}
	return nil, err
}

// find looks the file up in the packument, however old: versions do not change.
// old: a newer one may say something else.
func (s *Service) find(ctx context.Context, name, file string) (ref packument.Ref, old bool, err error) {
	doc, err := s.heldAny(name)
	if doc == nil && err == nil {
		doc, err = s.Packument(ctx, name, packument.Abbreviated, false)
	}
	if err != nil {
		return ref, false, err
	}
	old = !s.younger(&doc.meta, justNow)
	ref, ok, err := s.refOf(ctx, doc, name, file)
	if err != nil {
		return ref, false, err
	}
	if !ok && old { // a version that was published just now
		ref, ok, err = s.findFresh(ctx, name, file)
		old = false
	}
	if err == nil && !ok {
		err = fault.New(fault.NotFound, "%q is no tarball of package %q in upstream %s", file, name, s.URL())
	}
	return ref, old, err
}

// findFresh looks the file up in a packument that is asked for anew.
func (s *Service) findFresh(ctx context.Context, name, file string) (ref packument.Ref, ok bool, err error) {
	doc, err := s.Packument(ctx, name, packument.Abbreviated, true)
	if err != nil {
		return ref, false, err
	}
	stale := doc.Stale
	ref, ok, err = s.refOf(ctx, doc, name, file)
	if err == nil && !ok && stale {
		err = s.unavailable(nil)
	}
	return ref, ok, err
}

// open returns the copy of a tarball, or one that is just coming.
func (s *Service) open(ctx context.Context, name, file string, ref packument.Ref, head bool) (*Tarball, error) {
	want, err := s.goal(ctx, name, file, ref)
	if err != nil {
		return nil, err
	}
	for range 3 {
		entry, err := s.opt.Cache.Get(want.key)
		if err == nil {
			return &Tarball{File: entry, Size: entry.Size, ID: want.id}, nil
		}
		if !errors.Is(err, cache.ErrNotFound) {
			return nil, err
		}
		if head {
			return &Tarball{Size: -1, ID: want.id}, nil
		}
		t, err := s.join(ctx, want)
		if t != nil || err != nil {
			return t, err
		}
	}
	return nil, fault.New(fault.Unavailable, "%s was dropped from the cache as soon as it came; try again", file)
}

// goal is a tarball that is to be fetched.
type goal struct {
	integrity
	file   string   // its name
	key    string   // of the cache
	flight string   // of the download
	from   *url.URL // where it is
}

// failure is the key under which it is remembered that fetching it went wrong.
// Others may name the same URL: what is wrong with theirs is their own.
func (g goal) failure() string { return g.key + "\n" + g.from.String() }

func (s *Service) goal(ctx context.Context, name, file string, ref packument.Ref) (g goal, err error) {
	var ok bool
	if g.integrity, ok = integrityOf(ref); !ok {
		return g, s.forbidden(nil, "gives no integrity for %s, so that its bytes can't be checked", file)
	}
	g.file, g.key = file, s.tarballKey(name, file, g.id)
	g.flight = together(ctx, g.key)
	g.from, err = s.source(ref.Tarball, file)
	return g, err
}

// source is where a tarball is fetched from.
func (s *Service) source(text, file string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, s.forbidden(err, "the URL that it gives for %s is none of http or https", file)
	}
	u.User, u.Fragment, u.RawFragment = nil, "", ""
	if s.base.Scheme == "https" && u.Scheme == "http" {
		if egress.Host(u) != egress.Host(s.base) || u.Port() != "" {
			return nil, s.forbidden(nil, "the URL that it gives for %s is plain http, on %s", file, u.Host)
		}
		u.Scheme = "https" // old documents of a registry that moved to it
	}
	return u, nil
}

type stream struct {
	io.ReadCloser
	stop func() bool
}

func (s *stream) Close() error {
	s.stop()
	return s.ReadCloser.Close()
}
