package report

import (
	"fmt"
	"strings"
)

// writeInstall writes one block for each manager that installs everything.
func (r Report) writeInstall(b *strings.Builder) {
	folded := len(r.Packages) > maxInline
	for _, m := range r.managers() {
		switch install := r.install(m, r.Packages...); {
		case install == "":
		case folded:
			fold(b, "Install all with "+string(m), block(install))
		default:
			b.WriteString(block(install))
		}
	}
	for _, note := range r.notes() {
		b.WriteString("> " + note + "\n\n")
	}
}

// writeSingle writes the commands for one package at a time, where that is
// not the same as all.
func (r Report) writeSingle(b *strings.Builder) {
	if len(r.Packages) < 2 {
		return
	}
	var content strings.Builder
	for _, p := range r.Packages {
		content.WriteString(code(short(p.Name)) + "\n")
		for _, m := range r.managers() {
			if install := r.install(m, p); install != "" {
				content.WriteString(block(install))
			}
		}
	}
	fold(b, "Install one package", content.String())
}

// writeRuns writes the commands that run bins without installing them.
func (r Report) writeRuns(b *strings.Builder) {
	var content strings.Builder
	bins := 0
	for _, p := range r.Packages {
		for _, bin := range p.Bins {
			bins++
			fmt.Fprintf(&content, "%s of %s\n", code(short(bin)), code(short(p.Name)))
			for _, m := range r.managers() {
				if run := r.run(m, p, bin); run != "" {
					content.WriteString(block(run))
				}
			}
		}
	}
	if bins > 0 {
		fold(b, "Run "+count(bins, "command")+" without installing", content.String())
	}
}
