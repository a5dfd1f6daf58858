package stats

import (
	"cmp"
	"container/heap"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/org/registry-action/internal/store/kv"
)

// The bounds of rankings.
const (
	// MaxTop is the longest ranking that can be asked for.
	MaxTop = 100

	maxRanked = 500       // names that are kept of a day
	grace     = time.Hour // after which what comes late of a day changes its ranking no more

	// A ranking is shown for so many times as long as it took to make it.
	costRatio  = 20
	leastFresh = time.Second
	mostFresh  = 10 * time.Minute
	makeLimit  = time.Minute // for making one
)

// Ranked is a name in a ranking.
type Ranked struct {
	Kind      Kind   `json:"-"`
	Name      string `json:"n"`
	Downloads int64  `json:"d"`
}

// rankingID is what a ranking is of.
type rankingID struct {
	kind   Kind
	period Period
}

type madeRanking struct {
	names []Ranked
	until time.Time // it is shown
}

// rankings are the ones that were made, at most one for each kind and period.
type rankings struct {
	mu   sync.Mutex
	made map[rankingID]madeRanking
}

// Top is the most downloaded packages of some kinds in a period, at most MaxTop. Of weeks and months, a package counts
// with the days on which it was among the first maxRanked of its kind.
func (s *Service) Top(ctx context.Context, kinds []Kind, period Period, limit int) ([]Ranked, error) {
	var all []Ranked
	for _, k := range kinds {
		names, err := s.ranking(ctx, rankingID{k, period})
		if err != nil {
			return nil, err
		}
		for _, r := range names[:min(len(names), limit)] {
			r.Kind = k
			all = append(all, r)
		}
	}
	slices.SortStableFunc(all, func(a, b Ranked) int { return before(a, b) })
	return all[:min(len(all), limit)], nil
}

// before orders what has more downloads to the front.
func before(a, b Ranked) int {
	return cmp.Or(cmp.Compare(b.Downloads, a.Downloads), cmp.Compare(a.Name, b.Name))
}

// ranking is a ranking that is fresh enough; several who ask wait for one.
func (s *Service) ranking(ctx context.Context, id rankingID) ([]Ranked, error) {
	s.rankings.mu.Lock()
	m, ok := s.rankings.made[id]
	s.rankings.mu.Unlock()
	if ok && s.opt.Now().Before(m.until) {
		return m.names, nil
	}
	made := s.making.DoChan(fmt.Sprint(id), func() (any, error) {
		ctx, done, err := s.makers.Begin(makeLimit)
		if err != nil {
			return nil, err
		}
		defer done()
		return s.makeRanking(ctx, id)
	})
	select {
	case r := <-made:
		if r.Err != nil {
			return nil, r.Err
		}
		return r.Val.([]Ranked), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s *Service) makeRanking(ctx context.Context, id rankingID) ([]Ranked, error) {
	began := s.opt.Now()
	var names []Ranked
	var err error
	if days := id.period.days(); days == 0 {
		names, err = s.first(ctx, func(shard int) string { return totalPartition(id.kind, shard) })
	} else {
		names, err = s.sumDays(ctx, id.kind, days)
	}
	if err != nil {
		return nil, err
	}
	now := s.opt.Now()
	fresh := min(max(costRatio*now.Sub(began), leastFresh), mostFresh)
	s.rankings.mu.Lock()
	defer s.rankings.mu.Unlock()
	s.rankings.made[id] = madeRanking{names, now.Add(fresh)}
	return names, nil
}

// sumDays ranks the last days.
func (s *Service) sumDays(ctx context.Context, k Kind, days int) ([]Ranked, error) {
	today := dayOf(s.opt.Now())
	from := today - day(days) + 1
	kept, err := s.keptRankings(ctx, k, from)
	if err != nil {
		return nil, err
	}
	sum := map[string]int64{}
	for d := from; d <= today; d++ {
		names, ok := kept[d.String()]
		if !ok {
			if names, err = s.dayRanking(ctx, k, d); err != nil {
				return nil, err
			}
		}
		for _, r := range names {
			sum[r.Name] += r.Downloads
		}
	}
	all := make([]Ranked, 0, len(sum))
	for name, n := range sum {
		all = append(all, Ranked{Name: name, Downloads: n})
	}
	slices.SortFunc(all, before)
	return all[:min(len(all), MaxTop)], nil
}

// keptRankings are those of days that are over, by day.
func (s *Service) keptRankings(ctx context.Context, k Kind, from day) (map[string][]Ranked, error) {
	kept := map[string][]Ranked{}
	q := kv.Query{After: (from - 1).String(), Limit: monthDays}
	for row, err := range s.db.Scan(ctx, rankingPartition(k), q) {
		if err != nil {
			return nil, err
		}
		var names []Ranked
		if err := json.Unmarshal(row.Value, &names); err != nil {
			return nil, fmt.Errorf("decoding row %s: %w", row.Key, err)
		}
		kept[row.Sort] = names
	}
	return kept, nil
}

// dayRanking makes the ranking of a day. Of a day that is over it is kept.
func (s *Service) dayRanking(ctx context.Context, k Kind, d day) ([]Ranked, error) {
	names, err := s.first(ctx, func(shard int) string { return namesPartition(k, d, shard) })
	if err != nil || !s.opt.Now().After((d + 1).start().Add(grace)) {
		return names, err
	}
	row := kv.JSON(rankingKey(k, d), names)
	row.Expires = d.until(recentLife)
	if err := s.db.Apply(ctx, kv.PutNew(row)); err != nil && !errors.Is(err, kv.ErrConflict) { // another server was faster
		s.opt.Log.WarnContext(ctx, "keeping the ranking of a day", "day", d.String(), "err", err)
	}
	return names, nil
}

// first reads the counters of all shards and returns the greatest, in order.
func (s *Service) first(ctx context.Context, partition func(shard int) string) ([]Ranked, error) {
	var of [shards][]Ranked
	g, ctx := errgroup.WithContext(ctx)
	for shard := range shards {
		g.Go(func() (err error) {
			of[shard], err = s.firstOf(ctx, partition(shard))
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	all := slices.Concat(of[:]...)
	slices.SortFunc(all, before)
	return all[:min(len(all), maxRanked)], nil
}

// firstOf returns the greatest counters of a partition.
func (s *Service) firstOf(ctx context.Context, partition string) ([]Ranked, error) {
	var least leastFirst
	for c, err := range s.counters(ctx, partition, kv.Query{}) {
		if err != nil {
			return nil, err
		}
		r := Ranked{Name: c.sort, Downloads: c.n}
		switch {
		case len(least) < maxRanked:
			heap.Push(&least, r)
		case before(r, least[0]) < 0:
			least[0] = r
			heap.Fix(&least, 0)
		}
	}
	return least, nil
}

// leastFirst is a heap whose top is what a ranking loses first.
type leastFirst []Ranked

func (l leastFirst) Len() int           { return len(l) }
func (l leastFirst) Less(i, j int) bool { return before(l[i], l[j]) > 0 }
func (l leastFirst) Swap(i, j int)      { l[i], l[j] = l[j], l[i] }

// Push is of heap.Interface.
func (l *leastFirst) Push(r any) { *l = append(*l, r.(Ranked)) }

// Pop is of heap.Interface.
func (l *leastFirst) Pop() any {
	last := (*l)[len(*l)-1]
	*l = (*l)[:len(*l)-1]
	return last
}
