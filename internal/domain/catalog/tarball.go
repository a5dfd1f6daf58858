package catalog

import (
	"context"
	"strings"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/npm"
)

// Tarball opens the tarball whose conventional file name is file ("a-1.0.0.tgz"
// for @acme/a, or the same with "@acme/" in front). A file name that no version of the package has
// is fault.NotFound, before anything is opened. For a head nothing is fetched: of
// a tarball of upstream that is not here, both File and Stream are missing. Of one
// of ours there may be a link in place of it.
func (s *Service) Tarball(ctx context.Context, root Root, name, file string, want Want) (*Tarball, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	version, ok := fileVersion(name, file)
	if !ok {
		return nil, fault.New(fault.NotFound, "package %q has no tarball %.300q", name, file)
	}
	if root.Repository != "" {
		if _, err := s.src.Previews.Revision(ctx, root.Repository); err != nil {
			return nil, err
		}
		t, err := s.src.Previews.Tarball(ctx, root.Repository, name, version, want)
		if !absent(err) {
			return t.from(OfCommit, version), err
		}
	}
	t, err := s.src.Releases.Tarball(ctx, name, version, want)
	if err == nil {
		return t.from(OfRelease, version), nil
	}
	up, err := s.elsewhere(ctx, name, err)
	if err != nil {
		return nil, err
	}
	if isPreview(version) {
		return nil, noVersion(name, version)
	}
	scope, _ := npm.SplitName(name)
	return up.Tarball(ctx, name, strings.TrimPrefix(file, scope+"/"), want.Head)
}
