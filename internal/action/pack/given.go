package pack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/manifest"
	"github.com/org/registry-action/internal/format/semver"
	"github.com/org/registry-action/internal/format/tarball"
)

// Tarballs takes .tgz files that were made before as they are: their bytes are what
// gets published, so nothing in them is pinned. They must pass the checks that the
// registry makes; the error names the rule and the entry. Those that we have packed for
// the commit are known as such, and which of them need each other.
func Tarballs(ctx context.Context, paths []string, commit string) ([]*Package, error) {
	packages, manifests := make([]*Package, len(paths)), make([]*manifest.Manifest, len(paths))
	names := map[string]string{} // by "name@version", and by what their URLs at the commit end in
	for i, path := range paths {
		p, m, err := given(ctx, path, commit)
		if err != nil {
			return nil, err
		}
		packages[i], manifests[i] = p, m
		names[p.Name+"@"+p.Version], names["/commits/"+commit+"/"+p.Name+"/tarball"] = p.Name, p.Name
	}
	for i, p := range packages {
		p.Siblings, p.ByURL = pinned(manifests[i], func(spec, full string) string {
			if at := strings.Index(spec, "/commits/"); at >= 0 && strings.Contains(spec, "://") {
				return names[spec[at:]]
			}
			return names[full]
		})
	}
	return packages, nil
}

// given reads one of them.
func given(ctx context.Context, path, commit string) (*Package, *manifest.Manifest, error) {
	summary, err := check(ctx, path)
	if err != nil {
		return nil, nil, err
	}
	if _, err := semver.Clean(summary.Version); err != nil {
		return nil, nil, fault.New(fault.Invalid, "%s: its package.json has the version %.100q; a package needs a semantic version", path, summary.Version)
	}
	m, err := manifest.Parse(path+"!"+manifestName, summary.Manifest)
	if err != nil {
		return nil, nil, err
	}
	pkg := &Package{
		Name: summary.Name, Version: summary.Version, OwnVersion: summary.Version,
		whole: section{path: path, size: summary.Size}, Sums: summary.Sums, Size: summary.Size,
	}
	names, list, err := headers(path)
	if err != nil {
		return nil, nil, err
	}
	for i, h := range list {
		pkg.add(names[i], h.Size)
	}
	pkg.Bins = binNames(m, pkg.Files)
	return pkg, m, pkg.resplit(ctx, summary.Manifest, commit)
}

// check applies the registry's rules to an archive.
func check(ctx context.Context, path string) (_ tarball.Summary, err error) {
	f, err := os.Open(path)
	if err != nil {
		return tarball.Summary{}, fmt.Errorf("opening %s: %w", path, err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	stat, err := f.Stat()
	if err != nil {
		return tarball.Summary{}, err
	}
	summary, err := tarball.Check(cancelable{ctx, f}, tarball.LimitsFor(stat.Size()))
	if err != nil {
		return tarball.Summary{}, fmt.Errorf("%s: %w", path, err)
	}
	return summary, nil
}

// cancelable stops reading when its context ends.
type cancelable struct {
	ctx context.Context
	io.Reader
}

func (c cancelable) Read(b []byte) (int, error) {
	if c.ctx.Err() != nil {
		return 0, context.Cause(c.ctx)
	}
	return c.Reader.Read(b)
}
