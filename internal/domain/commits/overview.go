package commits

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/org/registry-action/internal/store/kv"
)

// The bounds of an Overview.
const (
	maxOverviewRefs    = 100 // of a kind
	MaxOverviewCommits = 30  // at a time
)

// Overview is what a repository has here.
type Overview struct {
	Repository Repository
	Owners     []string
	Default    Ref                  // the branch that previews are compared with; zero if there is none
	Refs       map[RefKind][]Placed // at most maxOverviewRefs of a kind, the one that moved last first
	RefCount   map[RefKind]int
	Commits    []Listed // at most MaxOverviewCommits, the newest first
	Total      int      // commits
}

// Overview reads what a repository ("owner/repo"; any case) has, its commits from an offset on; fault.NotFound if
// nothing of it was ever published here. That all has expired is no error.
func (s *Service) Overview(ctx context.Context, repository string, offset int) (Overview, error) {
	v, err := s.look(ctx, repository)
	if err != nil {
		return Overview{}, err
	}
	claim, _, err := s.claimOf(ctx, Repository{Path: repository})
	if err != nil {
		return Overview{}, err
	}
	out := Overview{
		Repository: Repository{Host: claim.Host, Path: repository}, Owners: claim.Owners,
		Refs: map[RefKind][]Placed{}, RefCount: map[RefKind]int{}, Total: len(v.commits),
	}
	out.Default, _ = v.defaultBranch()
	out.addRefs(v.refs)
	out.Commits, err = s.readListed(ctx, repository, v.newest(offset, MaxOverviewCommits))
	if len(out.Commits) > 0 {
		out.Repository.Path = out.Commits[0].Repository.Path
	}
	return out, err
}

func (o *Overview) addRefs(refs []placedRef) {
	refs = slices.Clone(refs)
	slices.SortFunc(refs, func(a, b placedRef) int {
		return cmp.Or(b.MovedAt.Compare(a.MovedAt), strings.Compare(a.Name, b.Name))
	})
	for _, r := range refs {
		o.RefCount[r.Kind]++
		if len(o.Refs[r.Kind]) < maxOverviewRefs {
			o.Refs[r.Kind] = append(o.Refs[r.Kind], Placed{r.Ref, r.SHA, r.MovedAt, r.expires})
		}
	}
}

// newest lists the SHAs of the view's commits, what was published last first.
func (v *view) newest(offset, limit int) []string {
	all := slices.Clone(v.commits)
	slices.SortFunc(all, func(a, b *shelved) int {
		return cmp.Or(strings.Compare(b.stamp, a.stamp), strings.Compare(a.sha, b.sha)) // stamps begin with their time
	})
	var shas []string
	for _, c := range all[min(max(offset, 0), len(all)):] {
		if len(shas) == limit {
			break
		}
		shas = append(shas, c.sha)
	}
	return shas
}

// look reads what a repository has, without its packages.
func (s *Service) look(ctx context.Context, repository string) (*view, error) {
	partition := repoPartition(repository)
	done, err := s.shelf.turns.Take(ctx, partition)
	if err != nil {
		return nil, err
	}
	defer done()
	v, err := s.view(ctx, repository)
	if err == nil {
		s.shelf.put(partition, v)
	}
	return v, err
}

// readPointer decodes the row of a ref.
func readPointer(row kv.Row) (to pointer, err error) {
	if err = json.Unmarshal(row.Value, &to); err != nil {
		err = fmt.Errorf("decoding row %s: %w", row.Key, err)
	}
	return to, err
}
