package manifest

import (
	"bytes"
	"fmt"
	"path"
	"strings"

	"github.com/org/registry-action/internal/fault"
)

const peerField = "peerDependencies"

// dependencyFields are the fields whose specifiers are rewritten.
func dependencyFields() []string {
	return []string{"dependencies", "devDependencies", "optionalDependencies", peerField}
}

// Parse reads a package.json. Of members with the same name the last one
// counts, as for JSON.parse; a byte order mark is dropped, as npm does. Errors
// are *fault.Error of kind Invalid that name path, line, column (in characters)
// and what was expected there.
func Parse(path string, src []byte) (*Manifest, error) {
	src = bytes.TrimPrefix(src, []byte("\xef\xbb\xbf"))
	root, bad := scan(src)
	if bad != nil {
		line, column := position(src, bad.offset)
		return nil, fault.New(fault.Invalid, "%s:%d:%d: %s", path, line, column, bad.describe(src))
	}
	d := &decoder{path: path, src: src}
	m := &Manifest{Path: path, Source: src}
	if root.kind != objectKind {
		d.fail(root, "a package.json", "an object")
	} else {
		d.manifest(m, root.object)
	}
	if d.err != nil {
		return nil, d.err
	}
	return m, nil
}

// decoder reads typed fields and keeps the first error. null is as good as absent.
type decoder struct {
	path string
	src  []byte
	err  error
}

func (d *decoder) manifest(m *Manifest, o *object) {
	m.Name = d.text(o.get("name"), "name")
	m.Version = d.text(o.get("version"), "version")
	m.Private = d.flag(o.get("private"), "private")
	m.Scripts = d.texts(o.get("scripts"), "scripts")
	m.ManagerField = d.text(o.get("packageManager"), "packageManager")
	m.Dependencies = map[string]map[string]string{}
	for _, field := range dependencyFields() {
		if deps := d.texts(o.get(field), field); deps != nil {
			m.Dependencies[field] = deps
		}
	}
	d.list(o.get("files"), "files")
	d.bins(m, o)
	d.workspaces(m, o)
	if c := d.object(o.get("publishConfig"), "publishConfig"); c != nil {
		m.PublishConfig = PublishConfig{
			Directory:       d.text(c.get("directory"), "publishConfig.directory"),
			ExecutableFiles: d.list(c.get("executableFiles"), "publishConfig.executableFiles"),
			Name:            d.text(c.get("name"), "publishConfig.name"),
		}
	}
}

func (d *decoder) bins(m *Manifest, o *object) {
	switch bin := o.get("bin"); {
	case bin != nil && bin.kind == stringKind:
		m.Bins = append(m.Bins, rooted(unquote(bin.raw)))
	case bin != nil && bin.kind != nullKind:
		if commands := d.object(bin, "bin"); commands != nil {
			for _, c := range commands.members {
				m.Bins = append(m.Bins, rooted(d.text(c.value, "bin."+c.key)))
			}
		}
	default:
		if dir := o.sub("directories").get("bin"); dir != nil && dir.kind == stringKind {
			m.Bins = append(m.Bins, rooted(unquote(dir.raw)))
		}
	}
}

// rooted cleans a path so that it can't leave the package, as npm does with bins.
func rooted(p string) string {
	return strings.TrimPrefix(path.Clean("/"+strings.ReplaceAll(p, `\`, "/")), "/")
}

func (d *decoder) workspaces(m *Manifest, o *object) {
	w := o.get("workspaces")
	if w != nil && w.kind == objectKind {
		m.Workspaces = d.list(w.object.get("packages"), "workspaces.packages")
	} else {
		m.Workspaces = d.list(w, "workspaces")
	}
	for _, from := range []*object{o, o.sub("workspaces")} {
		m.catalog("default", from.sub("catalog"))
		if all := from.sub("catalogs"); all != nil {
			for _, c := range all.members {
				m.catalog(c.key, c.value.object)
			}
		}
	}
}

// catalog reads what is bun's catalog, if it looks like one: other people may
// use the field for something else.
func (m *Manifest) catalog(name string, o *object) {
	if o == nil {
		return
	}
	entries := map[string]string{}
	for _, e := range o.members {
		if e.value.kind == stringKind {
			entries[e.key] = unquote(e.value.raw)
		}
	}
	if m.Catalogs == nil {
		m.Catalogs = Catalogs{}
	}
	m.Catalogs[name] = entries
}

func (d *decoder) fail(v *value, what, want string) {
	if d.err == nil {
		line, column := position(d.src, v.offset)
		d.err = fault.New(fault.Invalid, "%s:%d:%d: %s must be %s, it is %s", d.path, line, column, what, want, v.kind)
	}
}

func (d *decoder) absent(v *value) bool { return v == nil || v.kind == nullKind }

func (d *decoder) text(v *value, what string) string {
	if d.absent(v) {
		return ""
	}
	if v.kind != stringKind {
		d.fail(v, what, "a string")
		return ""
	}
	return unquote(v.raw)
}

func (d *decoder) flag(v *value, what string) bool {
	if d.absent(v) {
		return false
	}
	if v.kind != boolKind {
		d.fail(v, what, "true or false")
	}
	return string(v.raw) == "true"
}

func (d *decoder) object(v *value, what string) *object {
	if d.absent(v) {
		return nil
	}
	if v.kind != objectKind {
		d.fail(v, what, "an object")
	}
	return v.object
}

// texts reads an object of strings. An empty array is accepted for an empty
// object: old tools write that.
func (d *decoder) texts(v *value, what string) map[string]string {
	if v != nil && v.kind == arrayKind && len(v.elements) == 0 {
		return nil
	}
	o := d.object(v, what)
	if o == nil {
		return nil
	}
	all := make(map[string]string, len(o.members))
	for _, m := range o.members {
		all[m.key] = d.text(m.value, fmt.Sprintf("%s of %q", what, m.key))
	}
	return all
}

func (d *decoder) list(v *value, what string) []string {
	if d.absent(v) {
		return nil
	}
	if v.kind != arrayKind {
		d.fail(v, what, "an array of strings")
		return nil
	}
	all := make([]string, 0, len(v.elements))
	for i, e := range v.elements {
		all = append(all, d.text(e, fmt.Sprintf("%s[%d]", what, i)))
	}
	return all
}
