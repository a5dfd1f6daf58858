package scrub

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/store/blob"
	"github.com/org/registry-action/internal/store/kv"
)

// Options of a verification. DB, Blobs and Checkers are required.
type Options struct {
	DB       kv.Walker
	Blobs    *Blobs
	Checkers []Checker
	Spaces   []blob.Space  // whose unreferenced blobs are counted
	Settle   time.Duration // how long a batch may be seen in part; see law 2 of package kv
	Now      func() time.Time
}

// Result is what a verification found.
type Result struct {
	Rows         int64            // looked at
	Known        int64            // of them, that some Checker knew
	Checked      map[string]int64 // what was looked at, in words
	Blobs        int64            // read
	Bytes        int64            // of them
	Unreferenced int64            // blobs that nothing counts on: the sweeper's
	Problems     []Problem        // by kind and name
	More         bool             // there are more
}

// The bounds of the work.
const (
	rowsInFlight = 16 // rows that are looked at at a time
	rechecks     = 2  // of what was found wrong
)

// run is a verification.
type run struct {
	opt  Options
	rows atomic.Int64

	mu     sync.Mutex
	known  int64
	counts map[string]int64
	wrong  map[kv.Key][]Problem // by the row that they were found with
	more   bool
}

// Verification is one that can be watched.
type Verification struct{ run *run }

// New returns a verification, which Run makes.
func New(opt Options) *Verification {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	return &Verification{&run{opt: opt, counts: map[string]int64{}, wrong: map[kv.Key][]Problem{}}}
}

// Progress tells how many rows and blobs were looked at so far, and the bytes of the latter.
func (v *Verification) Progress() (rows, blobs, bytes int64) {
	return v.run.rows.Load(), v.run.opt.Blobs.count.Load(), v.run.opt.Blobs.bytes.Load()
}

// Run verifies everything. An error means that it could not.
func (v *Verification) Run(ctx context.Context) (Result, error) {
	r := v.run
	if err := r.pass(ctx, func(ctx context.Context, each func(kv.Row)) error {
		for row, err := range r.opt.DB.Walk(ctx, kv.Key{}) {
			if err != nil {
				return fmt.Errorf("reading all rows: %w", err)
			}
			r.rows.Add(1)
			each(row)
		}
		return nil
	}); err != nil {
		return Result{}, err
	}
	out := Result{Rows: r.rows.Load(), Known: r.known, Checked: r.counts}
	_, out.Blobs, out.Bytes = v.Progress()
	r.counts = nil // what is looked at again is not counted again
	if err := r.confirm(ctx); err != nil {
		return Result{}, err
	}
	var err error
	if out.Unreferenced, err = r.unreferenced(ctx); err != nil {
		return Result{}, err
	}
	out.Problems = r.problems()
	out.More = r.more && len(out.Problems) > 0
	return out, nil
}

// pass has the checkers look at rows.
func (r *run) pass(ctx context.Context, rows func(ctx context.Context, each func(kv.Row)) error) error {
	tasks, taskCtx := errgroup.WithContext(ctx)
	tasks.SetLimit(2 * runtime.GOMAXPROCS(0))
	looks, lookCtx := errgroup.WithContext(taskCtx)
	looks.SetLimit(rowsInFlight)
	walked := rows(lookCtx, func(row kv.Row) {
		looks.Go(func() error {
			if err := lookCtx.Err(); err != nil {
				return err
			}
			return r.look(lookCtx, row, &Finder{run: r, key: row.Key, tasks: tasks, ctx: taskCtx})
		})
	})
	looked := looks.Wait()
	// The first error is the others' cause: tasks end looks, and these the walk.
	return firstReal(tasks.Wait(), looked, walked)
}

// firstReal is the first error that is not only the end of a context, if there is one.
func firstReal(errs ...error) error {
	var first error
	for _, err := range errs {
		if err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
		first = cmp.Or(first, err)
	}
	return first
}

func (r *run) look(ctx context.Context, row kv.Row, f *Finder) error {
	for _, c := range r.opt.Checkers {
		known, err := c.Check(ctx, row, f)
		if err != nil {
			return err
		}
		if known {
			r.mu.Lock()
			r.known++
			r.mu.Unlock()
			return nil
		}
	}
	return nil
}

// confirm looks again at what was found wrong, until nothing comes of that.
func (r *run) confirm(ctx context.Context) error {
	for range rechecks {
		before := r.problems()
		if err := r.recheck(ctx); err != nil {
			return err
		}
		if slices.Equal(before, r.problems()) {
			return nil
		}
	}
	return nil
}

// recheck looks again at the rows that something was wrong with.
func (r *run) recheck(ctx context.Context) error {
	if len(r.wrong) == 0 {
		return nil
	}
	if err := pause(ctx, r.opt.Settle); err != nil {
		return err
	}
	suspects := r.wrong
	r.wrong = map[kv.Key][]Problem{}
	r.opt.Blobs.forget()
	return r.pass(ctx, func(ctx context.Context, each func(kv.Row)) error {
		for k := range suspects {
			row, found, err := get(ctx, r.opt.DB, k)
			if err != nil {
				return err
			}
			if found {
				each(row)
			}
		}
		return nil
	})
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r *run) checked(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.counts != nil {
		r.counts[what]++
	}
}

// report notes a problem. Of a store that has too many the rest is only known to be there.
func (r *run) report(k kv.Key, p Problem) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, found := r.wrong[k]; !found && len(r.wrong) >= maxProblems || len(r.wrong[k]) >= maxProblems {
		r.more = true
		return
	}
	r.wrong[k] = append(r.wrong[k], p)
}

// problems are those that were found, each once.
func (r *run) problems() []Problem {
	var all []Problem
	for _, some := range r.wrong {
		all = append(all, some...)
	}
	slices.SortFunc(all, func(a, b Problem) int {
		return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.Name, b.Name), strings.Compare(string(a.Code), string(b.Code)),
			strings.Compare(a.Blob, b.Blob), strings.Compare(a.Message, b.Message))
	})
	all = slices.Compact(all)
	if len(all) > maxProblems {
		all, r.more = all[:maxProblems], true
	}
	return all
}

// unreferenced counts the blobs that nothing counts on, or not any more.
func (r *run) unreferenced(ctx context.Context) (n int64, err error) {
	g, each := errgroup.WithContext(ctx)
	g.SetLimit(rowsInFlight)
	var count atomic.Int64
	var listed error
	for _, space := range r.opt.Spaces {
		for info, err := range r.opt.Blobs.store.List(each, space, digest.SHA256{}) {
			if err != nil {
				listed = fmt.Errorf("listing the blobs: %w", err)
				break
			}
			g.Go(func() error {
				until, held, err := r.opt.Blobs.life.Until(each, info.Key)
				if err == nil && (!held || until.Before(r.opt.Now())) {
					count.Add(1)
				}
				return err
			})
		}
	}
	err = firstReal(g.Wait(), listed)
	return count.Load(), err
}

func get(ctx context.Context, db kv.DB, k kv.Key) (r kv.Row, found bool, err error) {
	r, err = db.Get(ctx, k)
	if errors.Is(err, kv.ErrNotFound) {
		return kv.Row{}, false, nil
	}
	return r, err == nil, err
}
