package restapi

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/web/httpkit"
)

// The bounds of a search.
const (
	maxQuery    = 256 // characters; what is behind them is not looked at
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
	Downloads   int      `json:"downloads"` // not counted yet
}

func (a *API) search(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	limit, err := limitOf(query.Get("limit"))
	if err != nil {
		return err
	}
	found, _, err := a.Catalog.Search(r.Context(), a.root(), cutQuery(query.Get("q")), 0, limit)
	if err != nil {
		return err
	}
	hits := []hit{}
	for _, f := range found {
		hits = append(hits, hit{Name: f.Name, Version: f.Version, Description: f.Description, Keywords: f.Keywords, Author: f.Author})
	}
	w.Header().Set("Vary", "Accept")
	if query.Get("format") == "json" { // what a client asks for by name it takes
		r.Header.Del("Accept")
	}
	return httpkit.JSON(w, r, http.StatusOK, map[string]any{"results": hits})
}

func limitOf(text string) (int, error) {
	if text == "" {
		return searchLimit, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, fault.New(fault.Invalid, "limit %.40q is not a number from 1 to %d", text, maxSearch)
	}
	return min(n, maxSearch), nil
}

func cutQuery(q string) string {
	runes := []rune(strings.ToValidUTF8(strings.TrimSpace(q), "\uFFFD"))
	return string(runes[:min(len(runes), maxQuery)])
}
