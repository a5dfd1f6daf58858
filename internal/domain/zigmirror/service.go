// Package zigmirror serves the archives of forges such as GitHub and Codeberg to Zig
// compilers: each is fetched once, checked and packed anew as one that every
// compiler takes, with the same hashes, kept on disk, revalidated, and served stale
// while its forge is down. Only hosts that the operator lists are asked.
//
// A forge is trusted to speak for its repositories, no further: its redirects are
// followed to https and public addresses only, and what it sends is unpacked within
// the bounds of a publish.
package zigmirror

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/org/registry-action/internal/background"
	"github.com/org/registry-action/internal/egress"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/zig"
	"github.com/org/registry-action/internal/memo"
	"github.com/org/registry-action/internal/store/cache"
	"github.com/org/registry-action/internal/store/spool"
)

// Options of a Service. Zero values mean the defaults; Hosts, Cache and SpoolDir are required.
type Options struct {
	Hosts       []string // whose archives are mirrored, see ParseHosts
	Cache       *cache.Cache
	SpoolDir    string          // where archives wait while they are unpacked
	MaxPackage  int64           // bytes of an archive, as it comes and as it is kept; 100 MiB
	Archive     zig.Limits      // zero: the defaults
	MaxAge      time.Duration   // how long the archive of a branch or tag is taken for fresh; 5 minutes
	NotFoundAge time.Duration   // how long an absent archive, or a wrong one, stays that; 1 minute
	Timeout     time.Duration   // until the first byte of an answer; 30 seconds
	Network     *egress.Network // nil: that of this machine
	UserAgent   string
	Observe     func(outcome string, took time.Duration) // is told of every request; nil: nobody
	Now         func() time.Time
	Log         *slog.Logger
}

func (o Options) withDefaults() Options {
	o.MaxPackage = cmp.Or(o.MaxPackage, 100<<20)
	o.MaxAge = cmp.Or(o.MaxAge, 5*time.Minute)
	o.NotFoundAge = cmp.Or(o.NotFoundAge, time.Minute)
	o.Timeout = cmp.Or(o.Timeout, 30*time.Second)
	o.UserAgent = cmp.Or(o.UserAgent, "registry-action")
	if o.Network == nil {
		o.Network = new(egress.Default())
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

const (
	maxRequests = 16  // at the same time; each may take MaxPackage of disk
	maxWaiting  = 200 // for their turn
	maxTries    = 3   // while there is no copy to fall back on
	maxAbsent   = 10_000
	maxFailed   = 4_000
	// workTime is for an archive with all its tries, its unpacking and packing.
	workTime = 15 * time.Minute
)

// Service asks forges.
type Service struct {
	opt    Options
	hosts  []string
	health map[string]*egress.Health // by host
	client *egress.Client
	slots  egress.Slots
	spool  spool.Spool
	// unpacking has a place for each archive that is unpacked at the same time: one takes up to
	// ten times the disk that was sent, and every core.
	unpacking chan struct{}

	calls  singleflight.Group
	absent *memo.Memo[struct{}] // archives that are not there
	failed *memo.Memo[error]    // what just went wrong with others
	work   *background.Work
}

// New returns a Service.
func New(opt Options) (*Service, error) {
	if opt.Cache == nil || opt.SpoolDir == "" || len(opt.Hosts) == 0 {
		return nil, fault.New(fault.Invalid, "a mirror needs hosts, a cache and a spool folder")
	}
	hosts, err := ParseHosts(opt.Hosts)
	if err != nil {
		return nil, err
	}
	opt = opt.withDefaults()
	s := &Service{
		opt: opt, hosts: hosts, health: map[string]*egress.Health{},
		client:    &egress.Client{Guard: egress.NewGuard(*opt.Network, nil, maxRequests), Timeout: opt.Timeout, Observe: opt.Observe},
		slots:     egress.NewSlots(maxRequests, maxWaiting),
		spool:     spool.Spool{Dir: opt.SpoolDir, MaxPackage: opt.MaxPackage},
		unpacking: make(chan struct{}, max(2, runtime.GOMAXPROCS(0)/2)),
		work:      background.NewWork(),
		absent:    memo.New[struct{}](maxAbsent, opt.Now), failed: memo.New[error](maxFailed, opt.Now),
	}
	for _, host := range hosts {
		s.health[host] = egress.NewHealth(opt.Now, opt.Log)
	}
	return s, nil
}

// Close ends what is under way and waits for it.
func (s *Service) Close() error {
	s.work.Close()
	s.client.Guard.CloseIdle()
	return nil
}

// share lets all who ask for the same key at the same time have one answer. A caller
// whose ctx ends leaves; the work goes on, for as long as the service lives and workTime.
func (s *Service) share(ctx context.Context, key string, work func(context.Context) (bool, error)) (bool, error) {
	answers := s.calls.DoChan(key, func() (stale any, err error) {
		ctx, done, err := s.work.Begin(workTime)
		if err != nil {
			return false, err
		}
		defer done()
		// What a forge's bytes do to a decompressor must not end the server. The
		// goroutines of requests are safe from that, this one is not.
		defer func() {
			if v := recover(); v != nil {
				stale, err = false, fmt.Errorf("mirroring an archive: panic: %v\n%s", v, debug.Stack())
			}
		}()
		return work(ctx)
	})
	select {
	case <-ctx.Done():
		return false, context.Cause(ctx)
	case a := <-answers:
		return a.Val.(bool), a.Err
	}
}

// remember has those who ask for the same again in a moment refused at once.
func (s *Service) remember(key string, err error) {
	if s.work.Ended() || errors.Is(err, egress.ErrNotSent) {
		return
	}
	keep := max(egress.RestFor, fault.Wait(err))
	if errors.Is(err, errContent) {
		keep = s.opt.NotFoundAge
	}
	s.failed.Put(key, err, keep)
}
