package entrypoints

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/org/registry-action/internal/format/packument"
)

// Broken lists the ways into a package that lead to no file of it, at most a thousand of them.
func Broken(p Package) []Entry {
	c := checker{files: p.Files}
	for _, field := range textFields {
		if target, ok := textOf(p.Manifest.Get(field)); ok && target != "" && !c.finds(field, target, p.Manifest) {
			c.broken = append(c.broken, Entry{field, target})
		}
	}
	c.browser(p.Manifest.Get("browser"))
	for _, b := range bins(p.Manifest) {
		if b.Target != "" && !c.files.bin(b.Target) {
			c.broken = append(c.broken, b)
		}
	}
	for _, m := range subpaths(p.Manifest.Get("exports")) {
		if strings.Count(m.Key, "*") > 1 { // Node matches nothing with it
			continue
		}
		broken, _ := c.target(place{field: "exports" + index(m.Key), subpath: m.Key}, m.Value)
		c.broken = append(c.broken, broken...)
	}
	return c.broken[:min(len(c.broken), maxEntries)]
}

// checker looks at one package.
type checker struct {
	files  Files
	broken []Entry
	seen   int // targets of exports
}

// finds reports whether a field that names one file leads to it.
func (c *checker) finds(field, target string, manifest packument.Object) bool {
	switch field {
	case "main":
		return c.files.main(target)
	case "types", "typings":
		return manifest.Get("typesVersions") != nil || c.files.types(target)
	}
	return c.files.module(target, bundlerExtensions) || c.files.declarations && c.files.types(target)
}

// browser looks at what files of the package are replaced by. Bare names are other packages.
func (c *checker) browser(raw json.RawMessage) {
	if len(raw) == 0 || raw[0] != '{' {
		return
	}
	for _, m := range members(raw) {
		target, ok := textOf(m.Value)
		relative := strings.HasPrefix(target, "./") || strings.HasPrefix(target, "../")
		if ok && relative && !c.files.module(target, bundlerExtensions) {
			c.broken = append(c.broken, Entry{"browser" + member(m.Key), target})
		}
	}
}

// conditions are those of exports that a runtime or a bundler sets by itself: Node's, and the runtime keys that they agreed
// on. types is TypeScript's.
var conditions = []string{
	"import", "require", "default", "node", "node-addons", "module-sync", "browser", "module", "development", "production",
	"azion", "bun", "deno", "edge-light", "edge-routine", "electron", "fastly", "kiesel", "lagon", "moddable", "netlify",
	"react-native", "react-server", "worker", "workerd",
}

// place is where a target stands in exports.
type place struct {
	field, subpath string
	types          bool // TypeScript reads it
	depth          int
}

// target looks at a target and those in it. sound counts those that lead to a file.
func (c *checker) target(at place, raw json.RawMessage) (broken []Entry, sound int) {
	if c.seen++; c.seen > maxEntries || at.depth > maxDepth || len(raw) == 0 {
		return nil, 0
	}
	switch raw[0] {
	case '{':
		for _, m := range members(raw) {
			below := place{at.field + member(m.Key), at.subpath, at.types || m.Key == "types" || strings.HasPrefix(m.Key, "types@"), at.depth + 1}
			if below.types || slices.Contains(conditions, m.Key) {
				b, s := c.target(below, m.Value)
				broken, sound = append(broken, b...), sound+s
			}
		}
	case '[':
		return c.fallbacks(at, elements(raw))
	case '"':
		text, _ := textOf(raw)
		if !c.leads(at, text) {
			return []Entry{{at.field, text}}, 0
		}
		return nil, 1
	}
	return broken, sound
}

// fallbacks looks at targets of which one is enough.
func (c *checker) fallbacks(at place, all []json.RawMessage) (broken []Entry, sound int) {
	for i, raw := range all {
		b, s := c.target(place{at.field + "[" + strconv.Itoa(i) + "]", at.subpath, at.types, at.depth + 1}, raw)
		if s > 0 && len(b) == 0 {
			return nil, s
		}
		broken, sound = append(broken, b...), sound+s
	}
	return broken, sound
}

// leads reports whether a target of exports is a file of the package.
func (c *checker) leads(at place, target string) bool {
	rest, ok := strings.CutPrefix(target, "./")
	if !ok || slices.ContainsFunc(strings.Split(rest, "/"), forbidden) {
		return false
	}
	for _, form := range []string{target, decoded(target)} {
		p, ok := inside(form)
		if !ok {
			continue
		}
		if strings.HasSuffix(at.subpath, "/") && strings.HasSuffix(form, "/") { // a folder, as Node before 17 had them
			return p == "." || c.files.hasBelow(p)
		}
		candidates := []string{p}
		if at.types || c.files.declarations {
			candidates = append(candidates, typed(p)...)
		}
		for _, p := range candidates {
			if c.files.has(p) || strings.Contains(at.subpath, "*") && strings.Contains(p, "*") && c.files.fits(p) {
				return true
			}
		}
	}
	return false
}

// forbidden reports whether Node refuses a target for one of its parts.
func forbidden(segment string) bool {
	return segment == "." || segment == ".." || strings.EqualFold(segment, "node_modules")
}
