package lumenapi

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/lumen"
	"github.com/org/registry-action/internal/web/httpkit"
)

const searchLimit = 20

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
	text := strings.ToValidUTF8(strings.TrimSpace(query.Get("q")), "\uFFFD")
	limit, err := number(query.Get("limit"), "limit", searchLimit, 1)
	if err != nil {
		return err
	}
	offset, err := number(query.Get("offset"), "offset", 0, 0)
	if err != nil {
		return err
	}
	found, total, err := a.finder().Search(r.Context(), text, offset, limit)
	if err != nil {
		return err
	}
	return httpkit.JSON(w, r, http.StatusOK, searchResults{found, total})
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
