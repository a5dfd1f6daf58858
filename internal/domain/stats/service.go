package stats

import (
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/org/registry-action/internal/background"
	"github.com/org/registry-action/internal/store/kv"
)

// Options are what New may be told; the zero value is fine.
type Options struct {
	NoClients bool                  // nothing of User-Agents is kept
	Lost      func(downloads int64) // told of each count that had to be dropped, in bounds that maxWaiting sets; nil: nobody is
	Now       func() time.Time      // nil: time.Now
	Log       *slog.Logger          // nil: no logs
}

// Service counts, and tells what it has counted. It is safe for concurrent use.
type Service struct {
	db  kv.DB
	opt Options

	mu      sync.Mutex
	counts  map[subject]*count
	order   []subject // of counts; the oldest first
	dropped int64     // downloads since the last line of the log

	wake    chan struct{} // holds one: there is something to write
	closing chan struct{}
	flusher sync.WaitGroup
	close   func() error
	out     writer // of the flusher

	rankings rankings
	making   singleflight.Group // rankings
	makers   *background.Work   // of them: several may wait for one
}

// New returns a service that writes what it counts until it is closed.
func New(db kv.DB, opt Options) *Service {
	s := newService(db, opt)
	s.flusher.Go(s.run)
	return s
}

// newService makes a service that writes only when it is closed.
func newService(db kv.DB, opt Options) *Service {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	s := &Service{
		db: db, opt: opt, counts: map[subject]*count{},
		wake: make(chan struct{}, 1), closing: make(chan struct{}),
		rankings: rankings{made: map[rankingID]madeRanking{}}, makers: background.NewWork(),
	}
	s.close = sync.OnceValue(s.shutdown)
	return s
}
