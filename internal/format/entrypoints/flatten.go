package entrypoints

import (
	"encoding/json"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/format/packument"
)

// maxEntries bounds the work: a package.json of 1 MiB could name some ten thousand.
const maxEntries = 1000

// maxDepth bounds how deep a field is looked into; each level is read anew.
const maxDepth = 20

// textFields are those that name one file. browser may be an object too.
var textFields = []string{"main", "module", "browser", "types", "typings"}

// Flatten lists all ways into a package; more says that there are others. exports without subpaths are those of ".",
// and bin without a name has the package's.
func Flatten(manifest packument.Object) (entries []Entry, more bool) {
	f := flattener{}
	for _, field := range textFields {
		f.value(field, manifest.Get(field), 0)
	}
	f.value("typesVersions", manifest.Get("typesVersions"), 0)
	for _, b := range bins(manifest) {
		f.add(b)
	}
	for _, m := range subpaths(manifest.Get("exports")) {
		f.value("exports"+index(m.Key), m.Value, 0)
	}
	return f.entries, f.more
}

type flattener struct {
	entries []Entry
	more    bool
}

func (f *flattener) add(e Entry) {
	if len(f.entries) == maxEntries {
		f.more = true
		return
	}
	f.entries = append(f.entries, e)
}

// value adds what a field leads to, below its members.
func (f *flattener) value(field string, raw json.RawMessage, depth int) {
	if f.more = f.more || depth > maxDepth; len(raw) == 0 || f.more {
		return
	}
	switch raw[0] {
	case '{':
		for _, m := range members(raw) {
			f.value(field+member(m.Key), m.Value, depth+1)
		}
	case '[':
		for i, v := range elements(raw) {
			f.value(field+"["+strconv.Itoa(i)+"]", v, depth+1)
		}
	default:
		text, ok := textOf(raw)
		if !ok {
			text = string(raw)
		}
		f.add(Entry{field, text})
	}
}

// bins are the programs of a package, as npm reads them.
func bins(manifest packument.Object) []Entry {
	raw := manifest.Get("bin")
	if len(raw) == 0 {
		return nil
	}
	var all []Entry
	add := func(name, target string, ok bool) {
		if name = path.Base(name); ok && name != "." && name != "/" { // npm links nothing under such a name
			all = append(all, Entry{"bin" + member(name), target})
		}
	}
	switch raw[0] {
	case '{':
		for _, m := range members(raw) {
			target, ok := textOf(m.Value)
			add(m.Key, target, ok)
		}
	case '[':
		for _, v := range elements(raw) {
			target, ok := textOf(v)
			add(target, target, ok)
		}
	case '"':
		_, name := npm.SplitName(manifest.Text("name"))
		add(name, manifest.Text("bin"), true)
	}
	return all
}

// subpaths are those of exports, which may stand for the one of ".". What mixes them with conditions Node refuses as
// a whole: it has none.
func subpaths(exports json.RawMessage) []packument.Member {
	if len(exports) == 0 {
		return nil
	}
	if exports[0] != '{' {
		return []packument.Member{{Key: ".", Value: exports}}
	}
	all := members(exports)
	paths := 0
	for _, m := range all {
		if strings.HasPrefix(m.Key, ".") {
			paths++
		}
	}
	switch {
	case len(all) == 0 || paths > 0 && paths < len(all):
		return nil
	case paths == 0:
		return []packument.Member{{Key: ".", Value: exports}}
	}
	return all
}

var identifier = regexp.MustCompile(`^[A-Za-z_$][A-Za-z0-9_$]*$`)

// member is how a member is written behind its object.
func member(key string) string {
	if identifier.MatchString(key) {
		return "." + key
	}
	return index(key)
}

func index(key string) string { return `["` + strings.ReplaceAll(key, `"`, `\"`) + `"]` }

func members(raw json.RawMessage) packument.Object {
	o, err := packument.ParseObject(raw)
	if err != nil {
		return nil
	}
	return o
}

func elements(raw json.RawMessage) []json.RawMessage {
	var all []json.RawMessage
	if json.Unmarshal(raw, &all) != nil {
		return nil
	}
	return slices.DeleteFunc(all, func(v json.RawMessage) bool { return len(v) == 0 })
}

func textOf(raw json.RawMessage) (string, bool) {
	if len(raw) == 0 || raw[0] != '"' {
		return "", false
	}
	var text string
	err := json.Unmarshal(raw, &text)
	return text, err == nil
}
