package pack

import (
	"context"
	"errors"
	"io"
	"io/fs"

	"github.com/org/registry-action/internal/action/workspace"
	"github.com/org/registry-action/internal/format/manifest"
	"github.com/org/registry-action/internal/format/tarball"
)

// repack writes a delegate's archive again as a split tarball: the files, their
// order and modes are the tool's; package.json is rewritten on top of what the
// tool has done to it.
func (p *packer) repack(ctx context.Context, m *workspace.Member, path string) (_ *Package, err error) {
	summary, err := check(ctx, path)
	if err != nil {
		return nil, err
	}
	own, err := manifest.Parse(m.Manifest.Path, summary.Manifest)
	if err != nil {
		return nil, err
	}
	packed, err := p.rewrite(m, own, manifest.Rewrite{})
	if err != nil {
		return nil, err
	}
	names, list, err := headers(path)
	if err != nil {
		return nil, err
	}
	a, err := openArchive(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	files := make([]tarball.File, 0, len(list))
	for i, h := range list {
		if names[i] == manifestName {
			continue
		}
		files = append(files, tarball.File{
			Name: names[i], Size: h.Size, Mode: fs.FileMode(h.Mode).Perm(),
			// The body is written in this order, so the archive is read once through.
			Open: func() (io.ReadCloser, error) { return a.seek(names[i]) },
		})
	}
	return p.write(content{dir: m.Dir, own: own.Version, manifest: packed, files: files})
}
