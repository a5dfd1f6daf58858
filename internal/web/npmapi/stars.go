package npmapi

import (
	"encoding/json"
	"net/http"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/web/httpkit"
)

// starredBy answers npm stars.
func (s *site) starredBy(w http.ResponseWriter, r *http.Request) error {
	user, ok := jsonText(json.RawMessage(r.URL.Query().Get("key")))
	if !ok {
		return fault.New(fault.Invalid, `name the user as a JSON string: ?key="alice"`)
	}
	names, err := s.Packages.Starred(r.Context(), user)
	if err != nil {
		return err
	}
	type row struct {
		Value string `json:"value"`
	}
	rows := []row{}
	for _, name := range names {
		rows = append(rows, row{name})
	}
	return s.json(w, r, map[string]any{"rows": rows})
}

// stars answers pnpm stars, for the caller.
func (s *site) stars(w http.ResponseWriter, r *http.Request) error {
	who, err := s.known(r)
	if err != nil {
		return err
	}
	return s.listStars(w, r, who.User())
}

// starsOf answers pnpm stars, for anybody.
func (s *site) starsOf(w http.ResponseWriter, r *http.Request) error {
	return s.listStars(w, r, r.PathValue("user"))
}

func (s *site) listStars(w http.ResponseWriter, r *http.Request, user string) error {
	names, err := s.Packages.Starred(r.Context(), user)
	if err != nil {
		return err
	}
	if names == nil {
		names = []string{}
	}
	return s.json(w, r, names)
}

func (s *site) star(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Name string `json:"name"`
	}
	if err := httpkit.DecodeJSON(w, r, maxSmall, &body); err != nil {
		return err
	}
	return s.setStar(w, r, body.Name, true)
}

func (s *site) unstar(w http.ResponseWriter, r *http.Request) error {
	return s.setStar(w, r, r.PathValue("name"), false)
}

func (s *site) setStar(w http.ResponseWriter, r *http.Request, name string, on bool) error {
	httpkit.Audit(r, "star", name, "")
	who, err := s.known(r)
	if err == nil {
		err = s.Packages.Star(r.Context(), who, name, on)
	}
	if err != nil {
		return err
	}
	return done(w, r, http.StatusOK, "id", name)
}
