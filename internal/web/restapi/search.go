package restapi

import (
	"cmp"
	"context"
	"net/http"

	"github.com/org/registry-action/internal/domain/search"
	"github.com/org/registry-action/internal/web/httpkit"
)

// The bounds of a search.
const (
	searchLimit = 20
	maxSearch   = 50
)

// hit is one result of a search.
type hit struct {
	Name        string   `json:"name"`
	Version     string   `json:"version"`
	Description string   `json:"description,omitempty"`
	Keywords    []string `json:"keywords,omitempty"`
	Author      string   `json:"author,omitempty"`
	Downloads   int64    `json:"downloads"`      // of the last 30 days
	Kind        string   `json:"kind,omitempty"` // of an answer to who asked for kinds
}

func (a *API) search(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	limit, err := httpkit.QueryNumber(query, "limit", searchLimit, 1)
	if err != nil {
		return err
	}
	find, text := a.find, httpkit.QueryWords(query, "q")
	if a.Index != nil && search.NamesKind(text) {
		find = a.findKinds
		if !a.Index.Complete() {
			w.Header().Set("Search-Index", "incomplete") // what was published before the index was begun may be missing
		}
	}
	hits, err := find(r.Context(), text, min(limit, maxSearch))
	if err != nil {
		return err
	}
	w.Header().Set("Vary", "Accept")
	if query.Get("format") == "json" { // what a client asks for by name it takes
		r.Header.Del("Accept")
	}
	return httpkit.JSON(w, r, http.StatusOK, map[string]any{"results": hits})
}

// find finds packages of npm.
func (a *API) find(ctx context.Context, text string, limit int) ([]hit, error) {
	found, _, err := a.Catalog.Search(ctx, a.root(), text, 0, limit)
	hits := []hit{}
	for _, f := range found {
		hits = append(hits, hit{Name: f.Name, Version: f.Version, Description: f.Description, Keywords: f.Keywords, Author: f.Author, Downloads: f.Downloads})
	}
	return hits, err
}

// findKinds finds what is here of the kinds that a text names.
func (a *API) findKinds(ctx context.Context, text string, limit int) ([]hit, error) {
	found, err := a.Index.Search(ctx, search.Query{Text: text, Size: limit})
	hits := []hit{}
	for _, d := range found.Documents {
		hits = append(hits, hit{Name: d.Name, Version: d.Version, Description: d.Description, Keywords: d.Keywords, Author: cmp.Or(d.Author, d.Publisher), Downloads: d.Downloads, Kind: string(d.Kind)})
	}
	return hits, err
}
