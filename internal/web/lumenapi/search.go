package lumenapi

import (
	"context"
	"net/http"

	"github.com/org/registry-action/internal/format/lumen"
	"github.com/org/registry-action/internal/web/httpkit"
)

// The bounds of a search.
const (
	searchLimit = 20
	maxSearch   = 100
)

// searchResults answers a search.
type searchResults struct {
	Results []lumen.IndexEntry `json:"results"`
	Total   int                `json:"total"`
}

// Index finds packages; lumenpackages.Service is one, which looks at each of them.
type Index interface {
	Search(ctx context.Context, text string, offset, limit int) ([]lumen.IndexEntry, int, error)
}

func (a *API) finder() Index {
	if a.Index == nil {
		return a.Packages
	}
	return a.Index
}

func (a *API) search(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	offset, limit, err := httpkit.QueryPage(query, searchLimit, maxSearch)
	if err != nil {
		return err
	}
	found, total, err := a.finder().Search(r.Context(), httpkit.QueryText(query, "q"), offset, limit)
	if err != nil {
		return err
	}
	return httpkit.JSON(w, r, http.StatusOK, searchResults{found, total})
}
