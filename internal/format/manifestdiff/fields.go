package manifestdiff

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/org/registry-action/internal/format/filelist"
	"github.com/org/registry-action/internal/format/packument"
)

// Field is a member of package.json that changed. Members that are objects are compared by key.
type Field struct {
	Name          string // "dependencies"
	Key           string // "left-pad"; empty where the member is compared as a whole
	Before, After string // see Value; empty where it is not there
	What          string // filelist.Added, Removed or Changed
}

// maxFields bounds what Fields lists.
const maxFields = 100

// shownFields are compared, in this order.
var shownFields = []string{
	"name", "version", "type", "main", "module", "types", "exports", "imports", "bin", "scripts", "engines", "os", "cpu",
	"dependencies", "optionalDependencies", "peerDependencies", "peerDependenciesMeta", "bundleDependencies", "bundledDependencies", "devDependencies",
	"license", "repository", "homepage", "bugs", "author", "description", "keywords",
}

// Fields compares the texts of two package.json as they are written; one that can't be read has no members.
func Fields(before, after []byte) []Field {
	a, _ := object(before)
	b, _ := object(after)
	var all []Field
	for _, field := range shownFields {
		was, is := a.Get(field), b.Get(field)
		left, errLeft := packument.ParseObject(was)
		right, errRight := packument.ParseObject(is)
		if (was == nil || errLeft == nil) && (is == nil || errRight == nil) {
			all = append(all, byKey(field, left, right)...)
		} else if f, ok := compare(field, "", was, is); ok {
			all = append(all, f)
		}
		if len(all) > maxFields {
			return all[:maxFields]
		}
	}
	return all
}

func byKey(field string, a, b packument.Object) []Field {
	var all []Field
	for _, m := range a {
		if f, ok := compare(field, m.Key, m.Value, b.Get(m.Key)); ok {
			all = append(all, f)
		}
	}
	for _, m := range b {
		if a.Get(m.Key) == nil {
			if f, ok := compare(field, m.Key, nil, m.Value); ok {
				all = append(all, f)
			}
		}
	}
	slices.SortFunc(all, func(x, y Field) int { return strings.Compare(x.Key, y.Key) })
	return all
}

// compare compares two values, either of which may be missing.
func compare(field, key string, was, is json.RawMessage) (Field, bool) {
	f := Field{Name: field, Key: key, Before: Value(was), After: Value(is), What: filelist.Changed}
	switch {
	case was == nil:
		f.What = filelist.Added
	case is == nil:
		f.What = filelist.Removed
	}
	return f, f.Before != f.After || (was == nil) != (is == nil)
}

// Value is a JSON value in one line, a text without its quotes.
func Value(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return string(raw)
	}
	return b.String()
}
