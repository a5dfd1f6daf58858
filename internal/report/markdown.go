package report

import (
	"fmt"
	"sort"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	// MaxComment is the most characters of a comment. GitHub takes 65,536; the
	// rest is for the hidden lines that package forge adds.
	MaxComment = 60_000
	// maxSummary is the most bytes of a summary. The runner takes 1 MiB of a
	// step, which may write more than ours.
	maxSummary = 900_000
	// maxInline is how many packages are shown without folding anything.
	maxInline = 4
)

// Comment renders the comment on a pull request, of at most MaxComment
// characters. What does not fit goes in this order: the details of changes, the
// URLs (if the preview registry has packages), the commands of single packages, the
// commands for all, sizes with all else that a table tells of changes, unchanged
// packages, and then all but as many packages as fit, with a link to the server's
// list. Warnings are short, and always there.
func Comment(r Report) string { return r.fit(MaxComment, utf8.RuneCountInString) }

// Summary renders the job's summary: the comment with more room.
func Summary(r Report) string { return r.fit(maxSummary, func(s string) int { return len(s) }) }

// detail says what to render.
type detail struct {
	changes   bool // what changed, by name
	urls      bool // also how to do without the preview registry
	single    bool // commands for single packages and bins
	install   bool // commands for all packages at once; without, none at all
	sizes     bool
	unchanged bool
	top       int // how many packages at most
}

// fit renders with as much detail as fits.
func (r Report) fit(limit int, measure func(string) int) string {
	n := len(r.Packages)
	for _, d := range []detail{
		{true, true, true, true, true, true, n},
		{false, true, true, true, true, true, n},
		{false, false, true, true, true, true, n},
		{false, false, false, true, true, true, n},
		{false, false, false, false, true, true, n},
		{false, false, false, false, false, true, n},
		{false, false, false, false, false, false, n},
	} {
		if s := r.markdown(d); measure(s) <= limit {
			return s
		}
	}
	// The first count that does not fit; the one before does.
	over := sort.Search(n, func(top int) bool { return measure(r.markdown(detail{top: top})) > limit })
	return r.markdown(detail{top: max(over-1, 0)})
}

func (r Report) markdown(d detail) string {
	var b strings.Builder
	changed, unchanged := r.sorted()
	title := count(len(r.Packages), "package")
	if r.nothing() {
		title = "No package changed"
	}
	fmt.Fprintf(&b, "### 📦 %s at %s\n\n", title, r.commit(r.SHA))
	r.writeSince(&b)
	r.writeWarnings(&b)
	shown := changed[:min(d.top, len(changed))]
	if len(shown) > 0 {
		b.WriteString(r.table(shown, d.sizes))
	}
	if d.changes {
		writeDetails(&b, shown)
	}
	r.writeUnchanged(&b, d, unchanged)
	r.writeSkipped(&b, d)
	if more := len(changed) - len(shown); more > 0 {
		fmt.Fprintf(&b, "… and %s more.\n\n", count(more, "package"))
	}
	all := d.changes && d.install && d.single && len(shown) == len(changed)
	if d.install {
		ofNPM, ofZig, ofLumen := r.split()
		if listed := ofNPM.listed(); len(listed) > 0 {
			ofNPM.writeRegistry(&b, d, listed)
			all = all && d.urls
		} else {
			ofNPM.writeURLs(&b, d)
		}
		r.writeZig(&b, d, ofZig)
		r.writeLumen(&b, d, ofLumen)
	}
	if !all {
		fmt.Fprintf(&b, "There is more than fits here: see %s.\n\n", link("all packages of this commit", r.listURL()))
	}
	b.WriteString(r.footer())
	return b.String()
}

func (r Report) writeUnchanged(b *strings.Builder, d detail, unchanged []Package) {
	switch title := count(len(unchanged), "unchanged package"); {
	case len(unchanged) == 0:
	case !d.unchanged:
		b.WriteString(title + ".\n\n")
	default:
		fold(b, title, plainTable(unchanged, d.sizes))
	}
}

// footer says where it all comes from.
func (r Report) footer() string {
	var parts []string
	if r.Base != nil && len(r.Packages) > 0 && r.oneVersion() { // else the table has it
		parts = append(parts, "version "+code(short(r.Packages[0].Version)))
	}
	if r.MergeSHA != "" {
		parts = append(parts, "packed from the merge commit "+r.commit(r.MergeSHA))
	}
	if address(r.JobURL) != "" {
		parts = append(parts, link("job", r.JobURL))
	}
	if address(r.listURL()) != "" && !r.nothing() {
		parts = append(parts, link("all packages", r.listURL()))
	}
	if !r.ExpiresAt.IsZero() && !r.nothing() {
		parts = append(parts, "expires "+r.ExpiresAt.UTC().Format(time.DateOnly)+" (UTC)")
	}
	if len(parts) == 0 {
		return ""
	}
	return "<sub>" + strings.Join(parts, " · ") + "</sub>\n"
}

// commit names a commit by its first digits, with a link.
func (r Report) commit(sha string) string {
	return link(code(sha[:min(len(sha), 7)]), r.ServerURL+"/"+r.Repository+"/commit/"+sha)
}

// listURL is the server's page of the commit.
func (r Report) listURL() string { return strings.TrimRight(r.RegistryURL, "/") + "/commits/" + r.SHA }

// fold hides content until it is asked for.
func fold(b *strings.Builder, title, content string) {
	fmt.Fprintf(b, "<details><summary>%s</summary>\n\n%s</details>\n\n", title, content)
}

// block is a code block of text that has no backticks.
func block(language, text string) string {
	return "```" + language + "\n" + text + "\n```\n\n"
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// short cuts a name that no registry would take.
func short(s string) string {
	if len(s) <= maxWord {
		return s
	}
	return strings.ToValidUTF8(s[:maxWord], "") + "…"
}
