package manifest

import (
	"path"
	"slices"
	"strings"

	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/format/semver"
)

const workspaceProtocol = "workspace:"

// Refers finds the sibling that a dependency means: by the `workspace:`
// protocol in any form, by a `file:`, `link:` or `portal:` path to its folder,
// or by a range that its own version is in, prereleases included ("*", "" and
// "latest" always are). An npm: alias, a URL and a range on other versions mean
// a package of the registry. dir is the folder of the dependent, relative to
// the workspace's root; `catalog:` must have been resolved.
func Refers(dep, spec, dir string, siblings map[string]Sibling) (Sibling, bool) {
	if strings.Contains(spec, workspaceProtocol) {
		w, ok := parseWorkspace(spec)
		if !ok {
			return Sibling{}, false
		}
		return w.sibling(dep, dir, siblings)
	}
	if p, ok := localPath(spec); ok {
		return siblingAt(path.Join(dir, p), siblings)
	}
	if s, ok := siblings[dep]; ok && includes(spec, s.Version) {
		return s, true
	}
	return Sibling{}, false
}

// localPath returns the path of a specifier for a folder.
func localPath(spec string) (string, bool) {
	for _, protocol := range []string{"file:", "link:", "portal:"} {
		if p, ok := strings.CutPrefix(spec, protocol); ok {
			return p, !path.IsAbs(p)
		}
	}
	return spec, strings.HasPrefix(spec, "./") || strings.HasPrefix(spec, "../")
}

func siblingAt(dir string, siblings map[string]Sibling) (Sibling, bool) {
	for _, s := range siblings {
		if path.Clean(s.Dir) == dir {
			return s, true
		}
	}
	return Sibling{}, false
}

// includes reports whether a plain specifier is met by a version.
func includes(spec, version string) bool {
	switch strings.TrimSpace(spec) {
	case "", "*", "latest":
		return true
	}
	r, err := semver.ParseRange(spec)
	if err != nil {
		return false
	}
	v, err := semver.Clean(version)
	return err == nil && r.Contains(v, true)
}

// workspaceSpec is a parsed `workspace:` specifier: of the package called name
// (or, if that is empty, like the dependency), or of the one in a folder.
type workspaceSpec struct {
	name string
	path string
	// alternatives are the parts between "||", each a range or, with own, one of
	// "", "*", "^" and "~", which stand for the sibling's own version.
	alternatives []alternative
}

type alternative struct {
	text string
	own  bool
}

// parseWorkspace reads what pnpm and yarn accept:
//
//	workspace:* workspace:^ workspace:~ workspace:   its own version
//	workspace:1.x                                    a range
//	workspace:^ || ^1, >=1 || workspace:*            pnpm, in peerDependencies
//	workspace:name@^                                 pnpm: an alias
//	workspace:../c, workspace:packages/c             a folder, from the dependent's or (yarn) the root
func parseWorkspace(spec string) (w workspaceSpec, ok bool) {
	if body, found := strings.CutPrefix(spec, workspaceProtocol); found && !strings.Contains(body, "||") {
		if strings.HasPrefix(body, ".") {
			w.path = body
			return w, w.add("", true)
		}
		if i := strings.LastIndexByte(body, '@'); i > 0 && npm.ValidName(body[:i]) == nil {
			w.name = body[:i]
			return w, w.add(body[i+1:], true)
		}
		if w.add(body, true) {
			return w, true
		}
		w.path = body
		return w, strings.Contains(body, "/") && w.add("", true)
	}
	for part := range strings.SplitSeq(spec, "||") {
		body, found := strings.CutPrefix(strings.TrimSpace(part), workspaceProtocol)
		if !w.add(body, found) {
			return w, false
		}
	}
	return w, true
}

// add appends an alternative if it is one.
func (w *workspaceSpec) add(text string, workspace bool) bool {
	own := workspace && (text == "" || text == "*" || text == "^" || text == "~")
	if !own {
		if _, err := semver.ParseRange(text); err != nil {
			return false
		}
	}
	w.alternatives = append(w.alternatives, alternative{text, own})
	return true
}

func (w workspaceSpec) sibling(dep, dir string, siblings map[string]Sibling) (Sibling, bool) {
	if w.path == "" {
		s, ok := siblings[w.target(dep)]
		return s, ok
	}
	if s, ok := siblingAt(path.Join(dir, w.path), siblings); ok {
		return s, true
	}
	return siblingAt(path.Clean(w.path), siblings)
}

func (w workspaceSpec) target(dep string) string {
	if w.name != "" {
		return w.name
	}
	return dep
}

// ownVersion reports whether the specifier can't be resolved without it.
func (w workspaceSpec) ownVersion() bool {
	return slices.ContainsFunc(w.alternatives, func(a alternative) bool { return a.own })
}

// resolve writes the range out, with the sibling's own version where it is meant.
func (w workspaceSpec) resolve(version string) string {
	parts := make([]string, len(w.alternatives))
	for i, a := range w.alternatives {
		switch {
		case a.own && a.text != "*":
			parts[i] = a.text + version
		case a.own:
			parts[i] = version
		default:
			parts[i] = a.text
		}
	}
	return strings.Join(parts, " || ")
}
