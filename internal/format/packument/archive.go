package packument

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/format/semver"
)

// Archive is what FromArchive needs of a checked tarball.
type Archive struct {
	Manifest   []byte // its package.json
	Gyp        bool   // it has a binding.gyp in its first folder
	Shrinkwrap bool   // it has an npm-shrinkwrap.json there
}

// FromArchive makes the version of a package.json as npm publish normalises it
// (@npmcli/package-json's "prepare"), in what installers and readers of a registry
// look at: version, bin, scripts, dependencies, bundleDependencies, repository, people
// and keywords. What npm derives from other files, or from the host of a repository,
// is not added. Dist is the caller's.
//
// The archive decides, not what a client says beside it; but members that a
// registry adds are dropped from its package.json. One without a valid name and
// version is fault.Invalid.
func FromArchive(a Archive) (Version, error) {
	text := bytes.TrimPrefix(a.Manifest, []byte("\ufeff"))
	if !utf8.Valid(text) { // not every client can parse a document with it; as JavaScript reads it
		text = bytes.ToValidUTF8(text, []byte("\ufffd"))
	}
	o, err := parseObject(text)
	if err != nil {
		return Version{}, fault.New(fault.Invalid, "the package.json of the archive can't be read: %v", err)
	}
	name, version, err := identify(o)
	if err != nil {
		return Version{}, err
	}
	v := Version{Name: name, Version: version, Shrinkwrap: a.Shrinkwrap}
	for _, m := range o {
		if m.Key != "name" && m.Key != "version" && !registryOnly(m.Key) {
			v.Manifest = append(v.Manifest, Member{m.Key, compact(m.Value)})
		}
	}
	v.Manifest.normalizeScripts(a.Gyp)
	v.Manifest.normalizeBin(name)
	v.Manifest.normalizeDependencies()
	v.Manifest.normalizeText()
	install := installHints{scripts: v.Manifest.Get("scripts"), gypfile: v.Manifest.Get("gypfile")}
	v.InstallScript = install.runs()
	return v, nil
}

func identify(o Object) (name, version string, err error) {
	name, ok := textOf(o.Get("name"))
	if !ok || name == "" {
		return "", "", fault.New(fault.Invalid, `the package.json of the archive has no "name"; a package needs one`)
	}
	if err := npm.ValidName(name); err != nil {
		return "", "", err
	}
	written, ok := textOf(o.Get("version"))
	if !ok || written == "" {
		return "", "", fault.New(fault.Invalid, `the package.json of %s has no "version"; a package needs one, like "1.0.0"`, name)
	}
	clean, err := semver.Clean(written)
	if err != nil {
		return "", "", fault.Wrap(err, fault.Invalid, "the version %.80q of %s is no semantic version, like \"1.0.0\"", written, name)
	}
	return name, clean.String(), nil
}

// compact takes a value's spaces out, as npm does.
func compact(raw []byte) []byte {
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		return raw
	}
	return b.Bytes()
}

// registryOnly reports whether a registry says this of a version, not its author.
// Upper case does not make a difference to every reader of JSON.
func registryOnly(key string) bool {
	switch strings.ToLower(key) {
	case "dist", "deprecated", "hasinstallscript", "maintainers", "signatures", "attestations", "readme", "readmefilename":
		return true
	}
	return strings.HasPrefix(key, "_")
}

// change replaces a member by what f makes of it; nothing removes it.
func (o *Object) change(key string, f func(raw []byte) []byte) {
	raw := o.Get(key)
	if len(raw) == 0 {
		return
	}
	if v := f(raw); v != nil {
		o.Set(key, v)
	} else {
		o.Delete(key)
	}
}

// encoded is the object as text.
func (o Object) encoded() []byte {
	w := &writer{}
	o.encode(w)
	return w.b
}

// normalizeScripts leaves only scripts that are text, and adds the one that npm
// runs for a binding.gyp. gypfile is true only beside one.
func (o *Object) normalizeScripts(gyp bool) {
	var scripts Object
	o.change("scripts", func(raw []byte) []byte {
		for _, m := range members(raw) {
			if _, ok := textOf(m.Value); ok {
				scripts = append(scripts, m)
			}
		}
		if raw[0] != '{' {
			return nil
		}
		return scripts.encoded()
	})
	if string(o.Get("gypfile")) == "true" && !gyp {
		o.Delete("gypfile")
	}
	if gyp && string(o.Get("gypfile")) != "false" && scripts.Text("install") == "" && scripts.Text("preinstall") == "" {
		scripts.Set("install", appendText(nil, "node-gyp rebuild"))
		o.Set("scripts", scripts.encoded())
		o.Set("gypfile", []byte("true"))
	}
}

// members are those of a value that is an object, else none.
func members(raw []byte) Object {
	o, _ := new(reader).objectOf(raw)
	return o
}
