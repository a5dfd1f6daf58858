package search

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	index "github.com/blevesearch/bleve_index_api"
)

// maxRecent is how many documents of a few days are looked at for those that were changed last.
const maxRecent = 500

// Recent is the documents that were changed last, the newest first, at most limit. Where very many were changed on one
// day, some of these may be left out.
func (s *Service) Recent(ctx context.Context, limit int) (recent []Document, err error) {
	today := dayOf(s.opt.Now())
	err = s.read(ctx, func(r index.IndexReader) error {
		for _, days := range []int{0, 1, 7, 30, 365, today} { // what is far back is seldom needed
			if recent, err = changedSince(r, today-days); err != nil || len(recent) >= limit {
				return err
			}
		}
		return nil
	})
	slices.SortFunc(recent, func(a, b Document) int { return cmp.Or(b.Modified.Compare(a.Modified), cmp.Compare(a.id(), b.id())) })
	return recent[:min(len(recent), limit)], err
}

// changedSince is documents that were changed on a day or after it. Cards begin with the day, so that a range of them
// has these and no others; some may be of what is gone, or has changed since.
func changedSince(r index.IndexReader, day int) (all []Document, err error) {
	cards, err := r.FieldDictRange(fieldCard, fmt.Appendf(nil, "%05d", max(day, 0)), []byte{'9' + 1})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, cards.Close()) }()
	var ids []string // the newest last
	for {
		entry, err := cards.Next()
		if err != nil {
			return nil, err
		}
		if entry == nil {
			break
		}
		if c := readCard([]byte(entry.Term)); c.id != "" {
			ids = append(ids, c.id)
		}
		if len(ids) >= 2*maxRecent {
			ids = slices.Clone(ids[len(ids)-maxRecent:])
		}
	}
	ids = ids[max(0, len(ids)-maxRecent):]
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		d, ok, err := stored(r, id)
		if err != nil {
			return nil, err
		}
		if ok {
			all = append(all, d)
		}
	}
	return all, nil
}
