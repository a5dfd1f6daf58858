// Package pantry reads a Pantry registry: the folder of one that keeps its data on
// disk, metadata.json and packages below tarballs/, or the DynamoDB table and the S3
// bucket of another. Commit packages, Zig packages and accounts are not read.
//
// Pantry names the folder of a package by its name without "@" and with "-" for
// "/", so @a/b and a-b share one: the package.json inside a tarball tells whose it
// is, and the server refuses the other.
package pantry

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/org/registry-action/internal/foreign"
	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/format/semver"
)

// metadataFile is Pantry's whole model.
const metadataFile = "metadata.json"

// Folder is an open folder of a Pantry registry.
type Folder struct {
	*foreign.Folder
	packages map[string]json.RawMessage
	names    []string
	sharing  sharing
	commits  int
}

// Open reads metadata.json. dir is Pantry's .registry, or the folder it is in.
func Open(dir string) (*Folder, error) {
	files, err := foreign.OpenFolder(dir)
	if err != nil {
		return nil, err
	}
	if inner := filepath.Join(dir, ".registry"); !files.Has(metadataFile) && files.Has(path.Join(".registry", metadataFile)) {
		outer := files
		files, err = foreign.OpenFolder(inner)
		if err = errors.Join(err, outer.Close()); err != nil {
			return nil, err
		}
	}
	f := &Folder{Folder: files}
	if err := f.read(); err != nil {
		return nil, errors.Join(err, files.Close())
	}
	return f, nil
}

func (f *Folder) read() error {
	text, err := f.ReadJSON(metadataFile)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no %s in the folder; give the .registry folder of a Pantry server that kept its data on disk: %w", metadataFile, err)
	}
	if err != nil {
		return err
	}
	if err := f.parse(text); err != nil {
		return err
	}
	f.names = slices.Sorted(maps.Keys(f.packages))
	f.sharing = sharingOf(f.names)
	return nil
}

// parse reads {"version": 1, "packages": {…}, …}, or of older servers the bare packages.
func (f *Folder) parse(text []byte) error {
	var top map[string]json.RawMessage
	if err := json.Unmarshal(text, &top); err != nil {
		return fmt.Errorf("%s is not the JSON object that Pantry writes: %w", metadataFile, err)
	}
	var version float64
	if raw, ok := top["version"]; !ok || json.Unmarshal(raw, &version) != nil {
		f.packages = top
		return nil
	}
	if err := json.Unmarshal(top["packages"], &f.packages); err != nil {
		return fmt.Errorf("%s has no object \"packages\": %w", metadataFile, err)
	}
	var commits map[string]json.RawMessage
	if json.Unmarshal(top["commits"], &commits) == nil {
		f.commits = len(commits)
	}
	return nil
}

// Len is the number of packages.
func (f *Folder) Len() int { return len(f.names) }

// Notes says what of the folder is not imported.
func (f *Folder) Notes() []string {
	if f.commits == 0 {
		return nil
	}
	return []string{commitNote("commits", f.commits)}
}

func commitNote(what string, n int) string {
	return fmt.Sprintf("packages of commits are not imported (%s: %d): Pantry keeps those for 90 days only; publish them anew with publish-commit", what, n)
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

// entry is a package in metadata.json. Each version is read by itself, so that a
// broken one leaves the others.
type entry struct {
	Name          string                     `json:"name"`
	LatestVersion string                     `json:"latestVersion"`
	PublishedBy   string                     `json:"publishedBy"`
	Versions      map[string]json.RawMessage `json:"versions"`
}

func (f *Folder) pkg(name string) foreign.Package {
	p := foreign.Package{Name: name}
	if p.Problem = npm.ValidName(name); p.Problem != nil {
		return p
	}
	var e entry
	if err := json.Unmarshal(f.packages[name], &e); err != nil {
		p.Problem = fmt.Errorf("its entry in %s can't be read: %w", metadataFile, err)
		return p
	}
	if e.Name != "" && e.Name != name {
		p.Problem = fmt.Errorf("its entry in %s says that it is %.230q", metadataFile, e.Name)
		return p
	}
	tags := foreign.TagsOf(map[string]string{"latest": e.LatestVersion})
	for version, raw := range e.Versions {
		v := readVersion(name, version, raw)
		v.Tags, v.Publisher, v.Hint = tags[version], e.PublishedBy, f.sharing.hint(name)
		p.Versions = append(p.Versions, v)
	}
	foreign.Sort(p.Versions)
	return p
}

func readVersion(name, version string, raw json.RawMessage) foreign.Version {
	v := foreign.Version{Version: version}
	if _, v.Problem = semver.Parse(version); v.Problem != nil { // Pantry takes anything
		return v
	}
	var fields struct {
		Checksum    string    `json:"checksum"`
		PublishedAt time.Time `json:"publishedAt"`
	}
	if err := json.Unmarshal(raw, &fields); err != nil {
		v.Problem = fmt.Errorf("its entry in %s can't be read: %w", metadataFile, err)
		return v
	}
	v.Checksum, v.PublishedAt, v.File = fields.Checksum, fields.PublishedAt, path.Join("tarballs", key(name, version))
	return v
}

// sharing has the names that Pantry keeps in one place, by safe name.
type sharing map[string][]string

func sharingOf(names []string) sharing {
	s := sharing{}
	for _, name := range names {
		s[safe(name)] = append(s[safe(name)], name)
	}
	return s
}

// hint explains a tarball that is another package's.
func (s sharing) hint(name string) string {
	others := slices.DeleteFunc(slices.Clone(s[safe(name)]), func(n string) bool { return n == name })
	if len(others) == 0 {
		return ""
	}
	return fmt.Sprintf("Pantry keeps %s and %s in one file, so one overwrote the other", name, strings.Join(others, ", "))
}

// safe is the name that Pantry makes folders of.
func safe(name string) string {
	return strings.ReplaceAll(strings.ReplaceAll(name, "@", ""), "/", "-")
}

// key is where the tarball of a version is.
func key(name, version string) string {
	s := safe(name)
	return path.Join("packages", "pantry", s, version, s+"-"+version+".tgz")
}
