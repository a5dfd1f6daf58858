package zig

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/org/registry-action/internal/format/semver"
)

// Manifest is what a build.zig.zon says, as far as it matters to a registry.
type Manifest struct {
	Name        string
	NameText    bool   // .name is a string, as Zig 0.11 to 0.13 want it; 0.16 and later refuse it
	Version     string // semantic, as written
	Fingerprint uint64 // 0: none
	MinimumZig  string // .minimum_zig_version; advisory
	// Paths are what the package includes, as written; nil if the manifest has no .paths, which means everything.
	Paths        []string
	Dependencies []Dependency // by key

	text []finding // of the text, whatever it says
}

// Dependency is one of .dependencies. It is stored and shown as it is here.
type Dependency struct {
	Key  string `json:"key"`           // what the build script calls it
	URL  string `json:"url,omitempty"` // or Path
	Hash string `json:"hash,omitempty"`
	Path string `json:"path,omitempty"`
	Lazy bool   `json:"lazy,omitempty"`
}

// ID is the low half of the fingerprint, which tells apart projects of one name; 0 without a fingerprint.
func (m Manifest) ID() uint32 { return uint32(m.Fingerprint) }

// The bounds of what a manifest says.
const (
	maxBareName    = 32 // bytes of a name and of a version, for Zig 0.14 and later
	maxBareVersion = 32
	maxName        = 64 // bytes of a name that is a string: the registry's bound, 0.11 to 0.13 have none
	maxHash        = 110
)

// ParseManifest reads a build.zig.zon (at most 1 MiB) as the most tolerant compiler does: of equal fields the last
// counts (those of .paths and .dependencies add up), unknown ones are passed over. What no compiler from 0.12 on reads is
// fault.Invalid with the line and column, and so are names that are no plain file name, and values that are not UTF-8.
// Rules that only some compilers have are not checked here; see Package.
func ParseManifest(text []byte) (Manifest, error) {
	r, root, err := readZON(text)
	if err != nil {
		return Manifest{}, err
	}
	if root.kind != zonStruct && root.kind != zonEmpty {
		return Manifest{}, r.fail(root.at, "expected a struct such as .{ .name = .foo, … }, found %s", root.kind)
	}
	p := manifestReader{zonReader: r, deps: map[string]Dependency{}}
	if err := p.fields(root, p.field); err != nil {
		return Manifest{}, err
	}
	if p.m.Name == "" {
		return Manifest{}, r.fail(root.at, "the manifest has no .name")
	}
	if p.m.Version == "" {
		return Manifest{}, r.fail(root.at, "the manifest has no .version")
	}
	for _, d := range p.deps {
		p.m.Dependencies = append(p.m.Dependencies, d)
	}
	p.m.text = r.textFindings()
	slices.SortFunc(p.m.Dependencies, func(a, b Dependency) int { return cmp.Compare(a.Key, b.Key) })
	return p.m, nil
}

// manifestReader gives the values of a manifest their meaning.
type manifestReader struct {
	*zonReader
	m    Manifest
	deps map[string]Dependency
}

// fields calls read for each field of a struct.
func (p *manifestReader) fields(n zonNode, read func(key string, value zonNode) error) error {
	for _, f := range n.nodes {
		key, err := p.name(f.key.at, f.key.end)
		if err != nil {
			return err
		}
		if err := read(key, f); err != nil {
			return err
		}
	}
	return nil
}

// field reads a top-level field.
func (p *manifestReader) field(key string, n zonNode) (err error) {
	switch key {
	case "name":
		err = p.readName(n)
	case "version":
		p.m.Version, err = p.version(key, n)
	case "minimum_zig_version":
		p.m.MinimumZig, err = p.version(key, n)
	case "fingerprint":
		err = p.fingerprint(n)
	case "paths":
		err = p.paths(n)
	case "dependencies":
		if n.kind != zonStruct && n.kind != zonEmpty {
			return p.fail(n.at, "expected .dependencies to be a struct, found %s", n.kind)
		}
		err = p.fields(n, p.dependency)
	}
	return err
}

// str reads a plain string; multiline ones are refused by all compilers where a manifest wants one.
func (p *manifestReader) str(key string, n zonNode) (string, error) {
	if n.kind != zonString {
		return "", p.fail(n.at, "expected .%s to be a string in quotes, found %s", key, n.kind)
	}
	return p.unquote(n.at, n.end)
}

