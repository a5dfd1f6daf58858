// Package catalog answers what a registry root shows of a name: a package of
// ours, upstream's, or in the preview registry of a repository its previews
// beside either. It is the one place that decides where a name is answered from:
// a name that is ours never comes from upstream, whatever version is asked for.
//
// Packuments are rendered once per change. Those of ours, those with previews and
// the small ones of upstream are kept in memory, the others of upstream in files.
package catalog

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/store/cache"
)

// Root is one of the addresses at which an npm registry is served.
type Root struct {
	URL        string // public, without a slash at its end
	Repository string // "owner/repo" of a preview registry; empty: the main one
}

// Options of a Service. Zero values mean the defaults; Cache is required with an upstream.
type Options struct {
	MaxMemory int64 // bytes of rendered packuments kept in memory; 32 MiB
	Cache     *cache.Cache
	Rewrite   bool // tarball URLs of upstream become ours
	// Settle is how long after a revision was first seen its rows may still come one by one: documents that were
	// rendered in that time are rendered once more. 0: they come together, see law 2 of package kv.
	Settle time.Duration
	Now    func() time.Time
	Log    *slog.Logger // nil: no logs
}

// The bounds of rendering.
const (
	smallText   = 256 << 10 // bytes up to which a packument of upstream is kept in memory
	renderBytes = 32 << 20  // bytes of sources that are rendered at a time
	ownWeight   = 1 << 20   // of these, what a packument of ours counts for
	parseWeight = 4         // how many times its size a packument takes that is decoded
)

// Service answers. It is safe for concurrent use.
type Service struct {
	src       Sources
	opt       Options
	memory    *memory
	rendering flights[rendering, *Document]
	making    flights[encoding, content]
	room      *semaphore.Weighted // renderBytes
	buffers   sync.Pool           // of *bytes.Buffer, for sources
	fine      *packer             // for what is rendered once and served often
	fast      *packer             // for what a client waits for
}

// New returns a Service over its sources, which stay the caller's.
func New(src Sources, opt Options) *Service {
	if opt.MaxMemory == 0 {
		opt.MaxMemory = 32 << 20
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{
		src: src, opt: opt, memory: newMemory(opt.MaxMemory, opt.Settle, opt.Now), room: semaphore.NewWeighted(renderBytes),
		buffers: sync.Pool{New: func() any { return new(bytes.Buffer) }}, fine: newPacker(6), fast: newPacker(1),
	}
}

// enter waits for room to render a text of some bytes. The caller calls leave.
func (s *Service) enter(ctx context.Context, bytes int64) (leave func(), err error) {
	bytes = min(bytes, renderBytes)
	if err := s.room.Acquire(ctx, bytes); err != nil {
		return nil, err
	}
	return func() { s.room.Release(bytes) }, nil
}

// elsewhere returns the upstream that may be asked for a name to which Releases
// answered miss; it is the only way there. For a name that is ours, miss stays the answer.
func (s *Service) elsewhere(ctx context.Context, name string, miss error) (Upstream, error) {
	if !errors.Is(miss, fault.NotFound) {
		return nil, miss
	}
	ours, err := s.ours(ctx, name)
	switch {
	case err != nil:
		return nil, err
	case ours:
		return nil, miss
	case s.src.Upstream == nil:
		return nil, noPackage(name)
	}
	return s.src.Upstream, nil
}

// ours reports whether upstream must not be asked for a name. A scope that is
// one of ours but for its case counts as ours: nobody else's looks like it.
func (s *Service) ours(ctx context.Context, name string) (bool, error) {
	ours, err := s.src.Releases.Ours(ctx, name)
	if err != nil || ours {
		return ours, err
	}
	scope, base := npm.SplitName(name)
	if folded := strings.ToLower(scope); folded != scope {
		return s.src.Releases.Ours(ctx, folded+"/"+base)
	}
	return false, nil
}

// Serves returns fault.NotFound for a root that there is not: a repository of which
// nothing was published has no preview registry.
func (s *Service) Serves(ctx context.Context, root Root) error {
	if root.Repository == "" {
		return nil
	}
	_, err := s.src.Previews.Revision(ctx, root.Repository)
	return err
}

// previews reads the previews that a root shows of a name: none at the main root.
func (s *Service) previews(ctx context.Context, root Root, name string) (PreviewSet, error) {
	if err := s.Serves(ctx, root); err != nil || root.Repository == "" {
		return PreviewSet{}, err
	}
	return s.src.Previews.Previews(ctx, root.Repository, name)
}

func noPackage(name string) error {
	return fault.New(fault.NotFound, "there is no package %q here", name)
}

func noVersion(name, versionOrTag string) error {
	return fault.New(fault.NotFound, "package %q has no version or dist-tag %.260q", name, versionOrTag)
}
