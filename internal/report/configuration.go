package report

import (
	"slices"
	"strings"

	names "github.com/org/registry-action/internal/format/npm"
)

// file is what a project's configuration needs to have.
type file struct {
	name, use string
	language  string // of a code block
	text      string
}

// configuration makes a project ask the preview registry, and lets previews
// through where a client wants packages to be a day old.
func (r Report) configuration(listed []Package) []file {
	scopes, bare := scopesOf(listed)
	patterns := slices.Clone(bare)
	for _, s := range scopes {
		patterns = append(patterns, s+"/*")
	}
	slices.Sort(patterns)
	if len(bare) > 0 {
		scopes = nil // all is asked there
	}
	files := []file{{".npmrc", "for " + r.readers(), "ini", r.npmrc(scopes)}}
	if slices.Contains(r.managers(), yarn) {
		files = append(files, file{".yarnrc.yml", "for Yarn 2 and later", "yaml", r.yarnrc(scopes, patterns)})
	}
	if slices.Contains(r.managers(), pnpm) {
		files = append(files, file{"pnpm-workspace.yaml", "for pnpm, if the project sets a minimumReleaseAge", "yaml", "minimumReleaseAgeExclude:" + yamlList(patterns)})
	}
	return files
}

// scopesOf returns the scopes of packages, and the names that have none, each sorted.
func scopesOf(packages []Package) (scopes, bare []string) {
	for _, p := range packages {
		if scope, _ := names.SplitName(p.Name); scope != "" {
			scopes = append(scopes, scope)
		} else {
			bare = append(bare, p.Name)
		}
	}
	slices.Sort(scopes)
	slices.Sort(bare)
	return slices.Compact(scopes), slices.Compact(bare)
}

// readers lists the managers that read .npmrc.
func (r Report) readers() string {
	var all []string
	for _, m := range r.managers() {
		if m == yarn {
			all = append(all, "Yarn 1")
		} else {
			all = append(all, string(m))
		}
	}
	last := len(all) - 1
	if last < 1 {
		return strings.Join(all, "")
	}
	return strings.Join(all[:last], ", ") + " and " + all[last]
}

// npmrc names the registry for scopes, or for everything if there are none.
func (r Report) npmrc(scopes []string) string {
	setting := "registry=" + literal(r.PreviewRegistry()) + "/"
	if len(scopes) == 0 {
		return setting
	}
	var lines []string
	for _, s := range scopes {
		lines = append(lines, s+":"+setting)
	}
	return strings.Join(lines, "\n")
}

func (r Report) yarnrc(scopes, patterns []string) string {
	setting := "npmRegistryServer: " + yamlText(r.PreviewRegistry())
	var b strings.Builder
	if len(scopes) == 0 {
		b.WriteString(setting + "\n")
	} else {
		b.WriteString("npmScopes:\n")
		for _, s := range scopes {
			b.WriteString("  " + yamlText(strings.TrimPrefix(s, "@")) + ":\n    " + setting + "\n")
		}
	}
	b.WriteString("npmPreapprovedPackages:" + yamlList(patterns))
	if host := r.plainHost(); host != "" {
		b.WriteString("\nunsafeHttpWhitelist:" + yamlList([]string{host}))
	}
	return b.String()
}

func yamlList(items []string) string {
	var b strings.Builder
	for _, item := range items {
		b.WriteString("\n  - " + yamlText(item))
	}
	return b.String()
}

func yamlText(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(literal(s)) + `"`
}

// writeConfiguration writes the files' lines.
func (r Report) writeConfiguration(b *strings.Builder, listed []Package) {
	var content strings.Builder
	for _, f := range r.configuration(listed) {
		content.WriteString(code(f.name) + " " + f.use + "\n" + block(f.language, f.text))
	}
	fold(b, "Keep them in a project", content.String())
}
