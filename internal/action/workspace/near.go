package workspace

import (
	"cmp"
	"slices"
	"strings"
)

// list names a few packages for an error.
func list(packages []candidate) string {
	var all []string
	for _, c := range packages[:min(len(packages), 5)] {
		all = append(all, cmp.Or(c.name, c.dir))
	}
	if len(packages) > len(all) {
		all = append(all, "…")
	}
	return strings.Join(all, ", ")
}

// near suggests the names and folders that are closest to a pattern.
func (w *Workspace) near(pattern string) string {
	type guess struct {
		text string
		cost int
	}
	var all []guess
	pattern = cleanPattern(pattern)
	core := strings.Trim(pattern, "./*!@")
	for _, c := range w.candidates() {
		for _, text := range []string{c.name, c.dir} {
			cost := distance(pattern, text)
			if text != "" && text != "." && (cost <= 1+len(pattern)/3 || core != "" && strings.Contains(text, core)) {
				all = append(all, guess{text, cost})
			}
		}
	}
	if len(all) == 0 {
		return "; the workspace has " + list(w.candidates())
	}
	slices.SortStableFunc(all, func(a, b guess) int { return cmp.Compare(a.cost, b.cost) })
	var texts []string
	for _, c := range all[:min(len(all), 3)] {
		texts = append(texts, c.text)
	}
	return "; did you mean " + strings.Join(slices.Compact(texts), ", ") + "?"
}

// distance is the number of bytes to insert, delete or replace to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
