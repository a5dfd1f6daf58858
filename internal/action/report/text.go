package report

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// Text writes the report for a terminal: the packages, the commands that
// install them, and when they expire. A few packages are installed together; of
// many, each has its URL and the first stands as an example.
func Text(r Report, w io.Writer) error {
	var b strings.Builder
	b.WriteString(count(len(r.Packages), "package"))
	if r.Repository != "" {
		b.WriteString(" of " + plain(r.Repository))
	}
	fmt.Fprintf(&b, " at %s\n\n", plain(r.SHA[:min(len(r.SHA), 7)]))
	title, example := "Install with", r.Packages
	if len(r.Packages) > maxInline {
		title, example = "Install one with", r.Packages[:1]
	}
	tw := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, p := range r.Packages {
		fmt.Fprintf(tw, "  %s\t%s\t%s", plain(p.Name), plain(p.Version), size(p.Size))
		if len(r.Packages) > maxInline {
			fmt.Fprintf(tw, "\t%s", plain(p.installURL()))
		}
		if p.Unchanged {
			fmt.Fprint(tw, "\tunchanged")
		}
		fmt.Fprintln(tw)
	}
	_ = tw.Flush() // into a strings.Builder, which takes everything
	for _, m := range r.managers() {
		if install := r.install(m, example...); install != "" && len(r.Packages) > 0 {
			fmt.Fprintf(&b, "\n%s %s:\n  %s\n", title, m, install)
		}
	}
	for _, note := range r.notes() {
		b.WriteString("\n" + strings.ReplaceAll(note, "`", "") + "\n")
	}
	if !r.ExpiresAt.IsZero() {
		fmt.Fprintf(&b, "\nThey expire on %s (UTC).\n", r.ExpiresAt.UTC().Format(time.DateOnly))
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}
