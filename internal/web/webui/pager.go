package webui

import (
	"net/http"
	"strconv"
)

// pager leads through a list that has more rows than a page. Its links are queries of the page's own address.
type pager struct {
	First, Last, Total int    // of the rows shown, from 1 on
	Before, After      string // "" if there is nothing
}

// offset reads which row a request's page begins with.
func offset(r *http.Request) int {
	n, err := strconv.Atoi(r.URL.Query().Get("from"))
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// newPager makes the pager of a list of which shown rows are shown from an offset on.
func newPager(from, shown, total, size int) pager {
	p := pager{First: min(from+1, total), Last: min(from+shown, total), Total: total}
	if from > 0 {
		p.Before = "?from=" + strconv.Itoa(max(from-size, 0))
	}
	if from+shown < total {
		p.After = "?from=" + strconv.Itoa(from+shown)
	}
	return p
}

// Needed reports whether there is more than what is shown.
func (p pager) Needed() bool { return p.Before != "" || p.After != "" }

// part cuts the rows of a request's page out of a list.
func part[T any](r *http.Request, all []T, size int) ([]T, pager) {
	from := min(offset(r), len(all))
	shown := all[from:min(from+size, len(all))]
	return shown, newPager(from, len(shown), len(all), size)
}
