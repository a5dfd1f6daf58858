package commits

import (
	"crypto/rand"
	"fmt"
	"runtime"
	"time"

	"github.com/org/registry-action/internal/format/lumen"
	"github.com/org/registry-action/internal/format/provenance"
	"github.com/org/registry-action/internal/format/tarball"
	"github.com/org/registry-action/internal/format/zig"
	"github.com/org/registry-action/internal/store/blob"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/lifetime"
	"github.com/org/registry-action/internal/store/spool"
	"github.com/org/registry-action/internal/store/turns"
)

// Principal is who publishes. A repository is its URL, "" for none.
type Principal interface {
	User() string                             // whom it speaks for
	IsAdmin() bool                            // may do everything
	MayPublish(repository string) error       // nil if it may publish commits of the repository at all
	MayWrite(name string) error               // nil if it may publish packages of this name at all
	GrantedRepository(repository string) bool // may publish its commits whoever owns it

	// MayPublishCommit returns nil if it may publish this commit and move these refs, and MayPublishBytes if it may
	// publish a package with this integrity: CI runs are limited to what they have proven.
	MayPublishCommit(sha string, refs []string) error
	MayPublishBytes(name, integrity string, size int64) error
	Proof() *provenance.Proof // of the CI run that it is; nil for others
}

// Uploader is who sends bytes that no publish refers to yet.
type Uploader interface {
	MayUpload() error         // nil if it may publish anything at all
	Proof() *provenance.Proof // as of a Principal
}

// Options bound what is accepted and how long it is kept. Zero values mean the defaults.
type Options struct {
	MaxPackage  int64         // bytes of one package's tarball; 100 MiB
	MaxPublish  int64         // bytes of all tarballs of a publish; 500 MiB
	MaxPackages int           // packages of a publish; 1,000
	Retention   time.Duration // how long a commit is kept after it was published; 90 days
	Archive     tarball.Limits
	Zig         zig.Limits   // of archives of Zig packages
	Lumen       lumen.Limits // of archives of Lumen packages
	SpoolDir    string       // where uploads of unknown digest wait while they are checked
	Links       *blob.Links  // which bytes clients may get from the store itself, and bring to it; nil: none
	// Settle is how long after a revision was first seen its rows may still come one by one: what was read of a
	// repository in that time is read once more. 0: they come together, see law 2 of package kv.
	Settle time.Duration
	Now    func() time.Time
}

func (o Options) withDefaults() Options {
	if o.MaxPackage == 0 {
		o.MaxPackage = 100 << 20
	}
	if o.MaxPublish == 0 {
		o.MaxPublish = 500 << 20
	}
	if o.MaxPackages == 0 {
		o.MaxPackages = 1000
	}
	if o.Retention == 0 {
		o.Retention = 90 * 24 * time.Hour
	}
	if o.Archive == (tarball.Limits{}) {
		o.Archive = tarball.LimitsFor(o.MaxPackage)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Service is the domain of commit publishes.
type Service struct {
	db        kv.DB
	blobs     blob.Store
	life      *lifetime.Keeper
	opt       Options
	spool     spool.Spool
	packer    tarball.Packer
	recent    recent
	turns     *turns.Turns
	shelf     *shelf
	heads     heads
	manifests int // maxManifests
	// unpacking has a place for each archive of Zig or Lumen that is checked at the same time: it needs room on disk.
	unpacking turns.Slots
}

// New returns a Service over its stores, which stay the caller's.
func New(db kv.DB, blobs blob.Store, life *lifetime.Keeper, opt Options) *Service {
	opt = opt.withDefaults()
	box := spool.Spool{Dir: opt.SpoolDir, MaxPackage: opt.MaxPackage, Archive: opt.Archive}
	return &Service{
		db: db, blobs: blobs, life: life, opt: opt, spool: box, turns: turns.New(),
		shelf: newShelf(), manifests: maxManifests, unpacking: turns.NewSlots(runtime.GOMAXPROCS(0)),
	}
}

func (s *Service) now() time.Time { return s.opt.Now().UTC().Truncate(time.Millisecond) }

// newPublishID returns an id that starts with its time, so that the age of a
// staged row can be read from its key.
func newPublishID(now time.Time) string {
	return fmt.Sprintf("%012x", now.UnixMilli()) + rand.Text()[:10]
}

func publishTime(id string) time.Time {
	var ms int64
	if len(id) < 12 {
		return time.Time{}
	}
	if _, err := fmt.Sscanf(id[:12], "%x", &ms); err != nil {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
