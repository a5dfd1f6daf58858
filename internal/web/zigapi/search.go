package zigapi

import (
	"context"
	"net/http"

	"github.com/org/registry-action/internal/domain/zigpackages"
	"github.com/org/registry-action/internal/web/httpkit"
)

// The bounds of a search.
const (
	searchLimit = 20
	maxSearch   = 100
)

// hit is one result of a search.
type hit struct {
	Name        string `json:"name"`
	Version     string `json:"version"`
	Description string `json:"description,omitempty"`
	Author      string `json:"author,omitempty"`
	PublishedAt string `json:"publishedAt,omitempty"`
}

// Index finds packages; zigpackages.Service is one, which looks at each of them.
type Index interface {
	Search(ctx context.Context, text string, offset, limit int) ([]zigpackages.Summary, int, error)
}

func (a *API) index() Index {
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
	found, total, err := a.index().Search(r.Context(), httpkit.QueryText(query, "q"), offset, limit)
	if err != nil {
		return err
	}
	hits := []hit{}
	for _, s := range found {
		hits = append(hits, hit{Name: s.Name, Version: s.Version, Description: s.Description, Author: s.Publisher, PublishedAt: isoTime(s.Date)})
	}
	return httpkit.JSON(w, r, http.StatusOK, map[string]any{"results": hits, "total": total})
}
