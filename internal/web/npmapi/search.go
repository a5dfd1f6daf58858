package npmapi

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/org/registry-action/internal/domain/catalog"
	"github.com/org/registry-action/internal/fault"
)

// The bounds of npm's search.
const (
	searchSize    = 20
	maxSearchSize = 250
	maxSearchFrom = 10_000
	maxSearchText = 512 // bytes
)

// searchObject is a hit in npm's form. pnpm wants a user name of everybody, and every client a date.
type searchObject struct {
	Package     searchPackage `json:"package"`
	Score       searchScore   `json:"score"`
	SearchScore float64       `json:"searchScore"`
}

type searchPackage struct {
	Name        string            `json:"name"`
	Version     string            `json:"version"`
	Description string            `json:"description"`
	Keywords    []string          `json:"keywords"`
	Date        string            `json:"date"`
	Author      *searchAuthor     `json:"author,omitempty"`
	Publisher   searchUser        `json:"publisher"`
	Maintainers []searchUser      `json:"maintainers"`
	Links       map[string]string `json:"links"`
}

type searchAuthor struct {
	Name string `json:"name"`
}

type searchUser struct {
	Username string `json:"username"`
	Email    string `json:"email"`
}

type searchScore struct {
	Final  float64            `json:"final"`
	Detail map[string]float64 `json:"detail"`
}

// isoTime is how npm writes times.
const isoTime = "2006-01-02T15:04:05.000Z"

func (s *site) search(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	text := q.Get("text")
	text = text[:min(len(text), maxSearchText)]
	from, size := number(q.Get("from"), 0, maxSearchFrom), number(q.Get("size"), searchSize, maxSearchSize)
	root := s.root(r)
	found, total, err := s.Catalog.Search(r.Context(), root, text, from, size)
	if err != nil {
		return err
	}
	objects := []json.RawMessage{}
	for _, hit := range found {
		raw := hit.Raw
		if raw == nil {
			if raw, err = json.Marshal(ours(root, hit)); err != nil {
				return err
			}
		}
		objects = append(objects, raw)
	}
	return s.json(w, r, map[string]any{"objects": objects, "total": total, "time": time.Now().UTC().Format(isoTime)})
}

func ours(root catalog.Root, hit catalog.Result) searchObject {
	o := searchObject{Package: searchPackage{
		Name: hit.Name, Version: hit.Version, Description: hit.Description, Keywords: hit.Keywords, Date: hit.Date.UTC().Format(isoTime),
		Publisher: searchUser{Username: hit.Publisher}, Maintainers: []searchUser{}, Links: map[string]string{"npm": root.URL + "/" + hit.Name},
	}, Score: searchScore{Final: 1, Detail: map[string]float64{"quality": 1, "popularity": 1, "maintenance": 1}}, SearchScore: 1}
	if hit.Keywords == nil {
		o.Package.Keywords = []string{}
	}
	if hit.Author != "" {
		o.Package.Author = &searchAuthor{hit.Author}
	}
	for _, user := range hit.Owners {
		o.Package.Maintainers = append(o.Package.Maintainers, searchUser{Username: user})
	}
	return o
}

func (s *site) all(http.ResponseWriter, *http.Request) error {
	return fault.New(fault.NotFound, "the list of all packages is not served; search with npm search, which asks /-/v1/search").WithCode("not_served")
}

func (s *site) ping(w http.ResponseWriter, r *http.Request) error {
	return s.json(w, r, struct{}{})
}
