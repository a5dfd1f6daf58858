package forgetest

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
)

// SetRef says which commit a branch ("heads/main") or tag ("tags/v1") of the repository points at.
func (s *Server) SetRef(ref, sha string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refs == nil {
		s.refs = map[string]string{}
	}
	s.refs[ref] = sha
}

func (s *Server) getCommit(w *httptest.ResponseRecorder, ref string) {
	name, err := url.PathUnescape(ref)
	sha, ok := s.refs[name]
	if err != nil || !ok {
		refuse(w, http.StatusUnprocessableEntity, "No commit found for SHA: "+ref)
		return
	}
	o := s.example("commit")
	o["sha"] = sha
	delete(o, "files") // the example's are not as described
	answer(w, http.StatusOK, o)
}

// listPullsFrom answers the pull requests from one branch; nobody asks for all of them.
func (s *Server) listPullsFrom(w *httptest.ResponseRecorder, r *http.Request) {
	q := r.URL.Query()
	owner, branch, ok := strings.Cut(q.Get("head"), ":")
	if !ok || q.Get("state") != "open" {
		s.t.Errorf("pull requests are asked for with %q, want the open ones from one branch", r.URL.RawQuery)
	}
	found := []any{}
	for _, p := range s.pulls {
		of, _, _ := strings.Cut(p.HeadRepo, "/")
		if p.State == "open" && of == owner && p.HeadRef == branch {
			found = append(found, s.pull("pull-request-simple-items", p))
		}
	}
	s.page(w, r, found)
}
