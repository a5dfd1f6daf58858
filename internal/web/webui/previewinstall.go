package webui

import (
	"net/url"
	"slices"
	"strings"

	"github.com/org/registry-action/internal/domain/commits"
	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/format/zig"
)

// command is a line for a terminal, or a text for a file.
type command struct{ Label, Text string }

// previewRegistry is the address of a repository's preview registry, without a slash at its end.
func (u *UI) previewRegistry(repository string) string {
	return u.BaseURL + npm.PreviewPath(repository)
}

// installAll is how the npm packages of a commit are installed from the preview registry: by a tag, or by their version
// if it is "". There are no lines if there is no such package, or too many for one line.
func (u *UI) installAll(repository string, packages []commits.Package, tag string) (lines []command, settings string) {
	var names, specs []string
	for _, p := range packages {
		if p.IsPreview() {
			names = append(names, p.Name)
			specs = append(specs, p.Name+"@"+orVersion(tag, p))
		}
	}
	if len(specs) == 0 {
		return nil, ""
	}
	settings = npmrc(u.previewRegistry(repository), names)
	if len(specs) > maxInstalled {
		return nil, settings
	}
	return u.fromRegistry(u.previewRegistry(repository), specs), settings
}

func orVersion(tag string, p commits.Package) string {
	if tag == "" {
		return p.Version
	}
	return tag
}

// fromRegistry are the lines that install from a preview registry. -E saves the version as it is: a range of previews
// would let any later one in, in the order of their digits. Yarn 2 and later has no option for the registry.
func (u *UI) fromRegistry(root string, specs []string) []command {
	quoted := make([]string, len(specs))
	for i, spec := range specs {
		quoted[i] = shellWord(spec)
	}
	words := " " + strings.Join(quoted, " ")
	at := " --registry " + shellWord(root)
	berry := "YARN_NPM_REGISTRY_SERVER=" + shellWord(root) + " YARN_NPM_MINIMAL_AGE_GATE=0 "
	if parsed, err := url.Parse(root); err == nil && parsed.Scheme == "http" {
		berry += "YARN_UNSAFE_HTTP_WHITELIST=" + shellWord(parsed.Hostname()) + " "
	}
	return []command{
		{"npm", "npm i -E" + words + at},
		{"pnpm", "pnpm add -E" + words + at},
		{"Yarn 1", "yarn add -E" + words + at},
		{"Yarn 2 and later", berry + "yarn add -E" + words},
		{"bun", "bun add -E" + words + at},
	}
}

// npmrc makes a project ask a preview registry for the scopes of names, or for everything if a name has none.
func npmrc(root string, names []string) string {
	var scopes []string
	for _, name := range names {
		scope, _ := npm.SplitName(name)
		if scope == "" {
			return "registry=" + root + "/"
		}
		scopes = append(scopes, scope+":registry="+root+"/")
	}
	slices.Sort(scopes)
	return strings.Join(slices.Compact(scopes), "\n")
}

// byURL are the lines that install a package of a commit by its URL. npm 12 and later refuse that unless they are told
// otherwise.
func (u *UI) byURL(p commits.Package) []command {
	at := u.BaseURL + "/"
	if !p.Repository.IsZero() {
		at += escapePath(p.Repository.Base().Path) + "/"
	}
	at += escapePath(p.Name) + "@" + p.SHA
	return []command{
		{"npm", "npm i --allow-remote=root " + shellWord(at)},
		{"pnpm", "pnpm add " + shellWord(at)},
		{"Yarn", "yarn add " + shellWord(p.Name+"@"+at)},
		{"bun", "bun add " + shellWord(at)},
	}
}

// tarball is where a package of a commit is downloaded.
func (u *UI) tarball(p commits.Package) string { return u.BaseURL + packagePath(p) + "/tarball" }

// ofZig is how a project uses a Zig package of a commit.
func (u *UI) ofZig(p commits.Package) []command {
	name, at := shownName(p), u.tarball(p)
	hash, _ := p.Zig.Best(p.Zig.Compilers)
	return []command{
		{"Let Zig write the dependency", "zig fetch --save=" + shellWord(name) + " " + shellWord(at)},
		{"Or in build.zig.zon, within .dependencies", zig.Snippet(name, at, hash)},
		{"In build.zig", buildLines(name)},
	}
}

// ofLumen is how a project uses a Lumen package of a commit: by path, since it is in no registry.
func (u *UI) ofLumen(p commits.Package) []command {
	name := shownName(p)
	folder := "vendor/" + name[strings.LastIndexByte(name, '/')+1:]
	return []command{
		{"Unpack it into the project", "mkdir -p " + shellWord(folder) + " && curl -fsSL " + shellWord(u.tarball(p)) + " | tar -xf - -C " + shellWord(folder)},
		{"In lumen.toml", "[dependencies]\n" + quoted(name) + " = { path = " + quoted(folder) + " }"},
	}
}

// quoted is a name as Zig and TOML write it; names have nothing that needs more.
func quoted(name string) string { return `"` + name + `"` }

// buildLines are what build.zig needs to have to use a dependency.
func buildLines(name string) string {
	return "const dependency = b.dependency(" + quoted(name) + ", .{ .target = target, .optimize = optimize });\n" +
		"exe.root_module.addImport(" + quoted(name) + ", dependency.module(" + quoted(name) + "));"
}
