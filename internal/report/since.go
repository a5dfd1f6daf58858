package report

import (
	"fmt"
	"strings"

	"github.com/org/registry-action/internal/wire"
)

// maxNamed is how many packages, files or entries a sentence names.
const maxNamed = 5

// writeSince writes in one sentence what became of the packages.
func (r Report) writeSince(b *strings.Builder) {
	if r.Base == nil {
		return
	}
	outcome := "."
	if r.nothing() {
		outcome = ", so nothing was published."
	}
	fmt.Fprintf(b, "%s since %s%s\n\n", r.tally(named, "**"), r.base(), outcome)
}

// tally counts what became of the packages, the first part strong: it matters most. List names those that were removed.
func (r Report) tally(list func([]string) string, strong string) string {
	var n struct{ changed, added, unchanged int }
	for _, p := range r.Packages {
		switch {
		case p.Unchanged:
			n.unchanged++
		case p.Change != nil && p.Change.Kind == wire.Added:
			n.added++
		default:
			n.changed++
		}
	}
	var parts []string
	say := func(n int, what string) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, what))
		}
	}
	say(n.changed, "changed")
	say(n.added, "new")
	say(len(r.Removed), "removed")
	if names := list(r.Removed); names != "" {
		parts[len(parts)-1] += " (" + names + ")"
	}
	if len(parts) == 0 {
		return strong + "Nothing has changed" + strong
	}
	parts[0] = strong + parts[0] + strong
	say(n.unchanged, "unchanged")
	say(len(r.Skipped), "unchanged and not published again")
	return strings.Join(parts, ", ")
}

// nothing reports whether nothing was published, for nothing has changed.
func (r Report) nothing() bool { return len(r.Packages) == 0 && len(r.Skipped) > 0 && r.Base != nil }

// base names the commit that changes are counted from.
func (r Report) base() string {
	text := r.commit(r.Base.SHA)
	if r.Base.Branch != "" {
		text += ", the newest of branch " + word(r.Base.Branch)
	}
	return text
}

// named lists the first of some names.
func named(names []string) string {
	var b strings.Builder
	for i, name := range names[:min(maxNamed, len(names))] {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(word(name))
	}
	if more := len(names) - maxNamed; more > 0 {
		fmt.Fprintf(&b, " and %d more", more)
	}
	return b.String()
}

// writeSkipped writes where the packages are that were not published again.
func (r Report) writeSkipped(b *strings.Builder, d detail) {
	title := count(len(r.Skipped), "unchanged package") + ", not published again"
	switch {
	case len(r.Skipped) == 0 || r.Base == nil:
		return
	case !d.unchanged:
		b.WriteString(title + ".\n\n")
		return
	}
	at := r // as if the base were reported
	at.SHA, at.Tag, at.Base, at.Packages = r.Base.SHA, "", nil, r.Skipped
	var content strings.Builder
	content.WriteString(plainTable(r.Skipped, d.sizes))
	if d.install {
		ofNPM, ofZig, ofLumen := at.split()
		if listed := ofNPM.listed(); len(listed) > 0 {
			ofNPM.writeInstall(&content, fromRegistry{ofNPM}, listed, "Install all of these", len(listed) > maxInline)
		}
		at.writeZig(&content, d, ofZig)
		at.writeLumen(&content, d, ofLumen)
	}
	fold(b, title, content.String())
}
