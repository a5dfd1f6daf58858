package httpkit

import (
	"net/http"
	"strings"
	"sync"

	"github.com/org/registry-action/internal/fault"
)

// Mux is an http.ServeMux whose own answers, 404 and 405, are JSON, and which never
// redirects: clients do not follow that for every method, and a path such as
// //host/x must not lead to another host. The pattern "/" is its own; no other may
// end in a slash.
type Mux struct {
	patterns http.ServeMux
	once     sync.Once
	firsts   map[string]bool // the first segments of the patterns; a wildcard is "*"
}

// Handle registers a handler, as http.ServeMux does.
func (m *Mux) Handle(pattern string, h http.Handler) {
	_, path, _ := strings.Cut(pattern, "/")
	first, _, _ := strings.Cut(path, "/")
	switch {
	case first == "{$}":
		first = ""
	case strings.HasPrefix(first, "{"):
		first = "*"
	}
	if m.firsts == nil {
		m.firsts = map[string]bool{}
	}
	m.firsts[first] = true
	m.patterns.Handle(pattern, h)
}

// Knows reports whether a request has a pattern. That its path begins as none does is found at once: a ServeMux would try all
// methods.
func (m *Mux) Knows(r *http.Request) bool {
	first, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if !m.firsts[first] && !m.firsts["*"] {
		return false
	}
	_, pattern := m.patterns.Handler(r)
	return pattern != nothing && pattern != ""
}

// ServeHTTP dispatches the request.
func (m *Mux) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.once.Do(func() { m.patterns.Handle(nothing, http.HandlerFunc(m.refuse)) })
	if !clean(Path(r)) {
		WriteError(w, r, NotFound(r))
		return
	}
	defer notePattern(w, r)
	m.patterns.ServeHTTP(w, r)
}

// nothing is the pattern of what no other pattern fits.
const nothing = "/"

// refuse answers what no pattern fits: 405 if another method would have fitted.
func (m *Mux) refuse(w http.ResponseWriter, r *http.Request) {
	var allowed []string
	probe := *r
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete} {
		probe.Method = method
		if m.Knows(&probe) {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) == 0 {
		WriteError(w, r, NotFound(r))
		return
	}
	allow := strings.Join(allowed, ", ")
	w.Header().Set("Allow", allow)
	WriteError(w, r, fault.New(MethodNotAllowed, "%s is not allowed here; use %s", r.Method, allow))
}

// NotFound is the answer for an address that means nothing here.
func NotFound(r *http.Request) error {
	return fault.New(fault.NotFound, "Not found: nothing is served at %.300s", shownPath(r.URL.Path))
}
