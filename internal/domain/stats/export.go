package stats

import (
	"context"
	"iter"

	"github.com/org/registry-action/internal/store/kv"
)

// Exported is the downloads of a package on a day.
type Exported struct {
	Date      string
	Kind      Kind
	Name      string
	Downloads int64
}

// Export yields what was downloaded on the last days, by day and kind; an error ends it.
func (s *Service) Export(ctx context.Context, kinds []Kind, days int) iter.Seq2[Exported, error] {
	return func(yield func(Exported, error) bool) {
		today := dayOf(s.opt.Now())
		for d := today - day(days) + 1; d <= today; d++ {
			for _, k := range kinds {
				if !s.exportDay(ctx, k, d, yield) {
					return
				}
			}
		}
	}
}

// exportDay returns false if there is to be no other day.
func (s *Service) exportDay(ctx context.Context, k Kind, d day, yield func(Exported, error) bool) bool {
	for shard := range shards {
		for c, err := range s.counters(ctx, namesPartition(k, d, shard), kv.Query{}) {
			if !yield(Exported{d.String(), k, c.sort, c.n}, err) || err != nil {
				return false
			}
		}
	}
	return true
}
