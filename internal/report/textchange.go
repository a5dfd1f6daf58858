package report

import (
	"fmt"
	"strings"

	"github.com/org/registry-action/internal/wire"
)

// writeSinceLines is writeSince for a terminal.
func (r Report) writeSinceLines(b *strings.Builder) {
	if r.Base == nil {
		return
	}
	branch := ""
	if r.Base.Branch != "" {
		branch = ", the newest of branch " + plain(r.Base.Branch)
	}
	names := func(all []string) string {
		return plain(strings.Join(all[:min(maxNamed, len(all))], ", ")) + andMore(len(all)-maxNamed)
	}
	fmt.Fprintf(b, "%s since %s%s\n", r.tally(names, ""), plain(r.Base.SHA[:min(len(r.Base.SHA), 7)]), branch)
}

// what says in a word what became of the package.
func (p Package) what() string {
	switch c := p.Change; {
	case p.Unchanged:
		return "unchanged"
	case c == nil || c.Kind == "":
		return ""
	case c.Kind == wire.Added:
		return "new"
	case c.Size == nil || c.Size.Before == nil || c.Size.After == nil || *c.Size.Before == *c.Size.After:
		return "changed"
	case *c.Size.After < *c.Size.Before:
		return "changed, −" + size(*c.Size.Before-*c.Size.After)
	default:
		return "changed, +" + size(*c.Size.After-*c.Size.Before)
	}
}

// writeWarningLines is writeWarnings for a terminal.
func (r Report) writeWarningLines(b *strings.Builder) {
	n := 0
	say := func(format string, args ...any) {
		if n++; n == 1 {
			b.WriteString("\n")
		}
		if n <= maxWarned {
			fmt.Fprintf(b, "warning: "+format+"\n", args...)
		}
	}
	for _, p := range r.Packages {
		if p.Change == nil {
			continue
		}
		for _, e := range p.Change.Broken {
			say("%s: %s leads to %s, which is not in the package", plain(p.Name), plain(e.Field), plain(e.Target))
		}
		for _, s := range p.Change.Scripts {
			if s.Before == "" {
				say("%s: %s is new, and runs at installs: %s", plain(p.Name), plain(s.Name), plain(s.After))
			} else {
				say("%s: %s, which runs at installs, is now %s, was %s", plain(p.Name), plain(s.Name), plain(s.After), plain(s.Before))
			}
		}
	}
	if n > maxWarned {
		fmt.Fprintf(b, "warning: and %d more\n", n-maxWarned)
	}
}
