package pkgprnew

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/org/registry-action/internal/forge"
	"github.com/org/registry-action/internal/memo"
	"github.com/org/registry-action/internal/store/blob"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/lifetime"
	"github.com/org/registry-action/internal/store/spool"
	"github.com/org/registry-action/internal/store/turns"
)

// Forge answers what is asked about one repository.
type Forge interface {
	RunsInProgress(ctx context.Context) ([]forge.Run, error)
	Run(ctx context.Context, id int64) (forge.Run, error)
	// PullsFromBranch returns the open pull requests from a branch of owner's repository.
	PullsFromBranch(ctx context.Context, owner, branch string) ([]forge.NumberedHead, error)
	// CommitAt returns the commit that "heads/main" or "tags/v1" points at; fault.NotFound if there is none.
	CommitAt(ctx context.Context, ref string) (sha string, err error)
}

// Options say whom to ask and how much to take. All but MaxPackage and MaxPublish may be left out.
type Options struct {
	URL        string                                                       // of the forge; https://github.com
	Open       func(ctx context.Context, owner, repo string) (Forge, error) // makes a client for a repository; nil: nothing is admitted
	Enrolled   func(repository string) bool                                 // by its URL; nil: none is
	MaxPackage int64                                                        // bytes of one package's tarball
	MaxPublish int64                                                        // bytes of all tarballs of a publish
	SpoolDir   string                                                       // where parts wait while they are hashed
	Now        func() time.Time
}

// How asking the forge is bounded.
const (
	listEvery    = 3 * time.Second  // what it lists of a repository is good for so long
	maxListed    = 64               // repositories whose lists are remembered
	checksAt     = 32               // checks that wait at the same time
	failuresFor  = 10 * time.Minute // of an address
	maxFailures  = 20
	maxStrangers = 4096             // addresses that are remembered
	viewFor      = 30 * time.Second // what it says of a run is good for parts for so long
)

// Service admits runs and keeps the parts of their tarballs.
type Service struct {
	db    kv.DB
	blobs blob.Store
	life  *lifetime.Keeper
	spool spool.Spool
	opt   Options

	turns     *turns.Turns
	checks    turns.Slots
	listed    *memo.Memo[listing]
	seen      *memo.Memo[Run]
	strangers *memo.Memo[*atomic.Int32]
}

// New returns a Service over its stores, which stay the caller's.
func New(db kv.DB, blobs blob.Store, life *lifetime.Keeper, opt Options) *Service {
	if opt.URL == "" {
		opt.URL = "https://github.com"
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Enrolled == nil || opt.Open == nil {
		opt.Enrolled = func(string) bool { return false }
	}
	return &Service{
		db: db, blobs: blobs, life: life, opt: opt, spool: spool.Spool{Dir: opt.SpoolDir, MaxPackage: maxPart},
		turns: turns.New(), checks: turns.NewSlots(checksAt),
		listed: memo.New[listing](maxListed, opt.Now), seen: memo.New[Run](maxListed, opt.Now), strangers: memo.New[*atomic.Int32](maxStrangers, opt.Now),
	}
}

func (s *Service) now() time.Time { return s.opt.Now().UTC().Truncate(time.Second) }
