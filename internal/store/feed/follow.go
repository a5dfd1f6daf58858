package feed

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/org/registry-action/internal/store/kv"
)

// ErrGone says that changes may have been missed: the follower was away for too long, see law 5.
var ErrGone = errors.New("the feed does not go back that far")

// The times of the laws.
const (
	Near     = 5 * time.Second  // how far every look goes back
	Skew     = 5 * time.Minute  // how far one goes back once in LookBack
	LookBack = 10 * time.Second // at most

	lookLimit = 30 * time.Second // for one look
)

const (
	page    = 500     // rows that are delivered at a time, at most
	maxSeen = 200_000 // rows that are remembered; with more some are delivered again
)

// Options of Follow. Zero values mean the defaults.
type Options struct {
	Every  time.Duration // how long after a look the next one begins; 0.5 s
	Settle time.Duration // how long a batch may be seen in part; 0: never
	Now    func() time.Time
	Log    *slog.Logger
}

func (o Options) withDefaults() Options {
	o.Every = cmp.Or(o.Every, time.Second/2)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// Follow calls do with what was changed since a time, until ctx is done, ErrGone, or an error of do. seen is a time
// that can be followed from later. do is also called when nothing was changed, at the end of each look that goes back
// by Skew, to tell so. While the store can't be read it waits, and then goes on where it was.
func Follow(ctx context.Context, db kv.DB, since time.Time, opt Options, do func(changes []Change, seen time.Time) error) error {
	opt = opt.withDefaults()
	f := newFollower(db, since, opt, do)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
		}
		if err := f.step(ctx); err != nil {
			return err
		}
		timer.Reset(opt.Every)
	}
}

// follower is what a Follow knows.
type follower struct {
	db        kv.DB
	opt       Options
	do        func([]Change, time.Time) error
	near, far time.Time           // when the last looks that succeeded began, of each sort
	seen      map[string]struct{} // rows that were delivered
	again     []repeat            // by time
	looked    bool                // back by Skew, once
	failing   bool
}

func newFollower(db kv.DB, since time.Time, opt Options, do func([]Change, time.Time) error) *follower {
	return &follower{db: db, opt: opt, do: do, near: since, far: since, seen: map[string]struct{}{}}
}

// repeat is what is to be delivered once more.
type repeat struct {
	changes []Change
	at      time.Time
}

// doError is an error of do.
type doError struct{ error }

// Unwrap gives the error itself.
func (e doError) Unwrap() error { return e.error }

// step looks once. A look that the store fails is made up for by the next.
func (f *follower) step(ctx context.Context) error {
	now := f.opt.Now()
	if now.Sub(f.far) > TTL-Skew {
		return ErrGone
	}
	limited, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	err := f.look(limited, now)
	var own doError
	switch {
	case errors.As(err, &own):
		return own.error
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil && !f.failing:
		f.opt.Log.WarnContext(ctx, "what other servers change is not seen: the feed can't be read", "err", err)
	case err == nil && f.failing:
		f.opt.Log.InfoContext(ctx, "the feed can be read again")
	}
	f.failing = err != nil
	return nil
}

// look delivers what is new, and once in LookBack also what came late.
func (f *follower) look(ctx context.Context, now time.Time) error {
	if err := f.settle(now); err != nil {
		return err
	}
	wide := !f.looked || now.Sub(f.far) >= LookBack || now.Before(f.far)
	from := earlier(f.near, now).Add(-Near)
	if wide {
		from = earlier(f.far, now).Add(-Skew)
	}
	for t := from.UTC().Truncate(bucket); !t.After(now.Add(Skew)); t = t.Add(bucket) {
		after := ""
		if t.Before(from) {
			after = sortAt(from)
		}
		if err := f.read(ctx, partitionAt(t), after); err != nil {
			return err
		}
	}
	f.near = now
	if !wide {
		return nil
	}
	f.far, f.looked = now, true
	f.forget(now)
	return f.deliver(nil)
}

// read delivers what is new in a partition, in pages.
func (f *follower) read(ctx context.Context, partition, after string) error {
	for {
		var changes []Change
		rows := 0
		for row, err := range f.db.Scan(ctx, partition, kv.Query{After: after, Limit: page}) {
			if err != nil {
				return err
			}
			rows, after = rows+1, row.Sort
			if _, known := f.seen[row.Sort]; known {
				continue
			}
			more, err := decode(row)
			if err != nil { // of a later version of this program; what it means comes with the next look at everything
				f.opt.Log.WarnContext(ctx, "a change in the feed is not understood", "err", err)
			}
			changes = append(changes, more...)
			f.seen[row.Sort] = struct{}{}
		}
		if len(changes) > 0 {
			if f.opt.Settle > 0 {
				f.again = append(f.again, repeat{changes, f.opt.Now().Add(f.opt.Settle)})
			}
			if err := f.deliver(changes); err != nil {
				return err
			}
		}
		if rows < page {
			return nil
		}
	}
}

// settle delivers once more what must be there whole by now.
func (f *follower) settle(now time.Time) error {
	for len(f.again) > 0 && !now.Before(f.again[0].at) {
		changes := f.again[0].changes
		f.again = f.again[1:]
		if err := f.deliver(changes); err != nil {
			return err
		}
	}
	return nil
}

func (f *follower) deliver(changes []Change) error {
	seen := f.far
	if len(f.again) > 0 { // until then it would have to be delivered again
		seen = earlier(seen, f.again[0].at.Add(-f.opt.Settle))
	}
	if err := f.do(changes, seen); err != nil {
		return doError{err}
	}
	return nil
}

// forget drops the rows that no look comes across any more.
func (f *follower) forget(now time.Time) {
	if len(f.seen) > maxSeen {
		f.seen = map[string]struct{}{}
		return
	}
	for sort := range f.seen {
		if sort < sortAt(now.Add(-2*Skew)) {
			delete(f.seen, sort)
		}
	}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
