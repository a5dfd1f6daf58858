package zig

import (
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// listed is how many names a warning gives; it says how many more there are.
const listed = 3

// dependencyFindings looks at what the package depends on, which others must be able to fetch too.
func (p *Package) dependencyFindings() (found []finding) {
	if p.Manifest == nil {
		return nil
	}
	kinds := []struct {
		code, message string
		stops         func(int) bool
		is            func(Dependency) bool
	}{
		{"path_dependency", "dependencies by .path, which Zig 0.11 does not know", until(11), func(d Dependency) bool { return d.Path != "" }},
		{"outside_dependency", "dependencies by a .path outside the package, which nobody who fetches it has, so builds that need it stop; give their .url", nil,
			func(d Dependency) bool { return d.Path != "" && !insidePath(d.Path) }},
		{"dependency_without_hash", "dependencies without a .hash, which no build accepts; `zig fetch --save URL` writes it", nil,
			func(d Dependency) bool { return d.URL != "" && d.Hash == "" }},
		{"legacy_dependency_hash", "dependencies with a hash 1220…, which Zig 0.16 and later refuse", from(16),
			func(d Dependency) bool { return strings.HasPrefix(d.Hash, legacyPrefix) && ValidHash(d.Hash) }},
		{"new_dependency_hash", "dependencies with a hash name-version-…, which Zig 0.13 and before do not read", until(13),
			func(d Dependency) bool { return !strings.HasPrefix(d.Hash, legacyPrefix) && ValidHash(d.Hash) }},
		{"bad_dependency_hash", "dependencies with a hash that no compiler prints; `zig fetch --save URL` writes the right one", either(until(13), from(16)),
			func(d Dependency) bool { return d.Hash != "" && !ValidHash(d.Hash) }},
		{"moving_dependency", "dependencies whose URL names a branch, so that their content will change and the hash no longer fit; name a tag or a commit", nil,
			func(d Dependency) bool { return moves(d.URL) }},
	}
	for _, k := range kinds {
		var keys []string
		for _, d := range p.Manifest.Dependencies {
			if k.is(d) {
				keys = append(keys, d.Key)
			}
		}
		if len(keys) > 0 {
			found = append(found, finding{k.code, "the manifest has " + k.message + ": " + some(keys), k.stops})
		}
	}
	return found
}

// insidePath reports whether a relative path stays in the package.
func insidePath(p string) bool {
	clean := path.Clean(strings.ReplaceAll(p, `\`, "/"))
	return !path.IsAbs(clean) && clean != ".." && !strings.HasPrefix(clean, "../")
}

// moves reports whether a URL is known to name a branch: an archive of one at a forge, or a git repository without a commit.
func moves(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil || raw == "" {
		return false
	}
	if strings.HasPrefix(u.Scheme, "git+") {
		return u.Fragment == "" || u.Fragment == "main" || u.Fragment == "master"
	}
	if strings.Contains(u.Path, "/refs/heads/") {
		return true
	}
	base, _, _ := strings.Cut(path.Base(u.Path), ".")
	return strings.Contains(u.Path, "/archive/") && (base == "main" || base == "master")
}

// fileFindings looks at the names of files.
func (p *Package) fileFindings() (found []finding) {
	var long, links, reserved []string
	for _, e := range p.Files {
		if e.Kind == Link {
			links = append(links, e.Name)
		}
		if _, _, fits := splitName(p.top() + e.Name); !fits {
			long = append(long, e.Name)
		}
		if !storable(e.Name) {
			reserved = append(reserved, e.Name)
		}
	}
	add := func(names []string, stops func(int) bool, code, message string) {
		if len(names) > 0 {
			found = append(found, finding{code, message + ": " + some(names), stops})
		}
	}
	if !slices.ContainsFunc(p.Files, func(e Entry) bool { return e.Name == "build.zig" }) {
		found = append(found, finding{"no_build_file", "the package has no build.zig at its root, which Zig 0.11 wants of every dependency", until(11)})
	}
	add(links, until(11), "links", "the package has symbolic links, which Zig 0.11 can't unpack and Windows only for some users")
	add(long, until(11), "long_names", "the package has names that do not fit a plain tar header, which Zig 0.11 cuts off")
	add(reserved, nil, "windows_names", "the package has names that Windows can't store or reads as other ones")
	add(clashes(p.Files), nil, "case_clash", "the package has names that are the same to Windows and macOS, so only one of each is unpacked there")
	if p.Manifest == nil {
		add(nearManifests(p.Files), nil, "manifest_case", "the package has a file that only Windows and macOS take for its "+manifestName)
	}
	if t := p.tree.trailing; t != "" {
		found = append(found, finding{"trailing_data", "the archive has " + t + " after its first gzip member, which compilers pass over; the package is without it", nil})
	}
	return found
}

// clashes are names that differ from one before only in case or in how their letters are composed, folders too.
func clashes(files []Entry) (names []string) {
	seen := make(map[string]string, len(files))
	last := ""
	for _, e := range files {
		for i := sharedFolders(last, e.Name) + 1; i <= len(e.Name); i++ {
			if i < len(e.Name) && e.Name[i] != '/' {
				continue
			}
			name := e.Name[:i]
			key := strings.ToLower(norm.NFC.String(name))
			if other, ok := seen[key]; !ok {
				seen[key] = name
			} else if other != name {
				names = append(names, name)
			}
		}
		last = e.Name
	}
	return names
}

// sharedFolders is the length of the folders that two names have in common.
func sharedFolders(a, b string) (n int) {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			break
		}
		if a[i] == '/' {
			n = i
		}
	}
	return n
}

func nearManifests(files []Entry) (names []string) {
	for _, e := range files {
		if strings.EqualFold(e.Name, manifestName) {
			names = append(names, e.Name)
		}
	}
	return names
}

// devices are the names that Windows keeps for itself, with any extension.
var devices = []string{"con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9",
	"lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9"}

// storable reports whether Windows can store a name.
func storable(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		base, _, _ := strings.Cut(strings.ToLower(part), ".")
		if strings.ContainsAny(part, `<>:"|?*\`) || strings.HasSuffix(part, ".") || strings.HasSuffix(part, " ") || slices.Contains(devices, base) {
			return false
		}
	}
	return true
}

// some lists the first few names.
func some(names []string) string {
	var quoted []string
	for _, name := range names[:min(len(names), listed)] {
		quoted = append(quoted, fmt.Sprintf("%.100q", name))
	}
	text := strings.Join(quoted, ", ")
	if more := len(names) - listed; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
