package zigapi

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/org/registry-action/internal/domain/zigpackages"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/web/httpkit"
)

// The bounds of a search.
const (
	searchLimit = 20
	maxSearch   = 100
	maxOffset   = 100_000
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
	text := strings.ToValidUTF8(strings.TrimSpace(query.Get("q")), "\uFFFD")
	limit, err := number(query.Get("limit"), "limit", searchLimit, 1)
	if err != nil {
		return err
	}
	offset, err := number(query.Get("offset"), "offset", 0, 0)
	if err != nil {
		return err
	}
	found, total, err := a.index().Search(r.Context(), text, min(offset, maxOffset), min(limit, maxSearch))
	if err != nil {
		return err
	}
	hits := []hit{}
	for _, s := range found {
		hits = append(hits, hit{Name: s.Name, Version: s.Version, Description: s.Description, Author: s.Publisher, PublishedAt: isoTime(s.Date)})
	}
	return httpkit.JSON(w, r, http.StatusOK, map[string]any{"results": hits, "total": total})
}

// number reads a parameter of the query; what is absent is standard.
func number(text, name string, standard, least int) (int, error) {
	if text == "" {
		return standard, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least {
		return 0, fault.New(fault.Invalid, "%s %.40q is not a number from %d on", name, text, least)
	}
	return n, nil
}
