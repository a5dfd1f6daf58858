package stats

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/kv"
)

// The bounds of what is read at a time.
const (
	// MaxDays is the longest timeline.
	MaxDays = 365
	// maxVersions is how many versions of a package are told apart.
	maxVersions = 1000

	maxRecent = 40 * maxVersions // rows
	maxLately = 500              // rows
)

// Sums are downloads of something.
type Sums struct {
	Total   int64
	Weekly  int64 // of 7 days, with today
	Monthly int64 // of 30 days
}

func (s *Sums) add(o Sums) {
	s.Total, s.Weekly, s.Monthly = s.Total+o.Total, s.Weekly+o.Weekly, s.Monthly+o.Monthly
}

// Package is what is known of a package.
type Package struct {
	Sums
	Kinds    map[Kind]Sums
	Versions map[string]Sums // at most MaxVersions of each kind
	Last     time.Time       // of the last download; zero: not known
}

// Any reports whether a store has counts.
func Any(ctx context.Context, db kv.DB) (bool, error) {
	for _, k := range append(Downloads(), Events()...) {
		for shard := range shards {
			for _, err := range db.Scan(ctx, totalPartition(k, shard), kv.Query{Limit: 1}) {
				return err == nil, err
			}
		}
	}
	return false, nil
}

// Package sums up what was counted of a name in some kinds; fault.NotFound if nothing was.
func (s *Service) Package(ctx context.Context, name string, kinds []Kind) (Package, error) {
	p := Package{Kinds: map[Kind]Sums{}, Versions: map[string]Sums{}}
	if err := checkName(name); err != nil {
		return p, err
	}
	for _, k := range kinds {
		if err := s.addKind(ctx, &p, k, name); err != nil {
			return p, err
		}
	}
	if len(p.Kinds) == 0 {
		return p, fault.New(fault.NotFound, "No analytics data for this package: nothing of %q was downloaded from this server (%s)", name, list(kinds)).WithCode("no_analytics")
	}
	return p, nil
}

func checkName(name string) error {
	if !countable(name, maxName) {
		return fault.New(fault.Invalid, "%.230q can't be the name of a package", name).WithCode("invalid_name")
	}
	return nil
}

func (s *Service) addKind(ctx context.Context, p *Package, k Kind, name string) error {
	total, found, err := s.counter(ctx, totalKey(k, name))
	if err != nil || !found {
		return err
	}
	today := dayOf(s.opt.Now())
	sums := Sums{Total: total}
	if err := s.eachDay(ctx, k, name, today, monthDays, sums.addDay(today)); err != nil {
		return err
	}
	if err := s.addVersions(ctx, p, k, name, today); err != nil {
		return err
	}
	last, _, err := s.counter(ctx, lastKey(k, name))
	if err != nil {
		return err
	}
	if at := time.Unix(last, 0).UTC(); last > 0 && at.After(p.Last) {
		p.Last = at
	}
	p.Kinds[k] = sums
	p.Sums.add(sums)
	return nil
}

// addDay adds days to the sums of the periods that end today.
func (s *Sums) addDay(today day) func(d string, n int64) {
	week, month := (today - weekDays).String(), (today - monthDays).String()
	return func(d string, n int64) {
		if d > week {
			s.Weekly += n
		}
		if d > month {
			s.Monthly += n
		}
	}
}

func (s *Service) addVersions(ctx context.Context, p *Package, k Kind, name string, today day) error {
	partition, of := packagePartition(k, name), map[string]Sums{}
	for c, err := range s.counters(ctx, partition, kv.Query{Prefix: versionPrefix, Limit: maxVersions}) {
		if err != nil {
			return err
		}
		of[strings.TrimPrefix(c.sort, versionPrefix)] = Sums{Total: c.n}
	}
	for c, err := range s.counters(ctx, partition, kv.Query{Prefix: recentPrefix, Limit: maxRecent}) {
		if err != nil {
			return err
		}
		text := strings.TrimPrefix(c.sort, recentPrefix)
		slash := strings.LastIndexByte(text, '/')
		if slash < 0 {
			continue
		}
		if sums, ok := of[text[:slash]]; ok {
			sums.addDay(today)(text[slash+1:], c.n)
			of[text[:slash]] = sums
		}
	}
	for version, sums := range of {
		sums.add(p.Versions[version])
		p.Versions[version] = sums
	}
	return nil
}

