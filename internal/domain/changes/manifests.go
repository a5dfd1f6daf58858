package changes

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/org/registry-action/internal/format/entrypoints"
	"github.com/org/registry-action/internal/format/lumen"
	"github.com/org/registry-action/internal/format/manifestdiff"
	"github.com/org/registry-action/internal/format/zig"
)

// manifests adds what the manifests say, or that they can't be read. digits says that they differ in the digits of
// their commits alone.
func (f *Facts) manifests(p Pair, before, after *content) (digits bool) {
	if p.Before != nil && p.Before.Kind != p.After.Kind {
		f.Incomplete = true
		return false
	}
	if p.After.Kind == NPM {
		return f.packages(p, before, after)
	}
	was, known := map[string]string{}, true
	if p.Before != nil {
		was, known = dependenciesOf(p.Before.Kind, before.manifest)
	}
	is, ok := dependenciesOf(p.After.Kind, after.manifest)
	if !known || !ok {
		f.Incomplete = true
		return false
	}
	for _, name := range slices.Sorted(maps.Keys(merged(was, is))) {
		if was[name] != is[name] {
			f.Dependencies = append(f.Dependencies, manifestdiff.Dependency{Field: "dependencies", Name: name, Before: was[name], After: is[name]})
		}
	}
	f.cut()
	return false
}

// packages compares two package.json.
func (f *Facts) packages(p Pair, before, after *content) (digits bool) {
	is, err := parse(p.After, after)
	var was manifestdiff.Manifest
	if err == nil && p.Before != nil {
		was, err = parse(p.Before, before)
	}
	if err != nil {
		f.Incomplete = true
		return false
	}
	f.Dependencies = manifestdiff.Dependencies(was, is)
	f.Scripts = manifestdiff.Scripts(was, is)
	if p.Before != nil {
		var more bool
		f.Entries, more = manifestdiff.Entries(was, is)
		f.Incomplete = f.Incomplete || more
	}
	if !after.list.More { // a target could be among the files that are not listed
		f.Broken = entrypoints.Broken(entrypoints.Package{Manifest: is.Object(), Files: entrypoints.FilesOf(after.paths())})
	}
	f.cut()
	return p.Before != nil && manifestdiff.Same(was, is)
}

func parse(p *Package, c *content) (manifestdiff.Manifest, error) {
	_, gyp := c.list.Find("binding.gyp")
	return manifestdiff.Parse(c.manifest, p.Commit, gyp)
}

func (c *content) paths() []string {
	paths := make([]string, len(c.list.Files))
	for i, f := range c.list.Files {
		paths[i] = f.Path
	}
	return paths
}

// dependenciesOf reads what a manifest that is not npm's asks for, by name; ok is false if it can't be read.
func dependenciesOf(kind Kind, text []byte) (all map[string]string, ok bool) {
	all = map[string]string{}
	switch kind {
	case Zig:
		if text == nil { // it has no manifest, which Zig allows
			return all, true
		}
		m, err := zig.ParseManifest(text)
		for _, d := range m.Dependencies {
			all[d.Key] = cmp.Or(strings.TrimSpace(d.URL+" "+d.Hash), d.Path)
		}
		return all, err == nil
	case Lumen:
		m, err := lumen.ParseManifest(text)
		maps.Copy(all, m.Deps)
		for feature, specs := range m.OptionalDeps {
			for _, spec := range specs {
				if i := strings.LastIndexByte(spec, '@'); i > 0 {
					all[spec[:i]+" ("+feature+")"] = spec[i+1:]
				}
			}
		}
		return all, err == nil
	}
	return all, false
}

func merged(a, b map[string]string) map[string]string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

// cut bounds the lists.
func (f *Facts) cut() {
	var dependencies, entries, broken bool
	f.Dependencies, dependencies = fit(f.Dependencies, maxListed, func(d *manifestdiff.Dependency) int {
		return shorten(&d.Name) + shorten(&d.Before) + shorten(&d.After)
	})
	f.Entries, entries = fit(f.Entries, maxListed, func(e *manifestdiff.Entry) int {
		return shorten(&e.Field) + shorten(&e.Before) + shorten(&e.After)
	})
	for i := range f.Scripts { // there are few
		s := &f.Scripts[i]
		shorten(&s.Before)
		shorten(&s.After)
	}
	f.Broken, broken = fit(f.Broken, maxListed, func(e *entrypoints.Entry) int { return shorten(&e.Field) + shorten(&e.Target) })
	f.Incomplete = f.Incomplete || dependencies || entries || broken
}

// shorten cuts a text that is too long, and returns its bytes.
func shorten(text *string) int {
	if len(*text) > maxText {
		*text = strings.ToValidUTF8((*text)[:maxText], "") + "…"
	}
	return len(*text)
}
