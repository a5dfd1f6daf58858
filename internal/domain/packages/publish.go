package packages

import (
	"context"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/feed"
	"github.com/org/registry-action/internal/store/kv"
)

const (
	maxAtOnce  = 20               // packages in one PublishAll
	publishFor = 30 * time.Minute // a publish takes less, or fails; well below what bytes are held for
)

// Publish makes a version visible. The same bytes again are a success; other bytes are fault.Exists
// with the code "version_exists", a tombstone's "version_gone".
func (s *Service) Publish(ctx context.Context, who Principal, r Release) (Published, error) {
	all, err := s.PublishAll(ctx, who, []Release{r})
	if err != nil {
		return Published{}, err
	}
	return all[0], nil
}

// PublishAll makes several versions of several packages visible, all or none (at most 20).
func (s *Service) PublishAll(ctx context.Context, who Principal, releases []Release) ([]Published, error) {
	ctx, cancel := context.WithTimeout(ctx, publishFor)
	defer cancel()
	begun := s.now()
	switch {
	case len(releases) == 0:
		return nil, fault.New(fault.Invalid, "the publish names no package").WithCode("no_packages")
	case len(releases) > maxAtOnce:
		return nil, fault.New(fault.TooLarge, "%d packages are more than the %d that can be published at once; publish them in groups", len(releases), maxAtOnce)
	}
	var all []*candidate
	for _, r := range releases {
		c, err := s.check(who, r)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(all, func(other *candidate) bool { return other.name == c.name }) {
			return nil, fault.New(fault.Invalid, "package %q is named twice; publish its versions one after the other", c.name).WithCode("duplicate_package")
		}
		all = append(all, c)
	}
	may := s.mayPublish(who)
	steps, err := s.plan(ctx, may, all) // who is refused stores no bytes
	if err != nil {
		return nil, err
	}
	for i, st := range steps {
		if st.unchanged {
			continue
		}
		if err := s.store(ctx, all[i], releases[i].Upload); err != nil {
			return nil, err
		}
		if err := s.sign(ctx, all[i]); err != nil {
			return nil, err
		}
	}
	return s.commit(ctx, begun, may, steps, nil)
}

// store makes the bytes of a version durable. They stay for some hours, and for
// good once a batch pins them.
func (s *Service) store(ctx context.Context, c *candidate, u *Upload) error {
	key := blobKey(c.row.Artifact)
	pin, err := s.life.HoldNew(ctx, key)
	if err != nil {
		return err
	}
	c.pin = &pin
	if _, err := u.Seek(0, io.SeekStart); err != nil {
		return err
	}
	_, _, err = s.blobs.Put(ctx, key, u)
	return err
}

// authority decides whether a candidate may be published.
type authority func(ctx context.Context, p pkg, c *candidate) (taking, error)

// mayPublish is the authority of somebody who publishes.
func (s *Service) mayPublish(who Principal) authority {
	return func(ctx context.Context, p pkg, c *candidate) (taking, error) {
		if p.found {
			return taking{}, s.mayChange(ctx, who, p)
		}
		return s.mayTake(ctx, who, c)
	}
}

// commit makes candidates visible whose bytes have been stored since begun, in one batch with what extra says. steps
// were planned before that.
func (s *Service) commit(ctx context.Context, begun time.Time, may authority, steps []step, extra func() ([]kv.Op, error)) ([]Published, error) {
	var names []string
	var all []*candidate
	for _, st := range steps {
		names, all = append(names, st.name), append(all, st.c)
	}
	planned := true
	err := s.turns.Write(ctx, names, func() (err error) {
		if planned {
			planned = false
			steps, err = s.renew(ctx, may, steps, all)
		} else {
			steps, err = s.plan(ctx, may, all)
		}
		if err != nil {
			return err
		}
		if err := s.inTime(begun, names...); err != nil {
			return err
		}
		return s.write(ctx, steps, extra)
	})
	if err != nil {
		return nil, err
	}
	return results(steps), nil
}

// inTime refuses a publish that began too long ago: its bytes may be gone. The time of
// a context stands still while the machine sleeps; the sweeper's does not.
func (s *Service) inTime(begun time.Time, names ...string) error {
	if s.now().Sub(begun) > publishFor {
		return fault.New(fault.Unavailable, "the publish of %s took more than %s; send the request again", strings.Join(names, ", "), publishFor)
	}
	return nil
}

// write applies what steps plan.
func (s *Service) write(ctx context.Context, steps []step, extra func() ([]kv.Op, error)) error {
	var before, batch []kv.Op
	for _, st := range steps {
		hidden, ops, err := s.stepOps(ctx, st)
		if err != nil {
			return err
		}
		before, batch = append(before, hidden...), append(batch, ops...)
	}
	if extra != nil {
		more, err := extra()
		if err != nil {
			return err
		}
		batch = append(batch, more...)
	}
	batch = onceEach(batch)
	var told []kv.Op
	if row := s.changed(steps); len(batch) == kv.MaxBatch { // the row has no room: written after, it may be lost in a crash
		told = append(told, row)
	} else if len(batch) > 0 {
		batch = append(batch, row)
	}
	if !fits(batch) || !fits(before) {
		return fault.New(fault.TooLarge, "%d packages are too much to be published at once: together they have %d rows; publish them in smaller groups", len(steps), len(batch))
	}
	if err := s.db.Apply(ctx, before...); err != nil {
		return err
	}
	if err := s.db.Apply(ctx, batch...); err != nil {
		return err
	}
	if err := s.db.Apply(ctx, told...); err != nil {
		s.opt.Log.WarnContext(ctx, "searches find what was just published later: the feed could not be written", "err", err)
	}
	return nil
}

// changed tells followers of the feed of the packages of a batch.
func (s *Service) changed(steps []step) kv.Op {
	var names []string
	for _, st := range steps {
		names = append(names, st.name)
	}
	return feed.Changed(ownKind, s.now(), names...)
}

// onceEach drops ops on keys that an earlier op is on: a scope that two packages take.
func onceEach(ops []kv.Op) []kv.Op {
	seen := map[kv.Key]bool{}
	return slices.DeleteFunc(ops, func(op kv.Op) bool {
		again := seen[op.Row.Key]
		seen[op.Row.Key] = true
		return again
	})
}

// fits reports whether a batch is within the store's bounds.
func fits(ops []kv.Op) bool {
	size := 0
	for _, op := range ops {
		size += op.Size()
	}
	return len(ops) <= kv.MaxBatch && size <= kv.MaxBatchBytes
}

func results(steps []step) []Published {
	var out []Published
	for _, st := range steps {
		if !st.found {
			st.Owners = []string{st.c.owner}
		}
		out = append(out, Published{Version: st.version(st.row), Unchanged: st.unchanged, FirstOf: st.taking.first})
	}
	return out
}
