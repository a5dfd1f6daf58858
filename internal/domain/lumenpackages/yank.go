package lumenpackages

import (
	"context"
	"slices"

	"github.com/org/registry-action/internal/format/lumen"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/turns"
)

// Yank takes a version out of what is offered, or puts it back. It can always be fetched. The reason, of at most
// 500 characters, is kept while the version is yanked; yanking it again may give it another.
func (s *Service) Yank(ctx context.Context, who Principal, name, version string, yanked bool, reason string) error {
	reason, err := lumen.CleanReason(reason)
	if err != nil {
		return err
	}
	if !yanked {
		reason = ""
	}
	return s.change(ctx, who, name, func(p *pkg) ([]kv.Op, error) {
		if err := s.mayChange(ctx, who, *p); err != nil {
			return nil, err
		}
		entries, err := s.entriesOf(ctx, p)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(entries, func(e entry) bool { return e.version == version })
		if i < 0 {
			return nil, absentVersion(name, version)
		}
		if entries[i].Yanked == yanked && entries[i].Reason == reason {
			return nil, turns.ErrUnchanged
		}
		entries[i].Yanked, entries[i].Reason = yanked, reason
		return s.yankOps(ctx, p, entries, i)
	})
}

// yankOps writes the version at i, which was or will be yanked, and what follows of that.
func (s *Service) yankOps(ctx context.Context, p *pkg, entries []entry, i int) ([]kv.Op, error) {
	e := entries[i]
	m, err := s.metadata(ctx, e.name, e.version)
	if err != nil {
		return nil, err
	}
	m.Yanked, m.YankReason = e.Yanked, e.Reason
	body := lumen.Encode(m)
	e.Metadata = partOf(body)
	p.writes(len(entries), &e)
	entries[i] = e
	p.touched(s.now())
	shown, err := s.summarize(ctx, p, slices.Clone(entries), m)
	return []kv.Op{
		kv.Put(kv.Row{Key: metadataKey(e.name, e.version), Value: body}),
		kv.Put(kv.JSON(entryKey(e.name, e.version), e)), shown, revised(),
	}, err
}
