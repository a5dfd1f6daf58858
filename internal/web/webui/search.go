package webui

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/org/registry-action/internal/web/httpkit"
)

// Finder is the index of everything that is published here.
type Finder interface {
	// Search answers a query, which may have filters such as kind:zig, scope:@acme and author:ada, with size results
	// after the first from, and how many there are.
	Search(ctx context.Context, query string, from, size int) (found []Found, total int, err error)
	// Suggest answers what somebody may be about to type.
	Suggest(ctx context.Context, prefix string, limit int) ([]Found, error)
	// Dependents answers which npm packages here need the one with a name, those that are used most first.
	Dependents(ctx context.Context, name string, from, size int) (found []Found, total int, err error)
	// Recent answers what was published last, the newest first.
	Recent(ctx context.Context, limit int) ([]Found, error)
}

// The kinds of what is found.
const (
	kindNPM        = "npm"
	kindZig        = "zig"
	kindLumen      = "lumen"
	kindRepository = "commit"
)

// Found is a package, or a repository with commits that are published.
type Found struct {
	Kind        string // npm, zig, lumen or commit
	Name        string // of a repository owner/repo
	Version     string
	Description string
	Publisher   string
	Modified    time.Time
}

// KindName is what people call the kind.
func (f Found) KindName() string { return kindName(f.Kind) }

func kindName(kind string) string {
	switch kind {
	case kindZig:
		return "Zig"
	case kindLumen:
		return "Lumen"
	case kindRepository:
		return "repository"
	}
	return kind
}

// pageOf is the address of the page of something, without the base.
func pageOf(kind, name string) string {
	switch kind {
	case kindZig:
		return "/zig/packages/" + url.PathEscape(name)
	case kindLumen:
		return "/lumen/packages/" + escapeParts(name)
	case kindRepository:
		return "/" + escapeParts(name)
	}
	return "/packages/" + escapeParts(name)
}

// escapeParts escapes a name with slashes for a path. An "@" is left, as people read it.
func escapeParts(name string) string {
	parts := strings.Split(name, "/")
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return strings.Join(parts, "/")
}

// Shown is the version as people read it: of a repository the beginning of the commit.
func (f Found) Shown() string {
	if f.Kind == kindRepository {
		return shortSHA(f.Version)
	}
	return f.Version
}

// Path is the address of what was found, without the base.
func (f Found) Path() string { return pageOf(f.Kind, f.Name) }

const (
	searchPage  = 20    // results
	maxFrom     = 9_980 // how far somebody may page
	suggestions = 8
)

// searchView is what the page of results shows.
type searchView struct {
	Query    string
	Results  []Found
	Total    int
	From, To int // the first and the last that are shown, from 1
	Filters  []filter
	Previous string // addresses; empty: there is none
	Next     string
}

// filter is a link to the results of one kind.
type filter struct {
	Label, URL string
	Current    bool
}

func (u *UI) search(w http.ResponseWriter, r *http.Request) error {
	query := httpkit.QueryWords(r.URL.Query(), "q")
	from, _ := strconv.Atoi(r.URL.Query().Get("from")) // what is no number is the beginning
	from = min(max(from, 0), maxFrom)
	v := searchView{Query: query, Filters: u.filters(query)}
	var err error
	if v.Results, v.Total, err = u.Search.Search(r.Context(), query, from, searchPage); err != nil {
		return err
	}
	v.From, v.To = from+1, from+len(v.Results)
	if from > 0 {
		v.Previous = u.searchURL(query, max(0, from-searchPage))
	}
	if v.To < v.Total && from+searchPage <= maxFrom && len(v.Results) > 0 {
		v.Next = u.searchURL(query, from+searchPage)
	}
	title := "Search"
	if query != "" {
		title = query + " · Search"
	}
	return u.render(w, r, http.StatusOK, "search", Page{Title: title, Query: query, Data: v})
}

func (u *UI) searchURL(query string, from int) string {
	values := url.Values{"q": {query}}
	if from > 0 {
		values.Set("from", strconv.Itoa(from))
	}
	return u.base + "/search?" + values.Encode()
}

// filters are links to the results of each kind, and of all.
func (u *UI) filters(query string) []filter {
	words, current := strings.Fields(query), ""
	for _, word := range words {
		if kind, ok := strings.CutPrefix(word, "kind:"); ok {
			current = kind
		}
	}
	words = slices.DeleteFunc(words, func(word string) bool { return strings.HasPrefix(word, "kind:") })
	rest := strings.Join(words, " ")
	all := []filter{{Label: "All", URL: u.searchURL(rest, 0), Current: current == ""}}
	for _, k := range []struct{ kind, label string }{{kindNPM, "npm"}, {kindZig, "Zig"}, {kindLumen, "Lumen"}, {kindRepository, "Repositories"}} {
		narrowed := strings.TrimSpace(rest + " kind:" + k.kind)
		all = append(all, filter{Label: k.label, URL: u.searchURL(narrowed, 0), Current: current == k.kind})
	}
	return all
}

// suggestion is what a script shows below the search box.
type suggestion struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
	Text string `json:"text"`
	URL  string `json:"url"`
}

// suggest answers a script what may be meant by the beginning of a query.
func (u *UI) suggest(w http.ResponseWriter, r *http.Request) error {
	if _, err := u.reader(r); err != nil {
		return err
	}
	prefix, list := httpkit.QueryWords(r.URL.Query(), "q"), []suggestion{}
	if prefix != "" {
		found, err := u.Search.Suggest(r.Context(), prefix, suggestions)
		if err != nil {
			return err
		}
		for _, f := range found[:min(len(found), suggestions)] {
			list = append(list, suggestion{f.KindName(), f.Name, f.Description, u.base + f.Path()})
		}
	}
	h := w.Header()
	h.Del("Access-Control-Allow-Origin")
	h.Set("Cache-Control", httpkit.PrivateRevalidate)
	h.Set("Vary", "Cookie")
	return httpkit.JSON(w, r, http.StatusOK, list)
}
