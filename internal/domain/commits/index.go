package commits

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/kind"
	"github.com/org/registry-action/internal/store/kv"
)

// index returns what a publish changes in the partition of its repository: the
// claim of its path, the row of the commit, refs, and the revision if any of
// the last two changed. What is there lives as long as the repository's own
// publishes ask for, also if another's keep the commit longer.
func (s *Service) index(ctx context.Context, who Principal, p Publication, next contents, changed bool) ([]kv.Op, error) {
	claim, err := s.claim(ctx, who, p.Repository, next.ExpiresAt)
	if err != nil {
		return nil, err
	}
	row, news, err := s.listCommit(ctx, p, next)
	if err != nil {
		return nil, err
	}
	refs, moved, err := s.moveRefs(ctx, p, next.ExpiresAt)
	if err != nil {
		return nil, err
	}
	ops := append(refs, claim, row)
	if changed || news || moved {
		ops = append(ops, kv.Add(revisionKey(p.Repository.Path), 1))
	}
	return ops, nil
}

// listCommit returns the op that lists the commit's packages of the repository;
// news says that it changes the row, or when it ends.
func (s *Service) listCommit(ctx context.Context, p Publication, next contents) (op kv.Op, news bool, err error) {
	var names []string
	for name, pkg := range next.packages {
		if pkg.Repository.Same(p.Repository) && kindOf(name) == kind.NPM {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	value, err := encodeListing(next.stamp(p.Repository), names)
	if err != nil {
		return kv.Op{}, false, err
	}
	row := kv.Row{Key: indexKey(p.Repository.Path, p.SHA), Value: value, Expires: next.ExpiresAt.Truncate(time.Second)}
	old, err := s.db.Get(ctx, row.Key)
	if err != nil && !errors.Is(err, kv.ErrNotFound) {
		return kv.Op{}, false, err
	}
	news = err != nil || !bytes.Equal(old.Value, value) || !old.Expires.Equal(row.Expires)
	return kv.Put(row), news, nil
}

// stamp names the last publish that changed what the repository has in the commit.
func (c contents) stamp(r Repository) string {
	for _, p := range slices.Backward(c.Publishes) {
		if p.Repository.Same(r) {
			return p.ID
		}
	}
	return ""
}

// stampAt is stamp of the repository that has a path.
func (c contents) stampAt(path string) string {
	for _, p := range slices.Backward(c.Publishes) {
		if strings.EqualFold(p.Repository.Path, path) {
			return p.ID
		}
	}
	return ""
}

// maxListing bounds the names of a listing, in bytes of JSON. Compressed they
// stay below what a row may have, whatever they are.
const maxListing = kv.MaxValue - 1<<10

// encodeListing writes the row of a commit. The names of most commits are the
// same, and so are the bytes after the stamp.
func encodeListing(stamp string, names []string) ([]byte, error) {
	text, err := json.Marshal(names)
	if err != nil {
		return nil, err
	}
	if len(text) > maxListing {
		return nil, fault.New(fault.TooLarge, "the names of the commit's %d packages have %d bytes together, more than the %d that a preview registry lists; publish fewer", len(names), len(text), maxListing)
	}
	packed, err := deflate(text)
	return append([]byte(stamp+"\n"), packed...), err
}

// listing is the row of a commit, its names not yet unpacked.
type listing struct {
	sha     string
	stamp   string
	packed  []byte
	expires time.Time
}

func readListing(r kv.Row) listing {
	stamp, packed, _ := bytes.Cut(r.Value, []byte("\n"))
	return listing{strings.TrimPrefix(r.Sort, indexPrefix), string(stamp), packed, r.Expires}
}

func (l listing) names() ([]string, error) {
	text, err := inflate(bytes.NewReader(l.packed), maxListing)
	if err != nil {
		return nil, fmt.Errorf("reading the listing of commit %s: %w", l.sha, err)
	}
	var names []string
	if err := json.Unmarshal(text, &names); err != nil {
		return nil, fmt.Errorf("decoding the listing of commit %s: %w", l.sha, err)
	}
	return names, nil
}

// moveRefs returns the ops that point the publish's refs at its commit; moved
// says that one pointed elsewhere.
func (s *Service) moveRefs(ctx context.Context, p Publication, until time.Time) (ops []kv.Op, moved bool, err error) {
	refs := slices.Clone(p.Refs)
	slices.SortFunc(refs, func(a, b Ref) int { return strings.Compare(a.String(), b.String()) })
	for _, ref := range slices.Compact(refs) {
		old, raw, found, err := kv.ReadJSON[pointer](ctx, s.db, refKey(p.Repository.Path, ref))
		if err != nil {
			return nil, false, err
		}
		if found && p.Run != 0 && old.Run > p.Run {
			continue // an older run never takes a ref back
		}
		to := pointer{SHA: p.SHA, Repository: p.Repository, Run: p.Run, MovedAt: s.now()}
		to.Earlier = old.before(p.SHA)
		if found && old.SHA == p.SHA {
			to.MovedAt = old.MovedAt
		} else {
			moved = true
		}
		r := kv.JSON(refKey(p.Repository.Path, ref), to)
		r.Expires = until
		ops = append(ops, kv.Upsert(raw, found, r))
	}
	return ops, moved, nil
}
