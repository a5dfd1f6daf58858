package manifest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/semver"
)

// Rewrite returns the package.json that goes into the tarball: specifiers that
// only the workspace understands are resolved, siblings pinned, the version set
// and publishConfig applied. What isn't edited stays byte for byte.
//
// The errors are *fault.Error of kind Invalid: a specifier that names no
// sibling, catalog or catalog entry.
func (m *Manifest) Rewrite(r Rewrite) ([]byte, error) {
	root, bad := scan(m.Source)
	if bad != nil || root.kind != objectKind {
		return nil, fault.New(fault.Invalid, "%s is not a package.json", m.Path)
	}
	w := &rewriter{manifest: m, rules: r, root: root.object}
	if r.PNPM {
		w.pnpm()
	}
	if r.Yarn {
		w.yarn()
	}
	if r.Version != "" {
		w.version(r.Version)
	}
	for _, field := range dependencyFields() {
		if err := w.dependencies(field); err != nil {
			return nil, err
		}
	}
	out := slices.Clone(m.Source[:root.offset])
	out = root.append(out)
	return append(out, m.Source[root.offset+len(root.raw):]...), nil
}

// rewriter edits one manifest.
type rewriter struct {
	manifest *Manifest
	rules    Rewrite
	root     *object
}

// version writes the version, behind the name if there was none.
func (w *rewriter) version(version string) {
	if v := w.root.get("version"); v == nil {
		w.root.insert(w.root.index("name")+1, "version", stringValue(version))
	} else if v.kind != stringKind || unquote(v.raw) != version {
		w.root.set("version", stringValue(version))
	}
}

// dependencies resolves the specifiers of one field.
func (w *rewriter) dependencies(field string) error {
	deps := w.root.sub(field)
	if deps == nil {
		return nil
	}
	for _, d := range deps.members {
		if d.value.kind != stringKind {
			continue
		}
		spec := unquote(d.value.raw)
		resolved, err := w.specifier(field, d.key, spec)
		if err != nil {
			return err
		}
		if resolved != spec {
			d.value = stringValue(resolved)
		}
	}
	return nil
}

// specifier resolves one specifier.
func (w *rewriter) specifier(field, dep, raw string) (string, error) {
	spec, err := w.rules.Catalogs.Resolve(dep, raw)
	if err != nil {
		return "", w.refuse(field, dep, raw, "%v", err)
	}
	sibling, known := Refers(dep, spec, w.rules.Dir, w.rules.Siblings)
	if known && sibling.Pin != "" && w.pins(field, dep) {
		return sibling.pinned(dep), nil
	}
	switch {
	case strings.Contains(spec, workspaceProtocol):
		if spec, err = w.fromWorkspace(field, dep, spec); err != nil {
			return "", err
		}
	case w.rules.PNPM || w.rules.Yarn:
		spec = fromJSR(dep, spec)
	}
	if known && sibling.Pin != "" && field == peerField {
		return w.admit(sibling, dep, spec), nil
	}
	return spec, nil
}

// admit lets the preview version of a sibling meet the range of a peer too: no
// range of released versions has it, so that npm would refuse the two together.
func (w *rewriter) admit(s Sibling, dep, spec string) string {
	if w.rules.Version == "" || cmp.Or(s.PublishName, s.Name) != dep {
		return spec
	}
	if _, err := semver.ParseRange(spec); err != nil { // a tag, such as "latest"
		return spec
	}
	return cmp.Or(spec, "*") + " || " + w.rules.Version
}

// fromWorkspace resolves the `workspace:` protocol to the sibling's own version.
func (w *rewriter) fromWorkspace(field, dep, spec string) (string, error) {
	parsed, ok := parseWorkspace(spec)
	if !ok {
		return "", w.refuse(field, dep, spec, `behind "workspace:" goes "*", "^", "~", a range, name@range or a path`)
	}
	sibling, ok := parsed.sibling(dep, w.rules.Dir, w.rules.Siblings)
	if !ok {
		return "", w.refuse(field, dep, spec, "the workspace has no such package; add it to the workspace, or write a range of published versions")
	}
	version := sibling.Version
	if version == "" && parsed.ownVersion() {
		if field != "devDependencies" {
			return "", w.refuse(field, dep, spec, "the package.json of %s has no version; add one", sibling.Dir)
		}
		version = "0.0.0" // nobody installs these; yarn writes the same
	}
	resolved := parsed.resolve(version)
	if sibling.Name != dep {
		return "npm:" + sibling.Name + "@" + resolved, nil
	}
	return resolved, nil
}

// pins reports whether a dependency is one that gets its sibling's pin: a
// bundled one has its copy in the tarball, a peer keeps its range.
func (w *rewriter) pins(field, dep string) bool {
	if field == peerField {
		return w.rules.PinPeers
	}
	for _, key := range []string{"bundleDependencies", "bundledDependencies"} {
		switch v := w.root.get(key); {
		case v == nil:
		case v.kind == boolKind && string(v.raw) == "true":
			return field != "dependencies"
		case slices.ContainsFunc(v.elements, func(e *value) bool { return e.kind == stringKind && unquote(e.raw) == dep }):
			return false
		}
	}
	return true
}

// pinned is the specifier for a dependency called dep on the published s.
func (s Sibling) pinned(dep string) string {
	name := cmp.Or(s.PublishName, s.Name)
	if name == dep || strings.Contains(s.Pin, "://") {
		return s.Pin
	}
	return "npm:" + name + "@" + s.Pin
}

// fromJSR spells a package of jsr.io as npm clients that don't know the
// protocol find it, in the registry that serves the scope @jsr.
func fromJSR(dep, spec string) string {
	body, ok := strings.CutPrefix(spec, "jsr:")
	if !ok {
		return spec
	}
	name, version := dep, "@"+body
	if strings.HasPrefix(body, "@") {
		name, version = body, ""
		if i := strings.LastIndexByte(body, '@'); i > 0 {
			name, version = body[:i], body[i:]
		}
	}
	return "npm:@jsr/" + strings.ReplaceAll(strings.TrimPrefix(name, "@"), "/", "__") + version
}

func (w *rewriter) refuse(field, dep, spec, format string, args ...any) error {
	return fault.New(fault.Invalid, "%s: %s has %q: %q in %s, but %s",
		w.manifest.Path, w.manifest.Name, dep, spec, field, fmt.Sprintf(format, args...))
}
