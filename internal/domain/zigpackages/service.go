package zigpackages

import (
	"cmp"
	"log/slog"
	"runtime"
	"time"

	"github.com/org/registry-action/internal/format/zig"
	"github.com/org/registry-action/internal/store/blob"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/lifetime"
	"github.com/org/registry-action/internal/store/spool"
	"github.com/org/registry-action/internal/store/turns"
)

// Options of a Service. Zero values mean the defaults.
type Options struct {
	MaxPackage int64      // bytes of an archive, as sent and as kept; 100 MiB
	Archive    zig.Limits // zero: the defaults
	SpoolDir   string     // where uploads wait while they are checked
	Now        func() time.Time
	Log        *slog.Logger
}

// Service is the domain of Zig packages.
type Service struct {
	db    kv.DB
	blobs blob.Store
	life  *lifetime.Keeper
	opt   Options
	spool spool.Spool
	turns *turns.Turns
	// unpacking has a place for each archive that is unpacked at the same time: one takes up to ten times
	// the disk that was sent, and every core.
	unpacking turns.Slots
}

// New returns a Service over its stores, which stay the caller's.
func New(db kv.DB, blobs blob.Store, life *lifetime.Keeper, opt Options) *Service {
	opt.MaxPackage = cmp.Or(opt.MaxPackage, 100<<20)
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{
		db: db, blobs: blobs, life: life, opt: opt, turns: turns.New(),
		spool:     spool.Spool{Dir: opt.SpoolDir, MaxPackage: opt.MaxPackage},
		unpacking: turns.NewSlots(max(2, runtime.GOMAXPROCS(0))),
	}
}

func (s *Service) now() time.Time { return s.opt.Now().UTC().Truncate(time.Millisecond) }

func blobKey(a Artifact) blob.Key { return blob.Key{Space: blob.Packages, Digest: a.Whole.Digest} }