// Lately is versions of a package that were downloaded in the last days, at most limit, the one that was downloaded last
// first. Of very many only some are looked at.
func (s *Service) Lately(ctx context.Context, k Kind, name string, limit int) ([]string, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	last := map[string]string{} // the last day of a version
	for c, err := range s.counters(ctx, packagePartition(k, name), kv.Query{Prefix: recentPrefix, Limit: maxLately}) {
		if err != nil {
			return nil, err
		}
		text := strings.TrimPrefix(c.sort, recentPrefix)
		if slash := strings.LastIndexByte(text, '/'); slash > 0 {
			last[text[:slash]] = max(last[text[:slash]], text[slash+1:])
		}
	}
	versions := slices.SortedFunc(maps.Keys(last), func(a, b string) int { return cmp.Or(cmp.Compare(last[b], last[a]), cmp.Compare(a, b)) })
	return versions[:min(len(versions), limit)], nil
}

// DayCount is the downloads of a day.
type DayCount struct {
	Date  string // 2006-01-02, of UTC
	Count int64
}

// recentDays is how far back versions are told apart by day.
const recentDays = 30

// Timeline is the downloads of a package, or of one version of it, on each of the last days, with today; the oldest
// first, days without any too.
func (s *Service) Timeline(ctx context.Context, name, version string, kinds []Kind, days int) ([]DayCount, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	if version != "" && !countable(version, maxVersion) {
		return nil, fault.New(fault.Invalid, "%.80q can't be a version", version).WithCode("invalid_version")
	}
	if version != "" && days > recentDays {
		return nil, fault.New(fault.Invalid, "the days of a version are kept for %d days; ask for at most that many, or leave the version out", recentDays).WithCode("invalid_days")
	}
	today := dayOf(s.opt.Now())
	sum := map[string]int64{}
	for _, k := range kinds {
		add := func(d string, n int64) { sum[d] += n }
		var err error
		if version == "" {
			err = s.eachDay(ctx, k, name, today, days, add)
		} else {
			err = s.each(ctx, packagePartition(k, name), recentOf(version), today, days, add)
		}
		if err != nil {
			return nil, err
		}
	}
	out := make([]DayCount, 0, days)
	for d := today - day(days) + 1; d <= today; d++ {
		out = append(out, DayCount{d.String(), sum[d.String()]})
	}
	return out, nil
}

// eachDay yields the counted ones of a package's last days.
func (s *Service) eachDay(ctx context.Context, k Kind, name string, today day, days int, yield func(d string, n int64)) error {
	return s.each(ctx, packagePartition(k, name), dayPrefix, today, days, yield)
}

// each yields the counters of the last days in the rows of a prefix, behind which only a day follows.
func (s *Service) each(ctx context.Context, partition, prefix string, today day, days int, yield func(d string, n int64)) error {
	before := today - day(days)
	for c, err := range s.counters(ctx, partition, kv.Query{Prefix: prefix, After: prefix + before.String(), Limit: days + 1}) {
		if err != nil {
			return err
		}
		yield(strings.TrimPrefix(c.sort, prefix), c.n)
	}
	return nil
}

// counted is a counter of a partition.
type counted struct {
	sort string
	n    int64
}

// counters yields the rows of a partition that are counters.
func (s *Service) counters(ctx context.Context, partition string, q kv.Query) iter.Seq2[counted, error] {
	return func(yield func(counted, error) bool) {
		for row, err := range s.db.Scan(ctx, partition, q) {
			if err != nil {
				yield(counted{}, err)
				return
			}
			if n, ok := row.Counter(); ok && !yield(counted{row.Sort, n}, nil) {
				return
			}
		}
	}
}

// counter reads one counter.
func (s *Service) counter(ctx context.Context, k kv.Key) (n int64, found bool, err error) {
	row, err := s.db.Get(ctx, k)
	if errors.Is(err, kv.ErrNotFound) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	n, found = row.Counter()
	return n, found, nil
}
