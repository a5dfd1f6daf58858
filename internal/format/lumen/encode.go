package lumen

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Encode writes a document of this package as it is served and exported: two spaces, no HTML escapes, a newline at its
// end. The same document gives the same bytes; what is empty is an empty list or map, never null.
func Encode(document any) []byte {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(document); err != nil {
		panic(fmt.Sprintf("lumen: a %T is no document: %v", document, err))
	}
	return out.Bytes()
}

// MarshalJSON writes no null, which the client refuses.
func (x Index) MarshalJSON() ([]byte, error) {
	type plain Index
	x.Packages = list(x.Packages)
	return unescaped(plain(x))
}

// MarshalJSON writes no null, which the client refuses.
func (x PackageIndex) MarshalJSON() ([]byte, error) {
	type plain PackageIndex
	x.Versions, x.Prereleases, x.Categories = list(x.Versions), list(x.Prereleases), list(x.Categories)
	x.Yanked = table(x.Yanked)
	return unescaped(plain(x))
}

// MarshalJSON writes no null, which the client refuses.
func (m Metadata) MarshalJSON() ([]byte, error) {
	type plain Metadata
	m.Deps, m.Artifacts = table(m.Deps), list(m.Artifacts)
	return unescaped(plain(m))
}

// MarshalJSON writes no null.
func (s Statement) MarshalJSON() ([]byte, error) {
	type plain Statement
	s.Deps, s.Artifacts = table(s.Deps), list(s.Artifacts)
	return unescaped(plain(s))
}

// MarshalJSON writes no null.
func (k Keys) MarshalJSON() ([]byte, error) {
	type plain Keys
	k.Keys = list(k.Keys)
	return unescaped(plain(k))
}

func list[T any](l []T) []T {
	if l == nil {
		return []T{}
	}
	return l
}

func table(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

// unescaped leaves it to the caller's encoder whether HTML is escaped.
func unescaped(v any) ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return out.Bytes(), err
}
