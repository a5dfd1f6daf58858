package report

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/org/registry-action/internal/wire"
)

const (
	// maxWarned is how many packages a warning names: it must stay short, for it is never left out.
	maxWarned = 10
	maxBrief  = 160 // bytes of a word where many stand
)

// word is a code span of a word that may be long, or a range of versions.
func word(s string) string {
	if len(s) > maxBrief {
		s = strings.ToValidUTF8(s[:maxBrief], "") + "…"
	}
	keep := ">"
	if !strings.Contains(s, `\`) { // which a table would take for a bar's escape
		keep += "|"
	}
	if !tag.MatchString(s) {
		keep += "<"
	}
	return span(s, keep)
}

// tag is what could be HTML, and is no range of versions.
var tag = regexp.MustCompile(`<([^=0-9 ]|$)`)

// writeWarnings writes what a reviewer must not miss: what can't be imported, and what newly runs at installs.
func (r Report) writeWarnings(b *strings.Builder) {
	r.writeWarning(b, "CAUTION", "**Broken entry points** lead to files that are not in the package:", func(c *wire.PackageChange) string {
		var all []string
		for _, e := range c.Broken[:min(maxCell, len(c.Broken))] {
			all = append(all, word(e.Field)+" → "+word(e.Target))
		}
		return strings.Join(all, ", ") + andMore(len(c.Broken)-maxCell)
	})
	r.writeWarning(b, "WARNING", "**New or changed install scripts** run wherever the package is installed:", func(c *wire.PackageChange) string {
		var all []string
		for _, s := range c.Scripts[:min(maxCell, len(c.Scripts))] {
			if s.Before == "" {
				all = append(all, "+ "+word(s.Name)+": "+word(s.After))
			} else {
				all = append(all, word(s.Name)+": "+word(s.Before)+" → "+word(s.After))
			}
		}
		return strings.Join(all, ", ") + andMore(len(c.Scripts)-maxCell)
	})
}

// writeWarning writes an alert with a line for each package of which about says something.
func (r Report) writeWarning(b *strings.Builder, level, title string, about func(*wire.PackageChange) string) {
	var lines []string
	for _, p := range r.Packages {
		if p.Change == nil {
			continue
		}
		if text := about(p.Change); text != "" {
			lines = append(lines, word(p.Name)+": "+text)
		}
	}
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(b, "> [!%s]\n> %s\n", level, title)
	for _, l := range lines[:min(maxWarned, len(lines))] {
		b.WriteString("> - " + l + "\n")
	}
	if more := len(lines) - maxWarned; more > 0 {
		fmt.Fprintf(b, "> - and of %s more\n", count(more, "package"))
	}
	b.WriteString("\n")
}

func andMore(n int) string {
	if n <= 0 {
		return ""
	}
	return fmt.Sprintf(" and %d more", n)
}