// readName takes a string or a bare enum literal.
func (p *manifestReader) readName(n zonNode) (err error) {
	switch n.kind {
	case zonString:
		p.m.NameText = true
		p.m.Name, err = p.unquote(n.at, n.end)
	case zonEnum:
		p.m.NameText = false
		p.m.Name = string(p.text[n.at:n.end])
		if !isBare(p.m.Name, latest) || len(p.m.Name) > maxBareName {
			err = p.fail(n.at, "the name .%s is not a bare identifier of at most %d bytes: letters, digits and '_'", p.m.Name, maxBareName)
		}
	default:
		err = p.fail(n.at, "expected .name to be a name such as .foo (or \"foo\" for Zig 0.13 and before), found %s", n.kind)
	}
	if err == nil && !validName(p.m.Name) {
		err = p.fail(n.at, "the name %q doesn't fit a registry: 1 to %d letters, digits, '_', '-' and '.', the first a letter, a digit or '_'", p.m.Name, maxName)
	}
	return err
}

// validName reports whether a name can be a segment of a URL and of a path on every system.
func validName(s string) bool {
	if s == "" || len(s) > maxName || !isWordByte(s[0]) {
		return false
	}
	for i := range len(s) {
		if !isWordByte(s[i]) && s[i] != '-' && s[i] != '.' {
			return false
		}
	}
	return s[len(s)-1] != '.'
}

// version reads a string that is a semantic version.
func (p *manifestReader) version(key string, n zonNode) (string, error) {
	s, err := p.str(key, n)
	if err == nil && !validVersion(s) {
		err = p.fail(n.at, "%.80q is no semantic version; .%s needs three numbers, as in 1.2.3, 1.2.3-rc.1 or 1.2.3+build", s, key)
	}
	return s, err
}

// validVersion is std.SemanticVersion, which differs from node's in one rule: a numeric identifier of a pre-release is
// below 2⁶⁴. (It reads "1_0.0.0" too; what is no semantic version elsewhere is refused.)
func validVersion(s string) bool {
	v, err := semver.Parse(s)
	if err != nil {
		return false
	}
	for id := range strings.SplitSeq(v.Prerelease, ".") {
		if strings.Trim(id, "0123456789") != "" || id == "" {
			continue
		}
		if _, err := strconv.ParseUint(id, 10, 64); err != nil {
			return false
		}
	}
	return true
}

// fingerprint reads a number other than 0, which compilers that know the field refuse.
func (p *manifestReader) fingerprint(n zonNode) error {
	var ok bool
	if n.kind == zonNumber {
		p.m.Fingerprint, ok = parseUint(string(p.text[n.at:n.end]))
	}
	if !ok || p.m.Fingerprint == 0 {
		return p.fail(n.at, "expected .fingerprint to be a 64-bit number such as 0x1234567890abcdef, not 0")
	}
	return nil
}

// paths reads a list of strings; .{} is none to any compiler.
func (p *manifestReader) paths(n zonNode) error {
	if n.kind != zonList {
		return p.fail(n.at, `expected .paths to be a list with a string in it, such as .{"src"}, or .{""} for everything; found %s`, n.kind)
	}
	for _, item := range n.nodes {
		s, err := p.str("paths", item)
		if err != nil {
			return err
		}
		p.m.Paths = append(p.m.Paths, s)
	}
	return nil
}

// dependency reads one of .dependencies.
func (p *manifestReader) dependency(key string, n zonNode) error {
	if n.kind != zonStruct {
		return p.fail(n.at, "expected the dependency %.80q to be a struct with .url or .path, found %s", key, n.kind)
	}
	d, places := Dependency{Key: key}, 0
	err := p.fields(n, func(field string, n zonNode) (err error) {
		switch field {
		case "url":
			places++
			d.URL, err = p.str(field, n)
		case "path":
			places++
			d.Path, err = p.str(field, n)
		case "hash":
			d.Hash, err = p.str(field, n)
			if err == nil && len(d.Hash) > maxHash {
				err = p.fail(n.at, "a hash has at most %d bytes", maxHash)
			}
		case "lazy":
			word := string(p.text[n.at:n.end])
			if d.Lazy = word == "true"; !d.Lazy && word != "false" {
				err = p.fail(n.at, "expected .lazy to be true or false, found %.40q", word)
			}
		}
		return err
	})
	if err == nil && places != 1 {
		err = p.fail(n.at, "the dependency %.80q needs one .url or one .path, not %d", key, places)
	}
	p.deps[key] = d
	return err
}
