package search

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/blevesearch/bleve/v2"
	"golang.org/x/sync/errgroup"

	"github.com/org/registry-action/internal/store/feed"
)

// retryAfter is how long the index rests when the stores could not be read.
const retryAfter = 2 * time.Second

// Service is the index and what keeps it up to date.
type Service struct {
	dir     string
	sources map[Kind]Source
	opt     Options
	stop    context.CancelFunc
	done    chan struct{}

	opened sync.RWMutex // held for writing while the index is made anew
	index  bleve.Index

	writing  sync.Mutex      // one batch at a time
	position position        // guarded by writing
	kept     time.Time       // guarded by writing; position.Seen as the index has it
	touched  map[string]bool // guarded by writing; what was changed while a walk holds documents it has read before

	complete atomic.Bool
	indexed  atomic.Int64 // documents that the walk under way has looked at
	damaged  chan error

	cards    cards
	spare    sync.Pool // of marks
	browsing sync.Mutex
	browsed  map[string]browsed
}

// Open opens the index in a folder, or makes one, and keeps it up to date until Close.
func Open(dir string, sources map[Kind]Source, opt Options) (*Service, error) {
	s := &Service{dir: dir, sources: sources, opt: opt.withDefaults(), done: make(chan struct{}), damaged: make(chan error, 1)}
	if err := s.openIndex(); err != nil {
		return nil, err
	}
	s.kept = s.position.Seen
	s.complete.Store(!s.position.Walked.IsZero() && !s.tooOld())
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	go func() {
		defer close(s.done)
		s.run(ctx)
	}()
	return s, nil
}

// Close ends what keeps the index up to date, and closes it. Searches must have ended.
func (s *Service) Close() error {
	s.stop()
	<-s.done
	s.opened.Lock()
	defer s.opened.Unlock()
	if s.index == nil {
		return nil
	}
	err := s.index.Close()
	s.index = nil
	return err
}

// Complete reports whether the index has all there is, or lacks at most what was changed in the last second. It is
// false while it is made for the first time, and when this server was away for longer than the feed goes back.
func (s *Service) Complete() bool { return s.complete.Load() }

func (s *Service) tooOld() bool {
	return s.opt.Now().Sub(s.position.Seen) > feed.TTL-2*feed.Skew
}

// damage has the index made anew.
func (s *Service) damage(err error) {
	s.complete.Store(false)
	select {
	case s.damaged <- err:
	default: // it is known
	}
}

// errDamaged ends keep.
var errDamaged = errors.New("the search index is damaged")

// run keeps the index up to date, whatever happens, until ctx is done.
func (s *Service) run(ctx context.Context) {
	told := ""
	for {
		err := s.keep(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, errDamaged):
			if err := s.renew(err); err != nil {
				s.opt.Log.Error("the search index can't be made anew; searches go on without it", "err", err)
			}
		case errors.Is(err, feed.ErrGone):
			s.opt.Log.Info("the search index was out of touch for too long; everything is looked at again")
		case err.Error() != told: // an outage is told once
			told = err.Error()
			s.opt.Log.Warn("the search index is not up to date: what it is made from can't be read", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(retryAfter):
		}
	}
}

// renew replaces a damaged index by an empty one.
func (s *Service) renew(cause error) (err error) {
	s.opt.Log.Error("the search index is made anew", "err", cause)
	s.writing.Lock()
	defer s.writing.Unlock()
	s.opened.Lock()
	defer s.opened.Unlock()
	func() {
		defer func() { _ = recover() }() // what is damaged may not even close
		if s.index != nil {
			_ = s.index.Close()
		}
	}()
	s.index = nil
	select {
	case <-s.damaged:
	default:
	}
	s.kept = time.Time{}
	s.cards.forget()
	s.browsed = nil // nobody reads
	return s.makeNew(filepath.Join(s.dir, version))
}

// keep follows the feed, and looks at everything when that is due, until something goes wrong.
func (s *Service) keep(ctx context.Context) error {
	s.writing.Lock()
	if s.tooOld() {
		s.complete.Store(false)
		s.position = position{Seen: s.opt.Now()}
	}
	since := s.position.Seen
	s.writing.Unlock()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		select {
		case err := <-s.damaged:
			return fmt.Errorf("%w: %w", errDamaged, err)
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	g.Go(func() error { return s.walkWhenDue(ctx) })
	if s.opt.Feed != nil {
		g.Go(func() error {
			opt := feed.Options{Every: s.opt.Every, Settle: s.opt.Settle, Now: s.opt.Now, Log: s.opt.Log}
			return feed.Follow(ctx, s.opt.Feed, since, opt, func(changes []feed.Change, seen time.Time) error {
				return s.follow(ctx, changes, seen)
			})
		})
	}
	return g.Wait()
}
