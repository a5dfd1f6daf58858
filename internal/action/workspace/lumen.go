package workspace

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/pelletier/go-toml/v2"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/lumen"
)

// readLumen reads a lumen.toml. What is not to be published, or can't be because it needs what
// only this repository has, as examples do, is left out; anything else that is wrong is told.
func (p *Package) readLumen(file string, text []byte) {
	m, err := lumen.ParseManifest(text)
	if err == nil {
		p.Name = Lumen.Prefix() + m.Name
		if m.Private {
			p.leaveOutLumen("it says publish = false", "remove that to publish it")
		}
		return
	}
	o := outlineOf(text)
	if lumen.ValidName(o.name, true) == nil {
		p.Name = Lumen.Prefix() + o.name
	}
	switch {
	case o.workspaceOnly:
		p.leaveOutLumen("it has no [package], only a [workspace]", "name the packages themselves")
	case o.private:
		p.leaveOutLumen("it says publish = false", "remove that to publish it")
	case o.local != "":
		p.leaveOutLumen(fmt.Sprintf("it depends on %s by path, git or workspace, which those who use it don't have", o.local), "publish that and depend on its version")
	default:
		p.refuse(located(file, err))
	}
}

func (p *Package) leaveOutLumen(why, remedy string) {
	p.leftOut = why
	p.refusal = fault.New(fault.Invalid, "%s can't be published: %s; %s", cmp.Or(p.Name, p.Dir), why, remedy)
}

// outline is what a manifest says that lumen.ParseManifest refuses to read.
type outline struct {
	name          string
	private       bool   // publish = false
	workspaceOnly bool   // it has a [workspace] and no [package]
	local         string // a dependency that no registry has
}

// packageTable and nameLine find the name in a lumen.toml that is no TOML.
var (
	packageTable = regexp.MustCompile(`(?ms)^[ \t]*\[package\][ \t\r]*$.*?(?:^[ \t]*\[|\z)`)
	nameLine     = regexp.MustCompile(`(?m)^[ \t]*name[ \t]*=[ \t]*["']([^"'\n]*)["']`)
)

// outlineOf of what is no TOML has a name at most.
func outlineOf(text []byte) (o outline) {
	var doc struct {
		Package      map[string]any `toml:"package"`
		Workspace    map[string]any `toml:"workspace"`
		Dependencies map[string]any `toml:"dependencies"`
	}
	if toml.Unmarshal(text, &doc) != nil {
		if found := nameLine.FindSubmatch(packageTable.Find(text)); found != nil {
			o.name = string(found[1])
		}
		return o
	}
	o.workspaceOnly = doc.Workspace != nil && doc.Package == nil
	o.name, _ = doc.Package["name"].(string)
	o.private = doc.Package["publish"] == false
	for _, name := range slices.Sorted(maps.Keys(doc.Dependencies)) {
		spec, _ := doc.Dependencies[name].(map[string]any)
		for _, key := range []string{"path", "git", "workspace"} {
			if _, ok := spec[key]; ok && o.local == "" && lumen.ValidName(name, true) == nil {
				o.local = name
			}
		}
	}
	return o
}
