package forgetest

import (
	"net/http"
	"net/http/httptest"
	"slices"
)

// StatusesOf returns the marks of one commit.
func (s *Server) StatusesOf(sha string) []Status {
	return slices.DeleteFunc(s.Statuses(), func(st Status) bool { return st.SHA != sha })
}

// SetMergeBase says where two commits parted.
func (s *Server) SetMergeBase(base, head, at string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bases == nil {
		s.bases = map[string]string{}
	}
	s.bases[base+"..."+head] = at
}

func (s *Server) compare(w *httptest.ResponseRecorder, basehead string) {
	at, ok := s.bases[basehead]
	if !ok {
		refuse(w, http.StatusNotFound, "Not Found")
		return
	}
	o := s.example("commit-comparison")
	o["merge_base_commit"].(object)["sha"] = at
	answer(w, http.StatusOK, o)
}
