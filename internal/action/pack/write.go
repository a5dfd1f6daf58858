package pack

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
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

// write appends a split tarball to a spool in one pass over the files, and
// computes the whole's hashes on the way. It can do so because what depends on
// head and body, the CRC, comes last in the file.
func (p *packer) write(c content) (*Package, error) {
	var head bytes.Buffer
	first, err := p.tar.WriteHead(&head, c.manifest.Source, p.Commit)
	if err != nil {
		return nil, fmt.Errorf("packing %s: %w", c.manifest.Path, err)
	}
	filled := head.Bytes()
	if first.Holes {
		filled = tarball.FillHead(filled, p.Commit)
	}
	spool, err := p.spools.take(p.TempDir)
	if err != nil {
		return nil, fmt.Errorf("packing %s: %w", c.manifest.Name, err)
	}
	defer p.spools.put(spool)
	sums := digest.NewHasher()
	recipe, err := p.stream(io.MultiWriter(spool, sums), filled, first, c.files)
	if err != nil {
		return nil, fmt.Errorf("packing %s: %w", c.manifest.Name, err)
	}
	whole := section{spool.Name(), spool.end, sums.Size()}
	spool.end += whole.size

	pkg := &Package{
		Name: c.manifest.Name, Version: c.manifest.Version, OwnVersion: c.own, Dir: c.dir,
		Head: head.Bytes(), Recipe: recipe, whole: whole, Sums: sums.Sums(), Size: whole.size,
	}
	pkg.add(manifestName, int64(len(c.manifest.Source)))
	for _, f := range c.files {
		pkg.add(f.Name, f.Size)
	}
	pkg.Bins = binNames(c.manifest, pkg.Files)
	pkg.Siblings, pkg.ByURL = pinned(c.manifest, func(spec, full string) string { return cmp.Or(p.pinNames[spec], p.pinNames[full]) })
	return pkg, nil
}

// stream writes a whole tarball with a head that is made already.
func (p *packer) stream(w io.Writer, head []byte, first tarball.Run, files []tarball.File) (tarball.Recipe, error) {
	if _, err := w.Write(slices.Concat(tarball.Recipe{}.Header(), head)); err != nil {
		return tarball.Recipe{}, err
	}
	rest, err := p.tar.WriteBody(w, files)
	if err != nil {
		return tarball.Recipe{}, err
	}
	recipe := tarball.Join(first, rest)
	_, err = w.Write(recipe.Trailer())
	return recipe, err
}

// pinned returns the packages packed along that a packed manifest needs to be installed, and whether it needs one by URL.
// Find names the package that a specifier means, as it is and as "name@version": a dependency under another name is
// "npm:name@version", and a peer's comes behind the range that it also takes.
func pinned(m *manifest.Manifest, find func(spec, full string) string) (names []string, byURL bool) {
	for _, field := range []string{"dependencies", "optionalDependencies", "peerDependencies"} {
		for dep, spec := range m.Dependencies[field] {
			spec = spec[strings.LastIndexByte(spec, ' ')+1:]
			full := dep + "@" + spec
			if alias, ok := strings.CutPrefix(spec, "npm:"); ok {
				full = alias
			}
			if name := find(spec, full); name != "" && !optionalPeer(m, field, dep) {
				names, byURL = append(names, name), byURL || strings.Contains(spec, "://")
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names), byURL
}

// optionalPeer reports whether a dependency is a peer that is not installed along.
func optionalPeer(m *manifest.Manifest, field, dep string) bool {
	var peers struct {
		Meta map[string]struct{ Optional bool } `json:"peerDependenciesMeta"`
	}
	return field == "peerDependencies" && json.Unmarshal(m.Source, &peers) == nil && peers.Meta[dep].Optional
}

func (p *Package) add(path string, size int64) {
	p.Files = append(p.Files, File{Path: path, Size: size})
	p.Unpacked += size
}
