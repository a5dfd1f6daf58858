package packlist

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/org/registry-action/internal/fault"
)

// manifest is what packing needs of a package.json, normalised as npm does.
type manifest struct {
	name       string
	files      []string
	hasFiles   bool
	main       string // "" if there is none
	browser    string
	bins       []string // package-relative, cleaned
	bundle     []string
	workspaces []string

	dependencies, optional, dev, peer map[string]bool // names
}

// parseManifest parses a package.json. root gives access to the package's
// folder, for directories.bin; source names the file in errors. A text that is
// no JSON object is an empty one to npm-packlist: npm refuses it elsewhere.
func parseManifest(text []byte, root *os.Root, source string) (*manifest, error) {
	var fields map[string]json.RawMessage
	if json.Unmarshal(bytes.TrimPrefix(text, []byte("\uFEFF")), &fields) != nil {
		return &manifest{}, nil
	}
	m := &manifest{
		main:         jsString(fields["main"]),
		browser:      jsString(fields["browser"]),
		dependencies: keys(fields["dependencies"]),
		optional:     keys(fields["optionalDependencies"]),
		dev:          keys(fields["devDependencies"]),
		peer:         keys(fields["peerDependencies"]),
		workspaces:   workspacePatterns(fields["workspaces"]),
	}
	_ = json.Unmarshal(fields["name"], &m.name) // a name that is no string is none
	if err := m.readFiles(fields["files"], source); err != nil {
		return nil, err
	}
	m.readBundle(fields)
	return m, m.readBins(fields, root, source)
}

// readFiles reads the files array. npm takes a string apart into characters.
func (m *manifest) readFiles(raw json.RawMessage, source string) error {
	if falsy(raw) {
		return nil
	}
	m.hasFiles = true
	var text string
	if json.Unmarshal(raw, &text) == nil {
		m.files = strings.Split(text, "")
		return nil
	}
	if json.Unmarshal(raw, &m.files) != nil {
		return fault.New(fault.Invalid, "\"files\" in %s must be an array of strings", source)
	}
	return nil
}

// readBundle reads bundleDependencies: an array, an object's keys, or true for
// all dependencies.
func (m *manifest) readBundle(fields map[string]json.RawMessage) {
	raw, ok := fields["bundleDependencies"]
	if !ok {
		raw = fields["bundledDependencies"]
	}
	names := keys(raw)
	switch {
	case string(bytes.TrimSpace(raw)) == "true":
		names = m.dependencies
	case names == nil:
		var list []any
		_ = json.Unmarshal(raw, &list) // anything else bundles nothing
		for _, name := range list {
			if s, ok := name.(string); ok {
				m.bundle = append(m.bundle, s)
			}
		}
	}
	for name := range names {
		m.bundle = append(m.bundle, name)
	}
	slices.Sort(m.bundle)
}

// readBins reads bin, or else directories.bin.
func (m *manifest) readBins(fields map[string]json.RawMessage, root *os.Root, source string) error {
	raw := fields["bin"]
	if falsy(raw) {
		var directories struct {
			Bin string `json:"bin"`
		}
		_ = json.Unmarshal(fields["directories"], &directories) // of another type it is none
		if directories.Bin == "" {
			return nil
		}
		return m.readBinFolder(cleanTarget(directories.Bin), root, source)
	}
	var one string
	var list []any
	var byName map[string]any
	switch {
	case json.Unmarshal(raw, &one) == nil:
		if m.name != "" {
			m.addBin(one)
		}
	case json.Unmarshal(raw, &list) == nil:
		for _, target := range list {
			m.addBin(target)
		}
	case json.Unmarshal(raw, &byName) == nil:
		for name, target := range byName {
			if path.Base(cleanTarget(name)) != "." {
				m.addBin(target)
			}
		}
	}
	slices.Sort(m.bins)
	return nil
}

func (m *manifest) addBin(target any) {
	if s, ok := target.(string); ok && cleanTarget(s) != "" {
		m.bins = append(m.bins, cleanTarget(s))
	}
}

// readBinFolder makes a bin of everything below a folder, hidden names left
// out. Of several with one name, npm keeps the one it comes to last: it goes
// through a folder before the folders in it.
func (m *manifest) readBinFolder(dir string, root *os.Root, source string) error {
	last := map[string]string{}
	err := fs.WalkDir(root.FS(), path.Clean(dir), func(p string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case p == path.Clean(dir):
			return nil
		case strings.HasPrefix(d.Name(), "."):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if was := last[d.Name()]; strings.Count(p, "/") >= strings.Count(was, "/") {
			last[d.Name()] = p
		}
		return nil
	})
	if err != nil {
		return fault.Wrap(err, fault.Invalid, "directories.bin of %s, %q, can't be read", source, dir)
	}
	m.bins = slices.Sorted(maps.Values(last))
	return nil
}

// cleanTarget makes a path relative to the package's folder and keeps it
// inside; "" is no path.
func cleanTarget(target string) string {
	target = strings.NewReplacer(`\`, "/", ":", "/").Replace(target)
	cleaned := strings.TrimPrefix(path.Join("/", target), "/")
	if cleaned != "" && strings.HasSuffix(target, "/") {
		cleaned += "/"
	}
	return cleaned
}

// executable says whether npm sets 0111 on an entry: see File.Executable.
func (m *manifest) executable(p string) bool {
	if _, rest, ok := strings.Cut(p, "/"); ok && p[0] != '@' { // that has a "./" in front, for node-tar
		p = rest
	}
	return slices.Contains(m.bins, p)
}

// workspacePatterns reads workspaces in its array and its object form.
func workspacePatterns(raw json.RawMessage) []string {
	var list []string
	var object struct {
		Packages []string `json:"packages"`
	}
	if json.Unmarshal(raw, &list) == nil {
		return list
	}
	_ = json.Unmarshal(raw, &object) // what is neither has no workspaces
	return object.Packages
}

// keys are the names of an object's members; nil if raw is no object.
func keys(raw json.RawMessage) map[string]bool {
	var object map[string]json.RawMessage
	if json.Unmarshal(raw, &object) != nil || object == nil {
		return nil
	}
	names := make(map[string]bool, len(object))
	for name := range object {
		names[name] = true
	}
	return names
}

// emptyValue matches the JSON values that JavaScript takes for false.
var emptyValue = regexp.MustCompile(`^(?:|null|false|""|-?0(?:\.0*)?(?:[eE][-+]?\d+)?)$`)

func falsy(raw json.RawMessage) bool { return emptyValue.Match(bytes.TrimSpace(raw)) }

// jsString is a JSON value as a JavaScript template string shows it; "" if it
// counts as false.
func jsString(raw json.RawMessage) string {
	if falsy(raw) {
		return ""
	}
	var value any
	if json.Unmarshal(raw, &value) != nil {
		return ""
	}
	switch v := value.(type) {
	case string:
		return v
	case map[string]any:
		return "[object Object]"
	case []any:
		var parts []string
		_ = json.Unmarshal(raw, &parts) // elements that are no strings are left empty
		return strings.Join(parts, ",")
	default:
		return string(bytes.TrimSpace(raw))
	}
}
