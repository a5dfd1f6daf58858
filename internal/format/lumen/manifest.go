package lumen

import (
	"bytes"
	"errors"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/org/registry-action/internal/fault"
)

const (
	manifestName = "lumen.toml"

	maxManifest     = 1 << 20   // bytes
	maxDescription  = 4 << 10   // bytes
	maxText         = 1 << 10   // bytes of a license or URL
	maxWords        = 32        // keywords, and categories
	maxWord         = 64        // bytes of one
	maxDependencies = 1000      // also the most features, and the most that one enables
	maxOptional     = 256 << 10 // bytes of all optional dependencies of all features
	maxPatterns     = 200       // of include, and of exclude
)

// Manifest is a lumen.toml, as far as it matters to a registry.
type Manifest struct {
	Name, Version, Description, License, Repository, Documentation string

	Keywords, Categories []string
	Deps                 map[string]string   // [dependencies] that are not optional: name -> constraint
	OptionalDeps         map[string][]string // by feature: "@s/n@constraint"
	Private              bool                // publish = false
}

// packing is what a manifest says about the files of a package.
type packing struct {
	include, exclude []string
}

// ParseManifest reads a lumen.toml (1 MiB at most) and checks what a publish needs: name, version, and dependencies that a
// registry can serve, each constraint in the client's grammar. A name without a scope is read; whether it can be
// published is the registry's rule. Development and build dependencies, those of a target, and what is not known are passed over.
// The error names the line or key, the rule and the way out; it is fault.Invalid with the code "bad_manifest",
// "bad_name", "bad_version" or "bad_constraint", or fault.TooLarge.
func ParseManifest(text []byte) (Manifest, error) {
	m, _, err := parseManifest(text)
	return m, err
}

func parseManifest(text []byte) (Manifest, packing, error) {
	if len(text) > maxManifest {
		return Manifest{}, packing{}, tooLarge("%s is larger than %s; that is the limit", manifestName, fault.Bytes(maxManifest))
	}
	var doc map[string]any
	if err := toml.Unmarshal(text, &doc); err != nil {
		return Manifest{}, packing{}, explain(text, err)
	}
	r := &tomlReader{}
	p := r.table(doc, "package", "")
	if r.err == nil && p == nil {
		r.refuse("%s has no [package] table; write one with the name and version of the package", manifestName)
	}
	m := Manifest{
		Name:          r.text(p, "name", maxText),
		Version:       r.text(p, "version", maxText),
		Description:   r.text(p, "description", maxDescription),
		License:       r.text(p, "license", maxText),
		Repository:    r.text(p, "repository", maxText),
		Documentation: r.text(p, "documentation", maxText),
		Keywords:      r.words(p, "keywords", maxWords, maxWord),
		Categories:    r.words(p, "categories", maxWords, maxWord),
		Private:       r.private(p),
	}
	files := packing{
		include: r.words(p, "include", maxPatterns, maxText),
		exclude: r.words(p, "exclude", maxPatterns, maxText),
	}
	r.checkIdentity(m)
	r.dependencies(doc, &m)
	if r.err != nil {
		return Manifest{}, packing{}, r.err
	}
	return m, files, nil
}

// explain says where a text is no TOML.
func explain(text []byte, err error) error {
	wrong, ok := errors.AsType[*toml.DecodeError](err)
	if !ok {
		return fault.Wrap(err, fault.Invalid, "%s is not valid TOML", manifestName).WithCode("bad_manifest")
	}
	row, column := wrong.Position()
	hint := ""
	if bytes.HasPrefix(bytes.TrimSpace(line(text, row)), []byte("@")) {
		hint = `; a name with "@" or "/" is quoted: "@acme/uri" = "^1.0.0"`
	}
	return fault.Wrap(err, fault.Invalid, "%s, line %d, column %d: it is not valid TOML%s", manifestName, row, column, hint).WithCode("bad_manifest")
}

// line returns a line of the text, counted from 1.
func line(text []byte, row int) []byte {
	for ; row > 1; row-- {
		_, text, _ = bytes.Cut(text, []byte("\n"))
	}
	first, _, _ := bytes.Cut(text, []byte("\n"))
	return first
}

// tomlReader takes values out of tables and keeps the first refusal.
type tomlReader struct{ err error }

func (r *tomlReader) refuse(format string, args ...any) {
	if r.err == nil {
		r.err = badManifest(format, args...)
	}
}

// table is a member that must be a table; nil if it is missing. Of are the tables around it, for messages.
func (r *tomlReader) table(t map[string]any, key, of string) map[string]any {
	v, ok := t[key]
	if !ok {
		return nil
	}
	m, ok := v.(map[string]any)
	if !ok {
		r.refuse("%s: %s%s must be a table", manifestName, of, key)
	}
	return m
}

func (r *tomlReader) text(t map[string]any, key string, limit int) string {
	v, ok := t[key]
	if !ok {
		return ""
	}
	s, ok := v.(string)
	switch {
	case !ok:
		r.refuse("%s: package.%s must be a string", manifestName, key)
	case len(s) > limit:
		r.refuse("%s: package.%s has more than %d bytes; shorten it", manifestName, key, limit)
	}
	return s
}

// words is a list of strings, nil if it is missing.
func (r *tomlReader) words(t map[string]any, key string, limit, length int) []string {
	v, ok := t[key]
	if !ok {
		return nil
	}
	list, ok := texts(v)
	switch {
	case !ok:
		r.refuse("%s: package.%s must be a list of strings", manifestName, key)
	case len(list) > limit:
		r.refuse("%s: package.%s has more than %d entries; that is the limit", manifestName, key, limit)
	}
	for _, s := range list {
		if len(s) > length {
			r.refuse("%s: package.%s has the entry %.80q… of more than %d bytes; shorten it", manifestName, key, s, length)
		}
	}
	return list
}

func texts(v any) (list []string, ok bool) {
	items, ok := v.([]any)
	if !ok {
		return nil, false
	}
	for _, item := range items {
		s, ok := item.(string)
		if !ok {
			return nil, false
		}
		list = append(list, s)
	}
	return list, true
}

// private reads package.publish: false, or a list of the registries that may have the package.
func (r *tomlReader) private(p map[string]any) bool {
	v, ok := p["publish"]
	if !ok {
		return false
	}
	if public, ok := v.(bool); ok {
		return !public
	}
	registries, ok := texts(v)
	if !ok {
		r.refuse("%s: package.publish must be true, false or a list of registries", manifestName)
	}
	return len(registries) == 0
}

func (r *tomlReader) checkIdentity(m Manifest) {
	if r.err != nil {
		return
	}
	switch {
	case m.Name == "":
		r.refuse(`%s: package.name is missing; write name = "@scope/name"`, manifestName)
	case m.Version == "":
		r.refuse(`%s: package.version is missing; write version = "1.0.0"`, manifestName)
	default:
		r.err = ValidName(m.Name, true)
		if r.err == nil {
			r.err = ValidVersion(m.Version)
		}
	}
}

// at puts the place before the message of a refusal.
func at(place string, err error) error {
	refused, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return err
	}
	return refuse(refused.Code, "%s: %s: %s", manifestName, strings.TrimSpace(place), refused.Message)
}
