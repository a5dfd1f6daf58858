package packages

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"

	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/store/kv"
)

const (
	MaxStagedPage     = 500 // of Staged; who counts in pages must not count in larger ones
	defaultStagedPage = 20
)

var uuid = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// staged reads a stage that the caller may see; raw is its row's value.
func (s *Service) staged(ctx context.Context, who Principal, id string) (row stagedRow, raw []byte, err error) {
	if !uuid.MatchString(id) {
		return row, nil, noStage(id)
	}
	row, raw, found, err := kv.ReadJSON[stagedRow](ctx, s.db, stageKey(id, stageRow))
	if err != nil {
		return row, nil, err
	}
	if !found {
		return row, nil, noStage(id)
	}
	sees, err := s.sees(ctx, who, row.Staged)
	if err == nil && !sees {
		err = noStage(id)
	}
	return row, raw, err
}

// sees reports whether the caller staged a version or may approve it.
func (s *Service) sees(ctx context.Context, who Principal, staged Staged) (bool, error) {
	if admit(who, staged.Name) != nil {
		return false, nil
	}
	if who.IsAdmin() || who.User() == staged.Actor {
		return true, nil
	}
	p, err := s.load(ctx, staged.Name)
	if err != nil {
		return false, err
	}
	return s.owns(ctx, who.User(), p)
}

// Staged lists what the caller may approve or has staged, newest first; name, if given, is the only
// package. size is 20 if not given and at most MaxStagedPage.
func (s *Service) Staged(ctx context.Context, who Principal, name string, from, size int) (found []Staged, total int, err error) {
	from, size = max(from, 0), min(size, MaxStagedPage)
	if size <= 0 {
		size = defaultStagedPage
	}
	var q kv.Query
	if name != "" {
		if err := npm.ValidName(name); err != nil {
			return nil, 0, err
		}
		q.Prefix = stagesPrefix(name)
	}
	type question struct{ name, actor string }
	answers := map[question]bool{}
	var all []Staged
	for row, err := range s.db.Scan(ctx, stagesPartition, q) {
		if err != nil {
			return nil, 0, err
		}
		var staged Staged
		if err := json.Unmarshal(row.Value, &staged); err != nil {
			return nil, 0, fmt.Errorf("decoding row %s: %w", row.Key, err)
		}
		ask := question{staged.Name, staged.Actor}
		sees, asked := answers[ask]
		if !asked {
			if sees, err = s.sees(ctx, who, staged); err != nil {
				return nil, 0, err
			}
			answers[ask] = sees
		}
		if sees {
			all = append(all, staged)
		}
	}
	slices.SortFunc(all, newestFirst)
	return all[min(from, len(all)):min(from+size, len(all))], len(all), nil
}

// StagedOne reads a staged version that the caller may approve or has staged.
func (s *Service) StagedOne(ctx context.Context, who Principal, id string) (Staged, error) {
	row, _, err := s.staged(ctx, who, id)
	return row.Staged, err
}

// StagedOpen opens the tarball of a staged version. The caller closes it.
func (s *Service) StagedOpen(ctx context.Context, who Principal, id string) (*Content, Staged, error) {
	row, _, err := s.staged(ctx, who, id)
	if err != nil {
		return nil, Staged{}, err
	}
	b, info, err := s.blobs.Open(ctx, blobKey(row.Artifact))
	if err != nil {
		return nil, Staged{}, bytesGone(err, row.Staged)
	}
	return &Content{ReadSeekCloser: b, Size: info.Size}, row.Staged, nil
}
