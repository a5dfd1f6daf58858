package tarball

import (
	"bytes"
	"encoding/json"

	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/npm"
)

// Summary is what a checked archive says about itself.
type Summary struct {
	Manifest   []byte   // package.json as it is in the archive
	Name       string   // its name, valid by npm.ValidName
	Version    string   // its version as it is written; may be empty
	Readme     []byte   // the README beside it, its first 64 KiB; nil if there is none or it is empty
	Scripts    []string // of its scripts those that clients run when they install it, in that order
	Gyp        bool     // there is a binding.gyp beside it
	Shrinkwrap bool     // there is an npm-shrinkwrap.json beside it
	Files      int      // regular files
	Unpacked   int64    // bytes of all files, npm's unpackedSize
	Sums       digest.Sums
	Size       int64 // bytes of the .tgz
}

// readManifest fills Name and Version. Members are matched exactly and the last
// of equal ones counts, as in JavaScript; encoding/json's fields would let "NAME" in.
func (s *Summary) readManifest() error {
	var members map[string]json.RawMessage
	text := bytes.TrimPrefix(s.Manifest, []byte("\ufeff"))
	if err := json.Unmarshal(text, &members); err != nil {
		return bad("the archive's package.json is not a JSON object: %v", err)
	}
	for _, m := range []struct {
		key   string
		value *string
	}{{"name", &s.Name}, {"version", &s.Version}} {
		raw, ok := members[m.key]
		if ok && (raw[0] != '"' || json.Unmarshal(raw, m.value) != nil) {
			return bad("the archive's package.json has a %s that is not a string", m.key)
		}
	}
	s.Scripts = installScripts(members["scripts"])
	if s.Name == "" {
		return bad("the archive's package.json has no name")
	}
	if err := npm.ValidName(s.Name); err != nil {
		return bad("the archive's package.json: %v", err)
	}
	return nil
}

// installScripts names the scripts that npm's clients run when they install a package.
func installScripts(raw json.RawMessage) []string {
	var scripts map[string]json.RawMessage
	if json.Unmarshal(raw, &scripts) != nil {
		return nil // absent, or nothing that clients run
	}
	var names []string
	for _, name := range []string{"preinstall", "install", "postinstall"} {
		var command string
		if json.Unmarshal(scripts[name], &command) == nil && command != "" {
			names = append(names, name)
		}
	}
	return names
}
