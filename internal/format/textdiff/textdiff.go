// Package textdiff compares texts line by line, as diff -u does, in bounded time.
//
// It is Myers' algorithm (E. W. Myers, An O(ND) Difference Algorithm and Its
// Variations, 1986) in the linear-space form. Where two texts have little in
// common it gives up looking for the shortest script: what lies between is
// then removed and added as a whole, which is correct and longer than need be.
package textdiff

import (
	"fmt"
	"strings"
)

// Op is what happened to a line.
type Op byte

// The ops, written as in a unified diff.
const (
	Same    Op = ' '
	Removed Op = '-'
	Added   Op = '+'
)

// Line is a line of a diff. A or B is its number from 1 in the text before and after, 0 where it is not.
type Line struct {
	Op   Op
	A, B int
	Text string // without its line end
}

// Hunk is a run of changed lines with those around them.
type Hunk struct{ Lines []Line }

// Span says where a hunk is: its first line and how many there are, before and after.
func (h Hunk) Span() (a, countA, b, countB int) {
	for _, l := range h.Lines {
		if l.A > 0 {
			if countA++; a == 0 {
				a = l.A
			}
		}
		if l.B > 0 {
			if countB++; b == 0 {
				b = l.B
			}
		}
	}
	return a, countA, b, countB
}

// Head is the line that begins a hunk of a unified diff.
func (h Hunk) Head() string {
	a, countA, b, countB := h.Span()
	return fmt.Sprintf("@@ -%d,%d +%d,%d @@", a, countA, b, countB)
}

// Diff is the difference of two texts.
type Diff struct {
	Hunks          []Hunk
	Added, Removed int // lines
}

// maxSteps bounds the work of one comparison: about a second's tenth.
const maxSteps = 20_000_000

// Unified compares two texts; each hunk has as many unchanged lines around it as context says.
func Unified(before, after string, context int) Diff {
	a, b := lines(before), lines(after)
	m := &matcher{a: a, b: b, steps: maxSteps, removed: make([]bool, len(a)), added: make([]bool, len(b))}
	m.number()
	m.compare(0, len(a), 0, len(b))
	return m.hunks(context)
}

// lines cuts a text into its lines. One that is not ended differs from one that is, as for diff.
func lines(text string) []string {
	all := strings.SplitAfter(text, "\n")
	if last := len(all) - 1; all[last] == "" {
		all = all[:last]
	}
	return all
}
