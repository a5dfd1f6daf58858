package main

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// table is the result of a measurement.
type table struct {
	Name  string   `json:"name"`
	Title string   `json:"title"`
	Notes []string `json:"notes,omitempty"`
	Rows  []row    `json:"rows"`
}

// row is one number. Limit and Relation are empty for what has no target.
type row struct {
	What     string   `json:"what"`
	Value    float64  `json:"value"`
	Unit     unit     `json:"unit"`
	Relation relation `json:"relation,omitempty"`
	Limit    float64  `json:"limit,omitempty"`
}

type unit string

const (
	seconds unit = "s"
	micro   unit = "µs"
	bytesOf unit = "B"
	ratio   unit = "×"
	percent unit = "%"
	count   unit = ""
)

type relation string

const (
	atMost  relation = "≤"
	atLeast relation = "≥"
)

func (t *table) note(format string, args ...any) {
	t.Notes = append(t.Notes, fmt.Sprintf(format, args...))
}

func (t *table) add(what string, value float64, u unit) {
	t.Rows = append(t.Rows, row{What: what, Value: value, Unit: u})
}

// aim adds a number that has a target.
func (t *table) aim(what string, value float64, u unit, r relation, limit float64) {
	t.Rows = append(t.Rows, row{What: what, Value: value, Unit: u, Relation: r, Limit: limit})
}

// took adds both times of a piece of work.
func (t *table) took(what string, u usage) {
	t.add(what+", wall time", u.Wall.Seconds(), seconds)
	t.add(what+", CPU time", u.CPU.Seconds(), seconds)
}

// reached reports whether the target is met.
func (r row) reached() bool {
	if r.Relation == atLeast {
		return r.Value >= r.Limit
	}
	return r.Value <= r.Limit
}

func (r row) cells() []string {
	cells := []string{r.What, r.Unit.format(r.Value), "", ""}
	if r.Relation != "" {
		cells[2] = string(r.Relation) + " " + r.Unit.format(r.Limit)
		cells[3] = "no"
		if r.reached() {
			cells[3] = "yes"
		}
	}
	return cells
}

// format shows bytes with the units of 1024, as the targets are given.
func (u unit) format(v float64) string {
	switch u {
	case seconds:
		return time.Duration(v * float64(time.Second)).Round(time.Millisecond).String()
	case micro:
		return fmt.Sprintf("%.0f µs", v)
	case bytesOf:
		for _, step := range []struct {
			size float64
			name string
		}{{1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}} {
			if v >= step.size {
				return fmt.Sprintf("%.1f %s", v/step.size, step.name)
			}
		}
		return fmt.Sprintf("%.0f B", v)
	case ratio:
		return fmt.Sprintf("%.2f×", v)
	case percent:
		return fmt.Sprintf("%.2f %%", v)
	}
	return fmt.Sprintf("%.0f", v)
}

// print writes the table in Markdown, aligned.
func (t *table) print(w io.Writer) {
	lines := [][]string{{t.Title, "measured", "target", "reached"}}
	for _, r := range t.Rows {
		lines = append(lines, r.cells())
	}
	width := make([]int, len(lines[0]))
	for _, cells := range lines {
		for i, c := range cells {
			width[i] = max(width[i], utf8.RuneCountInString(c))
		}
	}
	rule := []string{strings.Repeat("-", width[0])}
	for _, n := range width[1:] {
		rule = append(rule, strings.Repeat("-", n-1)+":")
	}
	fmt.Fprintln(w)
	for _, cells := range append([][]string{lines[0], rule}, lines[1:]...) {
		fmt.Fprintf(w, "| %-*s |", width[0], cells[0])
		for i, c := range cells[1:] {
			fmt.Fprintf(w, " %*s |", width[i+1], c)
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintln(w)
	for _, n := range t.Notes {
		fmt.Fprintln(w, "- "+n)
	}
}
