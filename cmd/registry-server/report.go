package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/org/registry-action/internal/wire"
)

// report is what an import led to.
type report struct {
	Packages int       `json:"packages"`           // that were looked at
	Imported int       `json:"imported"`           // versions
	Present  int       `json:"present"`            // versions that were there already
	Refused  []refusal `json:"refused"`            // packages and versions
	Ours     []string  `json:"ownNames,omitempty"` // names and scopes that upstream is no longer asked for
	Notes    []string  `json:"notes,omitempty"`
}

// refusal is a version that was not imported; without a version, a package.
type refusal struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	Reason  string `json:"reason"`
}

func (r refusal) String() string {
	if r.Version == "" {
		return shown(r.Name) + ": " + r.Reason
	}
	return shown(r.Name) + "@" + shown(r.Version) + ": " + r.Reason
}

// shown is a text of a foreign folder as a terminal may get it.
func shown(text string) string {
	if quoted := strconv.Quote(text); quoted != `"`+text+`"` {
		return quoted
	}
	return text
}

// tally is what the import of one package led to.
type tally struct {
	name              string
	imported, present int
	refused           []refusal
	ours              []string
}

func (t *tally) refuse(version string, err error) {
	t.refused = append(t.refused, refusal{Name: t.name, Version: version, Reason: sentence(err)})
}

func (t *tally) add(out wire.Imported) {
	if out.FirstOf != "" {
		t.ours = append(t.ours, out.FirstOf)
	}
	if out.Unchanged {
		t.present++
		return
	}
	t.imported++
}

// String is the line that says it.
func (t tally) String() string {
	parts := []string{}
	if t.imported > 0 {
		parts = append(parts, countOf(t.imported, "version", "versions")+" imported")
	}
	if t.present > 0 {
		parts = append(parts, fmt.Sprintf("%d there already", t.present))
	}
	if len(t.refused) > 0 {
		parts = append(parts, fmt.Sprintf("%d refused", len(t.refused)))
	}
	if len(parts) == 0 {
		parts = append(parts, "nothing to import")
	}
	return shown(t.name) + ": " + strings.Join(parts, ", ")
}

func (r *report) add(t tally) {
	r.Packages++
	r.Imported += t.imported
	r.Present += t.present
	r.Refused = append(r.Refused, t.refused...)
	r.Ours = append(r.Ours, t.ours...)
}

func (r *report) sort() {
	slices.SortStableFunc(r.Refused, func(a, b refusal) int { return cmp.Compare(a.Name, b.Name) })
	slices.Sort(r.Ours)
	r.Ours = slices.Compact(r.Ours)
}

// write prints the report for people.
func (r report) write(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s imported, %d there already, %d refused\n",
		countOf(r.Packages, "package", "packages"), countOf(r.Imported, "version", "versions"), r.Present, len(r.Refused))
	for _, refused := range r.Refused {
		fmt.Fprintf(&b, "refused %s\n", refused)
	}
	if len(r.Ours) > 0 {
		fmt.Fprintf(&b, "upstream is no longer asked for %s\n", strings.Join(r.Ours, ", "))
	}
	for _, note := range r.Notes {
		fmt.Fprintf(&b, "note: %s\n", note)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func countOf(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
