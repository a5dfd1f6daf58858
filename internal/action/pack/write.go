package pack

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/manifest"
	"github.com/org/registry-action/internal/format/tarball"
)

// content is what goes into one split tarball.
type content struct {
	dir      string // of the Package
	own      string // the version on disk
	manifest *manifest.Manifest
	files    []tarball.File // all but package.json
}

// write makes a split tarball in one pass over the files: the head in memory,
// the body in a file of TempDir, the whole's hashes on the way. It can do so
// because what depends on both, the CRC, comes last in the file.
func (p *packer) write(ctx context.Context, c content) (pkg *Package, err error) {
	var head bytes.Buffer
	first, err := p.tar.WriteHead(&head, c.manifest.Source, p.Commit)
	if err != nil {
		return nil, fmt.Errorf("packing %s: %w", c.manifest.Path, err)
	}
	body, err := os.CreateTemp(p.TempDir, "body-*")
	if err != nil {
		return nil, fmt.Errorf("packing %s: %w", c.manifest.Name, err)
	}
	defer func() {
		err = errors.Join(err, body.Close())
	}()
	filled := head.Bytes()
	if first.Holes {
		filled = tarball.FillHead(filled, p.Commit)
	}
	sums := digest.NewHasher()
	sums.Write(tarball.Recipe{}.Header())
	sums.Write(filled)
	rest, err := p.tar.WriteBody(io.MultiWriter(body, sums), c.files)
	if err != nil {
		return nil, fmt.Errorf("packing %s: %w", c.manifest.Name, err)
	}
	recipe := tarball.Join(first, rest)
	sums.Write(recipe.Trailer())

	pkg = &Package{
		Name: c.manifest.Name, Version: c.manifest.Version, OwnVersion: c.own, Dir: c.dir,
		Head: head.Bytes(), filled: filled, Body: body.Name(), Recipe: recipe, Sums: sums.Sums(), Size: sums.Size(),
	}
	pkg.add(manifestName, int64(len(c.manifest.Source)))
	for _, f := range c.files {
		pkg.add(f.Name, f.Size)
	}
	pkg.Bins = binNames(c.manifest, pkg.Files)
	pkg.Siblings = p.pinned(c.manifest)
	return pkg, nil
}

// pinned returns the packages packed along that a packed manifest needs to be
// installed. A dependency under another name is "npm:name@version", or a URL.
func (p *packer) pinned(m *manifest.Manifest) []string {
	var names []string
	for _, field := range []string{"dependencies", "optionalDependencies"} {
		for dep, spec := range m.Dependencies[field] {
			full := dep + "@" + spec
			if alias, ok := strings.CutPrefix(spec, "npm:"); ok {
				full = alias
			}
			if name := cmp.Or(p.pinNames[spec], p.pinNames[full]); name != "" {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (p *Package) add(path string, size int64) {
	p.Files = append(p.Files, File{Path: path, Size: size})
	p.Unpacked += size
}
