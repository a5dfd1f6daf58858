// Package lumenfolder reads the tree of a Lumen registry, in a folder or over the network, as an export writes it or somebody made it by hand: fields
// may be missing, archives compressed, names without a scope, packages and versions absent from the indexes.
//
// Signatures are not read: who imports the versions signs them.
package lumenfolder

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/org/registry-action/internal/foreign"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/lumen"
)

// Folder is an open folder of a Lumen registry.
type Folder struct {
	*foreign.Folder
	names    []string
	unlisted int // packages that index.json does not have
	signed   bool
}

// Open reads index.json, if there is one, and finds the packages.
func Open(dir string) (*Folder, error) {
	files, err := foreign.OpenFolder(dir)
	if err != nil {
		return nil, err
	}
	f := &Folder{Folder: files, signed: files.Has("signatures")}
	if err := f.find(); err != nil {
		return nil, errors.Join(err, files.Close())
	}
	return f, nil
}

// find lists the packages of index.json and those that are there without it.
func (f *Folder) find() error {
	listed := map[string]bool{}
	text, err := f.ReadJSON(lumen.IndexPath())
	if err == nil {
		x, err := lumen.DecodeIndex(text)
		if err != nil {
			return err
		}
		for _, e := range x.Packages {
			listed[e.Name] = true
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	there, err := f.folders()
	if errors.Is(err, fs.ErrNotExist) && text == nil {
		return fmt.Errorf("there is neither index.json nor packages/ in the folder; give the root of a Lumen registry: %w", err)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, name := range there {
		if !listed[name] {
			f.unlisted++
		}
		listed[name] = true
	}
	f.names = slices.Sorted(maps.Keys(listed))
	return nil
}

// folders are the names that the folders below packages/ stand for.
func (f *Folder) folders() (names []string, err error) {
	top, err := f.Folders("packages")
	if err != nil {
		return nil, err
	}
	for _, name := range top {
		if !strings.HasPrefix(name, "@") {
			names = append(names, name)
			continue
		}
		inner, err := f.Folders(path.Join("packages", name))
		if err != nil {
			return nil, err
		}
		for _, rest := range inner {
			names = append(names, name+"/"+rest)
		}
	}
	return names, nil
}

// Len is the number of packages.
func (f *Folder) Len() int { return len(f.names) }

// Notes says what of the folder is not imported.
func (f *Folder) Notes() (notes []string) {
	if f.unlisted > 0 {
		notes = append(notes, fmt.Sprintf("index.json does not list all packages that are there; they are imported as well (packages: %d)", f.unlisted))
	}
	if f.signed {
		notes = append(notes, "signatures are not imported: the server signs with its own key")
	}
	return notes
}

// Packages yields the packages by name.
func (f *Folder) Packages() iter.Seq[foreign.Package] {
	return func(yield func(foreign.Package) bool) {
		for _, name := range f.names {
			if !yield(f.pkg(name)) {
				return
			}
		}
	}
}

func (f *Folder) pkg(name string) foreign.Package {
	p := foreign.Package{Name: name}
	if p.Problem = lumen.ValidName(name, true); p.Problem != nil {
		return p
	}
	var x lumen.PackageIndex
	text, err := f.ReadJSON(lumen.PackageIndexPath(name))
	if err == nil {
		x, err = lumen.DecodePackageIndex(text)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		p.Problem = err
		return p
	}
	versions, err := f.versions(name, x)
	if err != nil {
		p.Problem = err
		return p
	}
	for _, version := range versions {
		v := f.version(name, version)
		if reason, ok := x.Yanked[version]; ok {
			v.Yanked = &reason
		}
		p.Versions = append(p.Versions, v)
	}
	foreign.Sort(p.Versions)
	return p
}

// versions are those that the package's index lists, and those whose metadata is there without it.
func (f *Folder) versions(name string, x lumen.PackageIndex) ([]string, error) {
	all := slices.Clone(x.Versions)
	files, err := f.Files(path.Join("packages", name))
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		version, ok := strings.CutSuffix(file, ".json")
		if ok && lumen.ValidVersion(version) == nil {
			all = append(all, version)
		}
	}
	slices.SortFunc(all, lumen.Compare)
	return slices.Compact(all), nil
}

func (f *Folder) version(name, version string) foreign.Version {
	v := foreign.Version{Version: version}
	if v.Problem = lumen.ValidVersion(version); v.Problem != nil {
		return v
	}
	text, err := f.ReadJSON(lumen.MetadataPath(name, version))
	if err != nil {
		v.Problem = err
		return v
	}
	m, err := lumen.DecodeMetadata(text)
	if err != nil {
		v.Problem = err
		return v
	}
	describe(&v, m)
	v.File, v.Checksum, v.Problem = f.archive(m)
	return v
}

// describe takes over what the metadata of a version says of it.
func describe(v *foreign.Version, m lumen.Metadata) {
	if m.Yanked {
		v.Yanked = &m.YankReason
	}
	if m.PublishedAt == "" {
		return
	}
	at, err := time.Parse(time.RFC3339, m.PublishedAt)
	if err != nil {
		v.Hint = fmt.Sprintf("its published_at %.40q is no time", m.PublishedAt)
		return
	}
	v.PublishedAt = at
}

// sent is the archive that was published, where there is a plain one that was made of it as well.
func sent(m lumen.Metadata) (a lumen.Artifact, err error) {
	if len(m.Artifacts) == 0 {
		return a, errors.New("its metadata has no artifacts")
	}
	if i := slices.IndexFunc(m.Artifacts, func(a lumen.Artifact) bool { return a.Kind == "tgz" }); i >= 0 {
		return m.Artifacts[i], nil
	}
	return m.Artifacts[0], nil
}

// archive finds the archive of a version, also where its URL leads elsewhere.
func (f *Folder) archive(m lumen.Metadata) (file, checksum string, err error) {
	a, err := sent(m)
	if err != nil {
		return "", "", err
	}
	var places []string
	if a.Hash != "" {
		d, err := digest.Parse(a.Hash)
		if err != nil {
			return "", "", fmt.Errorf("the hash of its artifact is none: %w", err)
		}
		checksum = d.String()
		for _, kind := range []string{"tar", "tgz", "tar.gz", ""} {
			places = append(places, lumen.ArtifactPath(d, kind))
		}
	}
	if url := strings.TrimPrefix(a.URL, "/"); fs.ValidPath(url) && url != "." {
		places = append([]string{url}, places...)
	}
	if i := slices.IndexFunc(places, f.Has); i >= 0 {
		return places[i], checksum, nil
	}
	return "", "", fmt.Errorf("its artifact %.200q is not in the folder", cmp.Or(a.URL, a.Hash))
}
