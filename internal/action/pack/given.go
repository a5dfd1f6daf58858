package pack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/manifest"
	"github.com/org/registry-action/internal/format/semver"
	"github.com/org/registry-action/internal/format/tarball"
)

// Tarball takes a .tgz that somebody else made as it is: its bytes are what
// gets published, so nothing in it is pinned. It must pass the checks that the
// registry makes; the error names the rule and the entry.
func Tarball(ctx context.Context, path string) (*Package, error) {
	summary, err := check(ctx, path)
	if err != nil {
		return nil, err
	}
	if _, err := semver.Clean(summary.Version); err != nil {
		return nil, fault.New(fault.Invalid, "%s: its package.json has the version %.100q; a package needs a semantic version", path, summary.Version)
	}
	m, err := manifest.Parse(path+"!"+manifestName, summary.Manifest)
	if err != nil {
		return nil, err
	}
	pkg := &Package{
		Name: summary.Name, Version: summary.Version, OwnVersion: summary.Version,
		whole: section{path: path, size: summary.Size}, Sums: summary.Sums, Size: summary.Size,
	}
	names, list, err := headers(path)
	if err != nil {
		return nil, err
	}
	for i, h := range list {
		pkg.add(names[i], h.Size)
	}
	pkg.Bins = binNames(m, pkg.Files)
	return pkg, nil
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
