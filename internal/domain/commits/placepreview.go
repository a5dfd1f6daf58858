package commits

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/org/registry-action/internal/fault"
)

// The preview registry of a place shows what forks have published there beside all that the repository itself has. It has
// no "latest" of its own: that is the repository's, or nothing.

// baseOf returns the path of the repository whose place this is; ok is false if it is none.
func baseOf(path string) (base string, ok bool) {
	r := Repository{Path: path}
	return r.Base().Path, r.Pull() != 0
}

// placeRevision changes whenever one of both does. A place without anything is none.
func (s *Service) placeRevision(ctx context.Context, place, base string) (string, error) {
	of, err := s.revision(ctx, place)
	if err != nil {
		return "", err
	}
	own, err := s.revision(ctx, base)
	if err != nil && !errors.Is(err, fault.NotFound) {
		return "", err
	}
	return of + "/" + own, nil
}

func (s *Service) placePreviews(ctx context.Context, place, base, name string) (Previews, error) {
	forks, err := s.ownPreviews(ctx, place, name)
	if err != nil {
		return Previews{}, err
	}
	own, err := s.ownPreviews(ctx, base, name)
	if err != nil && !errors.Is(err, fault.NotFound) {
		return Previews{}, err
	}
	return own.beside(forks), nil
}

// beside adds what forks have to what the repository itself has, which stays as it is.
func (p Previews) beside(forks Previews) Previews {
	mine := map[string]bool{}
	for _, v := range p.Versions {
		mine[v.Version] = true
	}
	p.Versions = slices.Clone(p.Versions)
	for _, v := range forks.Versions {
		if !mine[v.Version] {
			p.Versions = append(p.Versions, v)
		}
	}
	slices.SortFunc(p.Versions, func(a, b Preview) int {
		return cmp.Or(b.PublishedAt.Compare(a.PublishedAt), strings.Compare(a.SHA, b.SHA))
	})
	tags := maps.Clone(forks.Tags)
	if tags == nil {
		tags = map[string]string{}
	}
	maps.Copy(tags, p.Tags)
	p.Tags = tags
	if !forks.Until.IsZero() {
		p.ends(forks.Until)
	}
	return p
}
