package stats

import (
	"context"
	"slices"
	"strings"

	"github.com/org/registry-action/internal/store/kv"
)

// maxClientRows bounds the rows of clients that are read for a kind. A month has no more, whatever clients say that they are.
const maxClientRows = 40_000

// Clients are the clients that downloaded most in a period, of the days that are kept.
func (s *Service) Clients(ctx context.Context, kinds []Kind, period Period, limit int) ([]Ranked, error) {
	q := kv.Query{Limit: maxClientRows}
	if days := period.days(); days > 0 {
		q.After = (dayOf(s.opt.Now()) - day(days) + 1).String()
	}
	sum := map[string]int64{}
	for _, k := range kinds {
		for c, err := range s.counters(ctx, clientPartition(k), q) {
			if err != nil {
				return nil, err
			}
			if _, client, ok := strings.Cut(c.sort, "/"); ok {
				sum[client] += c.n
			}
		}
	}
	all := make([]Ranked, 0, len(sum))
	for client, n := range sum {
		all = append(all, Ranked{Name: client, Downloads: n})
	}
	slices.SortFunc(all, before)
	return all[:min(len(all), limit)], nil
}
