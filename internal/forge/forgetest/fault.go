package forgetest

import (
	"cmp"
	"net/http"
	"net/http/httptest"
)

// Fault is trouble that a Server makes instead of answering.
type Fault struct {
	Route  string // the requests it befalls
	Times  int    // how many of them; default 1
	Status int    // what they are answered; 0 cuts the connection
	Header http.Header
	Body   string // default: a message in GitHub's shape
	// Applied: the request takes effect all the same, only its answer is lost.
	Applied bool
}

// Fail has requests fail. Faults of one route follow each other.
func (s *Server) Fail(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f.Times = cmp.Or(f.Times, 1)
	s.faults = append(s.faults, f)
}

// fault takes the next fault of a route.
func (s *Server) fault(route string) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.faults {
		if f := &s.faults[i]; f.Route == route && f.Times > 0 {
			f.Times--
			return *f, true
		}
	}
	return Fault{}, false
}

// answer writes what the fault answers.
func (f Fault) answer(w *httptest.ResponseRecorder) {
	for name, values := range f.Header {
		w.Header()[http.CanonicalHeaderKey(name)] = values
	}
	if f.Body != "" {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.WriteHeader(f.Status)
		w.Body.WriteString(f.Body)
		return
	}
	refuse(w, f.Status, http.StatusText(f.Status))
}
