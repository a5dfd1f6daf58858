package lumenpackages

import (
	"context"
	"time"

	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/lumen"
	"github.com/org/registry-action/internal/store/kv"
)

// formatVersion is what index.json has as the version of its format.
const formatVersion = "1.0.0"

// tree is the documents of the whole registry, as they are after a number of changes.
type tree struct {
	revision  int64
	summaries []summary // by name
	keys      Document
	index     Document
	check     Document  // checkpoint.json
	until     time.Time // when it is made anew, if nothing changes before
}

// present returns the tree as it is now: what is in memory, if nothing was changed since it was made.
func (s *Service) present(ctx context.Context) (*tree, error) {
	if t, err := s.fresh(ctx); t != nil || err != nil {
		return t, err
	}
	done, err := s.building.Take(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	if t, err := s.fresh(ctx); t != nil || err != nil { // somebody else has just made it
		return t, err
	}
	return s.build(ctx)
}

// fresh is the tree in memory, or nil if it is not the present one.
func (s *Service) fresh(ctx context.Context) (*tree, error) {
	t := s.tree.Load()
	if t == nil || s.expired(t.until) {
		return nil, nil
	}
	revision, err := s.revision(ctx)
	if err != nil || revision != t.revision {
		return nil, err
	}
	return t, nil
}

func (s *Service) build(ctx context.Context) (*tree, error) {
	for range tries {
		t, signer := &tree{}, signer{}
		err := s.consistently(ctx, func(revision int64) (err error) {
			t.revision, t.until = revision, s.keepUntil(revision)
			if signer, err = s.signer(ctx); err != nil {
				return err
			}
			if err = t.readSummaries(ctx, s.db); err != nil {
				return err
			}
			list, err := s.keyList(ctx, signer)
			t.keys = newDocument(lumen.Encode(lumen.Keys{Keys: list}))
			return err
		})
		if err != nil {
			return nil, err
		}
		row, err := s.checkpoint(ctx, t, signer)
		if err != nil {
			return nil, err
		}
		if row == nil { // the tree was changed meanwhile
			continue
		}
		t.render(s.opt.Name, *row)
		if half := row.half(s.opt.Checkpoint); t.until.IsZero() || half.Before(t.until) {
			t.until = half
		}
		s.tree.Store(t)
		return t, nil
	}
	return nil, busy()
}

func (t *tree) readSummaries(ctx context.Context, db kv.DB) error {
	t.summaries = nil
	for row, err := range db.Scan(ctx, namesPartition, kv.Query{}) {
		if err != nil {
			return err
		}
		sum := summary{}
		if err := decodeRow(row.Key, row.Value, &sum); err != nil {
			return err
		}
		sum.name = row.Sort
		t.summaries = append(t.summaries, sum)
	}
	return nil
}

// root is what a checkpoint signs.
func (t *tree) root() string {
	indexes := make(map[string]digest.SHA256, len(t.summaries))
	for _, sum := range t.summaries {
		indexes[sum.name] = sum.Index.Digest
	}
	return lumen.RootOf(indexes)
}

// modified is when the last change was.
func (t *tree) modified() (last time.Time) {
	for _, sum := range t.summaries {
		if sum.Modified.After(last) {
			last = sum.Modified
		}
	}
	return last
}

// render makes index.json and checkpoint.json.
func (t *tree) render(name string, row checkpointRow) {
	x := lumen.Index{
		Name: name, Version: formatVersion, UpdatedAt: timeText(t.modified()), PackageCount: len(t.summaries),
		Packages: make([]lumen.IndexEntry, len(t.summaries)), Checkpoint: row.Statement.Digest(row.Envelope),
	}
	for i, sum := range t.summaries {
		x.Packages[i] = sum.entry()
	}
	t.index = newDocument(lumen.Encode(x))
	t.check = newDocument(lumen.Encode(row.Envelope))
}
