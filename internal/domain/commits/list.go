package commits

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/feed"
	"github.com/org/registry-action/internal/store/kv"
)

// maxSummaryNames bounds the names of a Summary, in bytes: all summaries are read at once.
const maxSummaryNames = 16 << 10

// Summary is a repository in a list, by the last publish of a commit of it.
type Summary struct {
	Repository  Repository `json:"repository"`
	SHA         string     `json:"sha"`
	Packages    []string   `json:"packages"` // names, sorted; of many only the first
	Publisher   string     `json:"publisher,omitempty"`
	PublishedAt time.Time  `json:"publishedAt"`
}

// Key is what all spellings of a repository's path have in common.
func Key(r Repository) string { return strings.ToLower(r.Path) }

// summarize returns the ops that list the repository of a publish, and tell followers of the feed.
// until is when nothing of the repository is left, should nothing more be published.
func (s *Service) summarize(who Principal, p Publication, next contents, until time.Time) []kv.Op {
	sum := Summary{Repository: p.Repository, SHA: p.SHA, Publisher: who.User(), PublishedAt: s.now()}
	for name, pkg := range next.packages {
		if pkg.Repository.Same(p.Repository) {
			sum.Packages = append(sum.Packages, name)
		}
	}
	slices.Sort(sum.Packages)
	size := 0
	for i, name := range sum.Packages {
		if size += len(name); size > maxSummaryNames {
			sum.Packages = sum.Packages[:i]
			break
		}
	}
	row := kv.JSON(repoKey(p.Repository.Path), sum)
	row.Expires = until
	return []kv.Op{kv.Put(row), feed.Changed(ownKind, s.now(), Key(p.Repository))}
}

// expired tells followers of the feed of the repositories that published a commit.
func (s *Service) expired(h head) []kv.Op {
	var paths []string
	for _, p := range h.Publishes {
		if !p.Repository.IsZero() && p.Repository.Pull() == 0 {
			paths = append(paths, Key(p.Repository))
		}
	}
	slices.Sort(paths)
	if paths = slices.Compact(paths); len(paths) == 0 {
		return nil
	}
	return []kv.Op{feed.Changed(ownKind, s.now(), paths...)}
}

// List yields the repositories of which a commit is here, by their paths; an error ends it.
func (s *Service) List(ctx context.Context) iter.Seq2[Summary, error] {
	return func(yield func(Summary, error) bool) {
		for row, err := range s.db.Scan(ctx, reposPartition, kv.Query{}) {
			var sum Summary
			if err == nil {
				sum, err = decodeSummary(row)
			}
			if !yield(sum, err) || err != nil {
				return
			}
		}
	}
}

// Summary reads what List has of the repository with a path, in any case; fault.NotFound if it is not in there.
func (s *Service) Summary(ctx context.Context, path string) (Summary, error) {
	absent := fault.New(fault.NotFound, "nothing of the repository %.200q is here, or all has expired", path)
	if !repoPath.MatchString(path) {
		return Summary{}, absent
	}
	row, err := s.db.Get(ctx, repoKey(path))
	if errors.Is(err, kv.ErrNotFound) {
		return Summary{}, absent
	}
	if err != nil {
		return Summary{}, err
	}
	return decodeSummary(row)
}

func decodeSummary(row kv.Row) (sum Summary, err error) {
	if err := json.Unmarshal(row.Value, &sum); err != nil {
		return sum, fmt.Errorf("decoding row %s: %w", row.Key, err)
	}
	return sum, nil
}
