package commits

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/store/blob"
	"github.com/org/registry-action/internal/store/kv"
)

// Swept counts what a sweep removed.
type Swept struct {
	Commits int `json:"commits"`
	Blobs   int `json:"blobs"`
}

// Sweep removes commits that have expired, what dead publishes left behind, and
// blobs that nothing needs any more. It may run on several servers at once.
// Bytes go at the latest two hours after what kept them.
func (s *Service) Sweep(ctx context.Context) (Swept, error) {
	var total Swept
	end := s.now().Truncate(time.Hour) // rows are only added to this hour's bucket or later ones
	hour, raw, found, err := get[time.Time](ctx, s.db, sweptKey())
	if err != nil {
		return total, err
	}
	if !found {
		hour = end.Add(-s.opt.Retention - 48*time.Hour)
	}
	for hour = hour.Truncate(time.Hour); hour.Before(end); hour = hour.Add(time.Hour) {
		if err := s.sweepHour(ctx, hour, &total); err != nil {
			return total, err
		}
	}
	err = s.db.Apply(ctx, upsert(raw, found, row(sweptKey(), end)))
	if errors.Is(err, kv.ErrConflict) {
		err = nil // another server's sweep got there too
	}
	return total, err
}

func (s *Service) sweepHour(ctx context.Context, hour time.Time, total *Swept) error {
	for r, err := range s.db.Scan(ctx, duePartition(hour), kv.Query{}) {
		if err != nil {
			return err
		}
		ops := []kv.Op{kv.Delete(r.Key)}
		if err := s.sweepRow(ctx, r, total); err != nil {
			s.opt.Log.ErrorContext(ctx, "sweeping failed; trying again in an hour", "row", r.Sort, "err", err)
			ops = append(ops, kv.Put(kv.Row{Key: kv.Key{Partition: duePartition(s.now()), Sort: r.Sort}}))
		}
		if err := s.db.Apply(ctx, ops...); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) sweepRow(ctx context.Context, r kv.Row, total *Swept) error {
	if sha, ok := strings.CutPrefix(r.Sort, "commit/"); ok {
		removed, err := s.sweepCommit(ctx, sha)
		if removed {
			total.Commits++
		}
		return err
	}
	rest, ok := strings.CutPrefix(r.Sort, "blob/")
	space, hex, ok2 := strings.Cut(rest, "/")
	d, err := digest.Parse(hex)
	if !ok || !ok2 || err != nil {
		return fmt.Errorf("row %s names no commit and no blob", r.Key)
	}
	removed, err := s.reap(ctx, blob.Key{Space: blob.Space(space), Digest: d})
	if removed {
		total.Blobs++
	}
	return err
}

// sweepCommit hides a commit that has expired, then removes the package rows
// that no head names and no publish is still staging.
func (s *Service) sweepCommit(ctx context.Context, sha string) (removed bool, err error) {
	now := s.now()
	h, raw, found, err := get[head](ctx, s.db, headKey(sha))
	if err != nil {
		return false, err
	}
	if found && !h.ExpiresAt.After(now) {
		err := s.db.Apply(ctx, kv.Drop(raw, headKey(sha)), kv.Delete(prefixKey(sha)))
		if errors.Is(err, kv.ErrConflict) {
			return false, nil // published again in this moment; its own due row follows
		}
		if err != nil {
			return false, err
		}
		removed = true
	}
	return removed, s.sweepRows(ctx, sha, func(id string) fate {
		named := slices.ContainsFunc(h.Publishes, func(p publish) bool { return p.ID == id })
		switch {
		case named && !removed:
			return living
		case !named && now.Sub(publishTime(id)) < publishFor+time.Hour:
			return staging
		}
		return garbage
	})
}

// fate is what becomes of a package row.
type fate int

const (
	living  fate = iota // a head names it
	staging             // a publish may still be at it
	garbage
)

func (s *Service) sweepRows(ctx context.Context, sha string, of func(id string) fate) error {
	for r, err := range s.db.Scan(ctx, commitPartition(sha), kv.Query{Prefix: packagePrefix}) {
		if err != nil {
			return err
		}
		switch of(publishOf(r.Sort)) {
		case staging: // look again when it must have ended
			err = s.db.Apply(ctx, kv.Put(dueCommit(s.now().Add(publishFor+time.Hour), sha)))
		case garbage:
			err = s.db.Apply(ctx, kv.Delete(r.Key))
		}
		if err != nil {
			return err
		}
	}
	return nil
}
