package report

import (
	"fmt"
	"strings"
)

// line is a command. The label says whose it is where its first word does not.
type line struct{ label, command string }

// way is how packages are had: from the preview registry, or by URL.
type way interface {
	install(m manager, packages ...Package) []line
	run(m manager, p Package, bin string) []line
}

// writeRegistry writes what uses the preview registry, then how to do without.
func (r Report) writeRegistry(b *strings.Builder, d detail, listed []Package) {
	few := r.writeInstalls(b, fromRegistry{r}, listed)
	b.WriteString("> Later installs ask the registry again: a project that keeps the packages names it in its configuration, as below.\n\n")
	if more := len(r.Packages) - len(listed); more > 0 {
		b.WriteString("> " + elsewhere(more) + "\n\n")
	}
	if d.single {
		r.writeSingle(b, fromRegistry{r}, few)
		r.writeRuns(b, fromRegistry{r}, few)
	}
	r.writeConfiguration(b, listed)
	if d.urls {
		var content strings.Builder
		r.writeURLs(&content, d)
		fold(b, "Install by URL", content.String())
	}
}

// writeURLs writes what uses URLs.
func (r Report) writeURLs(b *strings.Builder, d detail) {
	urls, few := byURL{r}, r.Packages
	if len(r.Packages) > 0 {
		few = r.writeInstalls(b, urls, r.Packages)
		for _, note := range urls.notes() {
			b.WriteString("> " + note + "\n\n")
		}
	}
	if d.single {
		r.writeSingle(b, urls, few)
		r.writeRuns(b, urls, few)
	}
}

// writeInstalls writes the lines that install what changed, then those for everything. It
// returns the packages that a reader will want first: where it is not known what changed, all.
func (r Report) writeInstalls(b *strings.Builder, w way, packages []Package) []Package {
	few, others := r.wanted(packages)
	if len(others) == 0 {
		r.writeInstall(b, w, packages, "Install all", len(packages) > maxInline)
		return packages
	}
	r.writeInstall(b, w, few, "Install what changed", len(few) > maxInline)
	r.writeInstall(b, w, packages, "Install all", true)
	return few
}

// wanted are the packages that a reader will want first, which are those that changed, and the others; where it is not
// known what changed, or nothing in the report has, there are no others.
func (r Report) wanted(packages []Package) (few, others []Package) {
	if changed, _ := r.sorted(); r.Base == nil || len(changed) == 0 {
		return packages, nil
	}
	for _, p := range packages {
		if p.Unchanged {
			others = append(others, p)
		} else {
			few = append(few, p)
		}
	}
	return few, others
}

// writeInstall writes the lines of each manager that install packages together.
func (r Report) writeInstall(b *strings.Builder, w way, packages []Package, title string, folded bool) {
	for _, m := range r.managers() {
		switch install := blocks(w.install(m, packages...)); {
		case install == "":
		case folded:
			fold(b, title+" with "+string(m), install)
		default:
			b.WriteString(install)
		}
	}
}

// writeSingle writes the lines for one package at a time, where that is not the
// same as all.
func (r Report) writeSingle(b *strings.Builder, w way, packages []Package) {
	if len(packages) < 2 {
		return
	}
	var content strings.Builder
	for _, p := range packages {
		content.WriteString(code(short(p.Name)) + "\n")
		for _, m := range r.managers() {
			content.WriteString(blocks(w.install(m, p)))
		}
	}
	fold(b, "Install one package", content.String())
}

// writeRuns writes the lines that run bins without installing them.
func (r Report) writeRuns(b *strings.Builder, w way, packages []Package) {
	var content strings.Builder
	bins := 0
	for _, p := range packages {
		for _, bin := range p.Bins {
			bins++
			fmt.Fprintf(&content, "%s of %s\n", code(short(bin)), code(short(p.Name)))
			for _, m := range r.managers() {
				content.WriteString(blocks(w.run(m, p, bin)))
			}
		}
	}
	if bins > 0 {
		fold(b, "Run "+count(bins, "command")+" without installing", content.String())
	}
}

// blocks makes a code block of each line, so that its copy button copies just that.
func blocks(lines []line) string {
	var b strings.Builder
	for _, l := range lines {
		if l.label != "" {
			b.WriteString(l.label + "\n")
		}
		b.WriteString(block("sh", l.command))
	}
	return b.String()
}
