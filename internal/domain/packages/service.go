package packages

import (
	"cmp"
	"log/slog"
	"slices"
	"time"

	"github.com/org/registry-action/internal/format/tarball"
	"github.com/org/registry-action/internal/store/blob"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/lifetime"
	"github.com/org/registry-action/internal/store/spool"
	"github.com/org/registry-action/internal/store/turns"
)

// The bounds of what is kept of a package and its owners.
const (
	maxTags   = 200 // dist-tags of a package; the head is read for every request
	maxOwners = 40  // of a package or scope; all change in one batch
	maxReadme = 64 << 10
)

// Service is the domain of release packages.
type Service struct {
	db    kv.DB
	blobs blob.Store
	life  *lifetime.Keeper
	opt   Options
	spool spool.Spool
	turns *turns.Turns
	codec codec
	heads heads
}

// New returns a Service over its stores, which stay the caller's.
func New(db kv.DB, blobs blob.Store, life *lifetime.Keeper, opt Options) *Service {
	opt = opt.withDefaults()
	box := spool.Spool{Dir: opt.SpoolDir, MaxPackage: opt.MaxPackage, Archive: opt.Archive}
	return &Service{db: db, blobs: blobs, life: life, opt: opt, spool: box, turns: turns.New()}
}

func (o Options) withDefaults() Options {
	o.MaxPackage = cmp.Or(o.MaxPackage, 100<<20)
	o.Unpublish = cmp.Or(o.Unpublish, 72*time.Hour)
	o.Claimed = slices.Clone(o.Claimed)
	if o.Archive == (tarball.Limits{}) {
		o.Archive = tarball.LimitsFor(o.MaxPackage)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

func (s *Service) now() time.Time { return s.opt.Now().UTC().Truncate(time.Millisecond) }

// Tasks are what the sweeper does for packages: nothing so far, since staged
// versions expire in the store and their bytes by their own time.
func (s *Service) Tasks() map[string]lifetime.Task { return map[string]lifetime.Task{} }

func blobKey(a Artifact) blob.Key { return blob.Key{Space: blob.Packages, Digest: a.Whole.Digest} }
