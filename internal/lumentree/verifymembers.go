package lumentree

import (
	"bytes"
	"encoding/json"

	"github.com/org/registry-action/internal/format/lumen"
)

// The client refuses documents that format/lumen decodes, which takes what was made by hand so that it can be imported. What
// only the client minds is looked for in the JSON as it stands; that it can be decoded is known.

// checkIndexMembers checks a package's index.json.
func (v *verifier) checkIndexMembers(path string, text []byte) {
	x := membersOf(text)
	if x["versions"] == nil || hasNull(x["versions"]) {
		v.problem(path, CodeUnreadable, "it has no list of versions, or null in it, and the client can't read it")
	}
	v.checkNulls(path, x, "yanked", "prereleases", "categories")
}

// checkMetadataMembers checks the metadata of a version.
func (v *verifier) checkMetadataMembers(path string, text []byte, m lumen.Metadata) {
	all := membersOf(text)
	v.checkNulls(path, all, "deps", "optional_deps", "keywords", "yanked")
	if isNull(all["artifacts"]) { // what is null in one of them may be
		v.problem(path, CodeUnreadable, "artifacts is null, which the client can't read")
	}
	for _, name := range []string{"signature", "transparency"} {
		if all[name] != nil && !isNull(all[name]) {
			v.problem(path, CodeUnreadable, "it has a %s, which the client reads in a form of its own only; leave it out", name)
		}
	}
	if verified := membersOf(all["publisher"])["verified"]; m.Publisher != nil && (verified == nil || isNull(verified)) {
		v.problem(path, CodeUnreadable, "its publisher does not say whether it is verified, without which the client can't read it")
	}
	for _, a := range m.Artifacts {
		if a.Kind == "" {
			v.problem(path, CodeUnreadable, `an artifact has no kind, without which the client can't read it; write "tar"`)
		}
	}
}

// checkNulls checks members that may be left out, and neither be null nor hold it.
func (v *verifier) checkNulls(path string, all map[string]json.RawMessage, names ...string) {
	for _, name := range names {
		if hasNull(all[name]) {
			v.problem(path, CodeUnreadable, "%s is null or holds null, which the client can't read; leave it out", name)
		}
	}
}

// membersOf reads an object; nil if it is none.
func membersOf(text []byte) (all map[string]json.RawMessage) {
	if json.Unmarshal(text, &all) != nil {
		return nil
	}
	return all
}

func isNull(value json.RawMessage) bool { return string(value) == "null" }

// hasNull reports whether a value is null or has one anywhere in it.
func hasNull(value json.RawMessage) bool {
	d := json.NewDecoder(bytes.NewReader(value))
	for {
		token, err := d.Token()
		if err != nil { // its end
			return false
		}
		if token == nil {
			return true
		}
	}
}
