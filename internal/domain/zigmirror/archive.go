package zigmirror

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/org/registry-action/internal/egress"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/zig"
	"github.com/org/registry-action/internal/store/cache"
)

// Info is what is known of an archive.
type Info struct {
	zig.Hashes
	Name     string        `json:"name,omitempty"` // "" without a build.zig.zon
	Version  string        `json:"version,omitempty"`
	Warnings []zig.Warning `json:"warnings,omitempty"`
	Zig      []string      `json:"zig"`              // the compilers that can fetch it
	Commit   string        `json:"commit,omitempty"` // that the forge says it is of, 40 hex digits; "" if it does not say

	SHA256    digest.SHA256 `json:"sha256"` // of the archive as it is served
	FetchedAt time.Time     `json:"fetchedAt"`
	ETag      string        `json:"etag,omitempty"` // the forge's
}

// Archive is an archive, open: a tar.gz that every compiler takes.
type Archive struct {
	File  *cache.Entry
	Info  Info
	Stale bool // the forge could not be asked
}

// Archive returns the archive of a place. Other than that of a commit it is what the forge had at most Options.MaxAge
// ago, or the last it had if it can't be asked. fault.Forbidden for a host that is not listed, fault.NotFound if the
// forge has no such archive, fault.Upstream if it is none that a compiler can use, fault.Unavailable if the forge can't be
// asked and there is no copy. The caller closes its file.
func (s *Service) Archive(ctx context.Context, p Place) (*Archive, error) {
	if err := s.check(p); err != nil {
		return nil, err
	}
	a, err := s.held(p)
	if err != nil {
		return nil, err
	}
	if a != nil {
		if s.fresh(p, a.Info) {
			return a, nil
		}
		if err := a.File.Close(); err != nil {
			return nil, err
		}
	}
	stale, err := s.share(ctx, p.key(), func(ctx context.Context) (bool, error) { return s.refresh(ctx, p) })
	if err != nil {
		return nil, err
	}
	if a, err = s.held(p); err != nil {
		return nil, err
	}
	if a == nil {
		return nil, fault.New(fault.Unavailable, "the archive %s was dropped from the cache at once; if that happens again the cache is too small (CACHE_SIZE)", p.URL())
	}
	a.Stale = stale
	return a, nil
}

// held opens the copy of a place; nil if there is none.
func (s *Service) held(p Place) (*Archive, error) {
	e, err := s.opt.Cache.Get(p.key())
	if errors.Is(err, cache.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	a := &Archive{File: e}
	if json.Unmarshal(e.Meta, &a.Info) != nil {
		return nil, e.Close() // of an older server
	}
	return a, nil
}

// infoOf is held without the bytes.
func (s *Service) infoOf(p Place) (*Info, error) {
	a, err := s.held(p)
	if a == nil || err != nil {
		return nil, err
	}
	return &a.Info, a.File.Close()
}

// fresh reports whether a copy needs no asking.
func (s *Service) fresh(p Place, i Info) bool {
	age := s.opt.Now().Sub(i.FetchedAt)
	return p.Fixed() || age >= 0 && age < s.opt.MaxAge
}

// refresh sees to it that there is a copy as young as can be had. stale: the forge could
// not be asked, and there is an old one.
func (s *Service) refresh(ctx context.Context, p Place) (stale bool, err error) {
	old, err := s.infoOf(p)
	if err != nil {
		return false, err
	}
	if old != nil && s.fresh(p, *old) {
		return false, nil // another request came to its end just before this one began
	}
	if _, ok := s.absent.Get(p.key()); ok {
		return false, notFound(p)
	}
	if cause, ok := s.failed.Get(p.key()); ok {
		return s.fallBack(ctx, p, old, cause)
	}
	err = s.fetch(ctx, p, old)
	if err == nil {
		s.failed.Forget(p.key())
		return false, nil
	}
	if errors.Is(err, fault.NotFound) || s.work.Ended() {
		return false, err
	}
	s.remember(p.key(), err)
	return s.fallBack(ctx, p, old, err)
}

// fallBack takes an old copy in place of an answer that did not come. What the forge
// has, though no compiler can use it, is an answer.
func (s *Service) fallBack(ctx context.Context, p Place, old *Info, err error) (stale bool, _ error) {
	if old == nil || errors.Is(err, errContent) {
		return false, err
	}
	s.health[p.Host].Warn(ctx, "a forge can't be asked, serving what is kept", "archive", p.URL(), "err", err)
	return true, nil
}

// unavailable is the refusal while a forge can't be asked.
func unavailable(cause error, p Place) *fault.Error {
	e := fault.Wrap(cause, fault.Unavailable, "%s can't be asked for %s at the moment; try again later", p.Host, p.URL())
	if !errors.Is(cause, egress.ErrNotSent) {
		e.Wait = egress.RestFor
	}
	return e
}

func notFound(p Place) error {
	return fault.New(fault.NotFound, "there is no %s; is the repository public, and has it this commit, tag or branch?", p.URL())
}

// errContent marks what is wrong with an archive itself.
var errContent = errors.New("not a package that compilers can fetch")

// wrong is the refusal of an archive for what it is; cause is a fault.
func wrong(cause error, p Place) error {
	e, ok := fault.Public(cause)
	if !ok {
		return cause
	}
	n := *e // with its cause, for the log
	n.Kind, n.Code, n.Message = fault.Upstream, cmp.Or(e.Code, string(e.Kind)), p.URL()+": "+e.Message
	return fmt.Errorf("%w (%w)", &n, errContent)
}
