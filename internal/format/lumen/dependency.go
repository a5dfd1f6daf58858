package lumen

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/org/registry-action/internal/fault"
)

// dependencies reads [dependencies] and [features].
func (r *tomlReader) dependencies(doc map[string]any, m *Manifest) {
	deps := r.table(doc, "dependencies", "")
	features := r.table(doc, "features", "")
	if len(deps) > maxDependencies || len(features) > maxDependencies {
		r.refuse("%s has more than %d dependencies or features; that is the limit", manifestName, maxDependencies)
	}
	if r.err != nil {
		return
	}
	optional := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(deps)) {
		constraint, opt := r.dependency(name, deps[name])
		if r.err != nil {
			return
		}
		if opt {
			optional[name] = constraint
			continue
		}
		if m.Deps == nil {
			m.Deps = map[string]string{}
		}
		m.Deps[name] = constraint
	}
	m.OptionalDeps = r.optional(features, optional)
}

// dependency reads "constraint" or { version = "constraint", … }.
func (r *tomlReader) dependency(name string, spec any) (constraint string, optional bool) {
	place := "dependency " + fmt.Sprintf("%.80q", name)
	if err := ValidName(name, true); err != nil {
		r.err = at(place, err)
		return "", false
	}
	switch spec := spec.(type) {
	case string:
		constraint = spec
	case map[string]any:
		constraint, optional = r.detailed(place, spec)
	default:
		r.refuse(`%s: %s must be a string such as "^1.0.0" or a table with a version`, manifestName, place)
	}
	if r.err != nil {
		return "", false
	}
	if _, err := ParseConstraint(constraint); err != nil {
		r.err = at(place, err)
	}
	return constraint, optional
}

func (r *tomlReader) detailed(place string, spec map[string]any) (constraint string, optional bool) {
	for _, key := range []string{"path", "git", "workspace"} {
		if _, ok := spec[key]; ok {
			r.refuse(`%s: %s is by %q, which those who install the package don't have; publish it and depend on its version: "^1.0.0"`, manifestName, place, key)
			return "", false
		}
	}
	constraint, ok := spec["version"].(string)
	if !ok {
		r.refuse(`%s: %s has no version, a string; write { version = "^1.0.0" }`, manifestName, place)
		return "", false
	}
	if v, set := spec["optional"]; set {
		if optional, ok = v.(bool); !ok {
			r.refuse("%s: %s: optional must be true or false", manifestName, place)
		}
	}
	return constraint, optional
}

// optional sorts optional dependencies by the features that enable them, by their name or by "dep:" and their name. One
// that no feature enables is a feature of its own.
func (r *tomlReader) optional(features map[string]any, deps map[string]string) map[string][]string {
	if len(deps) == 0 {
		return nil
	}
	by, enabled, size := map[string][]string{}, map[string]bool{}, 0
	for _, feature := range slices.Sorted(maps.Keys(features)) {
		entries, ok := enables(features[feature])
		if !ok || len(entries) > maxDependencies || len(feature) > maxText {
			r.refuse("%s: the feature %.80q must be a list of at most %d strings, or a table with such a list as enables", manifestName, feature, maxDependencies)
			return nil
		}
		for _, entry := range entries {
			name := strings.TrimPrefix(entry, "dep:")
			if constraint, ok := deps[name]; ok {
				by[feature] = append(by[feature], name+"@"+constraint)
				enabled[name] = true
				size += len(name) + len(constraint)
			}
		}
		if size > maxOptional {
			r.refuse("%s: the features enable optional dependencies of more than %s in all; that is the limit", manifestName, fault.Bytes(maxOptional))
			return nil
		}
		slices.Sort(by[feature])
		by[feature] = slices.Compact(by[feature])
		if len(by[feature]) == 0 {
			delete(by, feature)
		}
	}
	for name, constraint := range deps {
		if !enabled[name] {
			by[name] = append(by[name], name+"@"+constraint)
		}
	}
	return by
}

// AllDeps is all of [dependencies], those that are optional too: name -> constraint.
func (m Manifest) AllDeps() map[string]string {
	all := maps.Clone(m.Deps)
	for _, list := range m.OptionalDeps {
		for _, dep := range list {
			if all == nil {
				all = map[string]string{}
			}
			i := strings.LastIndexByte(dep, '@') // a name begins with one, a constraint has none
			all[dep[:i]] = dep[i+1:]
		}
	}
	return all
}

// enables reads [ … ] or { enables = [ … ] }.
func enables(feature any) ([]string, bool) {
	if t, ok := feature.(map[string]any); ok {
		list, set := t["enables"]
		if !set {
			return nil, true
		}
		feature = list
	}
	return texts(feature)
}
