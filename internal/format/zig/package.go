package zig

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/org/registry-action/internal/fault"
)

// Package is a Tree as a compiler sees it.
type Package struct {
	Manifest *Manifest // nil: the package has no build.zig.zon
	Text     []byte    // of build.zig.zon
	Hashes
	Files    []Entry   // what is included: files and links by path, their names below the root
	Unpacked int64     // bytes of Files
	Warnings []Warning // what some compilers can't do with it, or its users will stumble over
	Zig      []string  // the compilers that can fetch it from the archive that Write gives: "0.11", … "0.17"

	tree     *Tree
	manifest Entry // of build.zig.zon, whether it is included or not
}

// Warning is advice to who publishes.
type Warning struct {
	Code    string `json:"code"` // such as "manifest_not_in_paths"
	Message string `json:"message"`
}

// Versions are the compilers that Package.Zig tells about, oldest first.
var Versions = []string{"0.11", "0.12", "0.13", "0.14", "0.15", "0.16", "0.17"}

// Inspect finds the root and the manifest, refuses what no compiler can fetch or use (fault.Invalid, code "bad_package"; a
// manifest that none reads is refused as ParseManifest does), hashes what is included and collects warnings.
func (t *Tree) Inspect(ctx context.Context) (*Package, error) {
	root := ""
	if t.root == nil {
		root = rootOf(t.Entries)
	}
	entries := below(t.Entries, root)
	p := &Package{tree: t}
	if err := p.readManifest(entries); err != nil {
		return nil, err
	}
	only := newFilter(p.Manifest)
	if err := checkPlaces(entries, only); err != nil {
		return nil, err
	}
	for _, e := range entries {
		if only.includes(e.Name) {
			p.Files = append(p.Files, e)
			p.Unpacked += e.Size
		}
	}
	slices.SortFunc(p.Files, func(a, b Entry) int { return cmp.Compare(a.Name, b.Name) })
	if err := p.check(); err != nil {
		return nil, err
	}
	d, err := t.digest(ctx, p.Files)
	if err != nil {
		return nil, err
	}
	p.Hashes = hashesOf(p.Manifest, d, p.Unpacked)
	return p, p.judge()
}

// Open reads the content of one of Files, which the caller closes.
func (p *Package) Open(e Entry) (io.ReadCloser, error) {
	if e.Kind != File {
		return io.NopCloser(bytes.NewReader(nil)), nil
	}
	r, err := p.tree.open(e)
	if err != nil {
		return nil, fmt.Errorf("opening %s of a package: %w", e.Name, err)
	}
	return r, nil
}

// readManifest finds build.zig.zon at the root, included or not.
func (p *Package) readManifest(entries []Entry) error {
	i := slices.IndexFunc(entries, func(e Entry) bool { return e.Name == manifestName })
	if i < 0 {
		return nil
	}
	e := entries[i]
	if e.Kind != File {
		return badPackage("%s must be a file, not a link; put the file itself there", manifestName)
	}
	if e.Size > p.tree.lim.Manifest {
		return manifestTooLarge(p.tree.lim)
	}
	r, err := p.Open(e)
	if err != nil {
		return err
	}
	defer r.Close()
	text := make([]byte, e.Size)
	if _, err := io.ReadFull(r, text); err != nil {
		return fmt.Errorf("reading %s: %w", manifestName, err)
	}
	m, err := ParseManifest(text)
	if err != nil {
		return err
	}
	p.Manifest, p.Text, p.manifest = &m, text, e
	return nil
}

func manifestTooLarge(lim Limits) error {
	return tooLarge("%s is larger than %s; that is the limit", manifestName, fault.Bytes(lim.Manifest))
}
