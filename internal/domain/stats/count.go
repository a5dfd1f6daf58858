package stats

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/org/registry-action/internal/store/kv"
)

// The bounds of what is counted.
const (
	maxWaiting = 50_000 // counts that wait in memory; each is a few hundred bytes
	maxName    = 214
	maxVersion = 256
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
	makers   sync.WaitGroup     // of them; whoever asked may have gone
	closed   bool               // no more are begun; guarded by mu
	life     context.Context    // of their making: several may wait for one
	end      context.CancelFunc
}

// subject is what one count is of: a version of a package on a day or, with client set, all downloads by it.
type subject struct {
	kind          Kind
	name, version string
	client        string
	day           day
}

// count is what waits to be written.
type count struct {
	n    int64
	last int64 // Unix seconds
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
		rankings: rankings{made: map[rankingID]madeRanking{}},
	}
	s.life, s.end = context.WithCancel(context.Background())
	s.close = sync.OnceValue(s.shutdown)
	return s
}

// Count counts a download by a client of a User-Agent; it never waits for a store. What can't be a name or a version
// is not counted.
func (s *Service) Count(kind, name, version, userAgent string) {
	now := s.opt.Now().Unix()
	client := ""
	if !s.opt.NoClients {
		client = clientOf(userAgent)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.countLocked(Kind(kind), name, version, client, now)
}

func (s *Service) countLocked(kind Kind, name, version, client string, now int64) {
	if !countable(name, maxName) || !countable(version, maxVersion) {
		return
	}
	today := day(now / secondsOfDay)
	s.addLocked(subject{kind: kind, name: name, version: version, day: today}, now)
	if client != "" {
		s.addLocked(subject{kind: kind, client: client, day: today}, now)
	}
}

// countable reports whether a text can stand in a key.
func countable(text string, limit int) bool {
	return text != "" && len(text) <= limit && strings.IndexByte(text, 0) < 0
}

func (s *Service) addLocked(what subject, now int64) {
	if c, ok := s.counts[what]; ok {
		c.n++
		c.last = now
		return
	}
	if len(s.order) >= maxWaiting {
		if oldest := s.order[0]; oldest.client == "" {
			s.dropped += s.counts[oldest].n
		}
		s.removeLocked(1)
	}
	s.counts[what] = &count{n: 1, last: now}
	s.order = append(s.order, what)
	if len(s.order) == 1 {
		select {
		case s.wake <- struct{}{}:
		default: // it will look
		}
	}
}

// removeLocked forgets the n oldest counts.
func (s *Service) removeLocked(n int) {
	for _, what := range s.order[:n] {
		delete(s.counts, what)
	}
	s.order = s.order[n:]
	if len(s.order) == 0 {
		s.order = nil // or what was removed would be kept
	}
}

// waiting is how many downloads are in memory only.
func (s *Service) waiting() (downloads int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for what, c := range s.counts {
		if what.client == "" {
			downloads += c.n
		}
	}
	return downloads
}
