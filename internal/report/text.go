package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Text writes the report for a terminal: the packages, the commands that
// install them and what keeps them in a project, and when they expire. A few packages are installed together; of
// many, each has its URL and the first stands as an example.
func Text(r Report, w io.Writer) error {
	var b strings.Builder
	if changed, unchanged := r.sorted(); r.Base != nil {
		r.Packages = slices.Concat(changed, unchanged)
	}
	b.WriteString(count(len(r.Packages), "package"))
	if r.Repository != "" {
		b.WriteString(" of " + plain(r.Repository))
	}
	fmt.Fprintf(&b, " at %s\n", plain(r.SHA[:min(len(r.SHA), 7)]))
	r.writeSinceLines(&b)
	b.WriteString("\n")
	tw := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, p := range r.Packages {
		fmt.Fprintf(tw, "  %s\t%s\t%s", plain(p.Name), plain(p.Version), size(p.Size))
		if len(r.Packages) > maxInline {
			fmt.Fprintf(tw, "\t%s", plain(p.installURL()))
		}
		if what := p.what(); what != "" {
			fmt.Fprintf(tw, "\t%s", what)
		}
		fmt.Fprintln(tw)
	}
	for _, p := range r.Skipped {
		fmt.Fprintf(tw, "  %s\t%s\t%s\tunchanged, not published again\n", plain(p.Name), plain(p.Version), size(p.Size))
	}
	_ = tw.Flush() // into a strings.Builder, which takes everything
	r.writeWarningLines(&b)
	ofNPM, ofZig, ofLumen := r.split()
	if len(ofNPM.Packages) > 0 || len(ofZig)+len(ofLumen) == 0 && !r.nothing() {
		ofNPM.writeLines(&b)
	}
	writeZigLines(&b, ofZig)
	writeLumenLines(&b, ofLumen)
	if !r.ExpiresAt.IsZero() && !r.nothing() {
		fmt.Fprintf(&b, "\nThey expire on %s (UTC).\n", r.ExpiresAt.UTC().Format(time.DateOnly))
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}

// writeLines writes the commands, those of the preview registry first.
func (r Report) writeLines(b *strings.Builder) {
	listed := r.listed()
	if len(listed) > 0 {
		r.writeExamples(b, "Install", fromRegistry{r}, listed)
		if more := len(r.Packages) - len(listed); more > 0 {
			b.WriteString("\n" + elsewhere(more) + "\n")
		}
		b.WriteString("\nTo keep them in a project:\n")
		for _, f := range r.configuration(listed) {
			fmt.Fprintf(b, "  %s, %s:\n    %s\n", f.name, f.use, strings.ReplaceAll(f.text, "\n", "\n    "))
		}
	}
	urls := byURL{r}
	switch {
	case len(listed) == 0:
		r.writeExamples(b, "Install", urls, r.Packages)
	case len(r.Packages) <= maxInline: // of more, each has its URL
		r.writeExamples(b, "By URL, install", urls, r.Packages)
	default:
		return
	}
	for _, note := range urls.notes() {
		b.WriteString("\n" + strings.ReplaceAll(note, "`", "") + "\n")
	}
}

func (r Report) writeExamples(b *strings.Builder, verb string, w way, packages []Package) {
	if len(packages) == 0 {
		return
	}
	if len(packages) > maxInline {
		verb, packages = verb+" one", packages[:1]
	}
	for _, m := range r.managers() {
		for _, l := range w.install(m, packages...) {
			who := cmp.Or(strings.TrimSuffix(l.label, ":"), string(m))
			fmt.Fprintf(b, "\n%s with %s:\n  %s\n", verb, who, l.command)
		}
	}
}
