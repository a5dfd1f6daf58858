package lumenpackages

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/lumen"
	"github.com/org/registry-action/internal/store/blob"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/lifetime"
	"github.com/org/registry-action/internal/store/spool"
	"github.com/org/registry-action/internal/store/turns"
)

// Options of a Service. Zero values mean the defaults.
type Options struct {
	Name       string          // of the registry, in index.json; "registry"
	MaxPackage int64           // bytes of an archive, as sent and as kept; 100 MiB
	Archive    lumen.Limits    // zero: the defaults
	Unscoped   bool            // packages without a scope may be published
	Checkpoint time.Duration   // how long a checkpoint is good; 7 days
	Signatures SignaturePolicy // of uploads; SignaturesWarned
	SpoolDir   string          // where uploads wait while they are checked
	// Settle is how long after a revision was first seen its rows may still come one by one: what is read of the tree in
	// that time is read once more. 0: they come together, see law 2 of package kv.
	Settle time.Duration
	Now    func() time.Time
	Log    *slog.Logger
}

// Service is the domain of Lumen packages.
type Service struct {
	db    kv.DB
	blobs blob.Store
	life  *lifetime.Keeper
	opt   Options
	spool spool.Spool
	turns *turns.Turns

	writing  sync.RWMutex             // held for reading by writes; see consistently
	building turns.Slots              // one at a time
	listing  turns.Slots              // the same
	tree     atomic.Pointer[tree]     // the last that was made
	versions atomic.Pointer[versions] // the same
	seen     sighting                 // for what is in them
}

// New returns a Service over its stores, which stay the caller's.
func New(db kv.DB, blobs blob.Store, life *lifetime.Keeper, opt Options) *Service {
	opt.Name = cmp.Or(opt.Name, "registry")
	opt.MaxPackage = cmp.Or(opt.MaxPackage, 100<<20)
	opt.Checkpoint = cmp.Or(opt.Checkpoint, 7*24*time.Hour)
	opt.Signatures = cmp.Or(opt.Signatures, SignaturesWarned)
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{
		db: db, blobs: blobs, life: life, opt: opt, turns: turns.New(), building: turns.NewSlots(1), listing: turns.NewSlots(1),
		spool: spool.Spool{Dir: opt.SpoolDir, MaxPackage: opt.MaxPackage},
	}
}

// now is cut to what documents show.
func (s *Service) now() time.Time { return s.opt.Now().UTC().Truncate(time.Second) }

const tries = 10 // of a write, when others change the same

// apply writes a batch of a package's or of the keys.
func (s *Service) apply(ctx context.Context, ops ...kv.Op) error {
	s.writing.RLock()
	defer s.writing.RUnlock()
	return s.db.Apply(ctx, ops...)
}

// revision is the number of changes of the tree.
func (s *Service) revision(ctx context.Context) (int64, error) {
	row, err := s.db.Get(ctx, revisionKey())
	if errors.Is(err, kv.ErrNotFound) {
		return 0, nil
	}
	n, _ := row.Counter()
	return n, err
}

// revised raises the revision.
func revised() kv.Op { return kv.Add(revisionKey(), 1) }

// patience is how many reads of many rows are tried before this server's writes have to wait for one.
const patience = 3

// consistently calls read until no change came in between; read gets the revision of what it sees.
func (s *Service) consistently(ctx context.Context, read func(revision int64) error) error {
	try := func() (bool, error) {
		before, err := s.revision(ctx)
		if err != nil {
			return false, err
		}
		if err := read(before); err != nil {
			return false, err
		}
		after, err := s.revision(ctx)
		return before == after, err
	}
	for range patience {
		if done, err := try(); done || err != nil {
			return err
		}
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	for range tries { // other servers write on
		if done, err := try(); done || err != nil {
			return err
		}
	}
	return busy()
}

func busy() error {
	return fault.New(fault.Unavailable, "the registry is being changed too often at once; send the request again")
}
