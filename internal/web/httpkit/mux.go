package httpkit

import (
	"net/http"

	"github.com/org/registry-action/internal/fault"
)

// Mux is an http.ServeMux whose own answers, 404 and 405, are JSON.
type Mux struct{ http.ServeMux }

// ServeHTTP dispatches the request.
func (m *Mux) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h, pattern := m.Handler(r)
	if pattern != "" {
		m.ServeMux.ServeHTTP(w, r)
		return
	}
	probe := &headerProbe{header: http.Header{}}
	h.ServeHTTP(probe, r)
	if probe.status == http.StatusMethodNotAllowed {
		allow := probe.header.Get("Allow")
		w.Header().Set("Allow", allow)
		WriteError(w, r, fault.New(MethodNotAllowed, "%s is not allowed here; use %s", r.Method, allow))
		return
	}
	WriteError(w, r, NotFound(r))
}

// NotFound is the answer for an address that means nothing here.
func NotFound(r *http.Request) error {
	return fault.New(fault.NotFound, "Not found: nothing is served at %.300s", r.URL.Path)
}

// headerProbe keeps what the mux would have answered.
type headerProbe struct {
	header http.Header
	status int
}

func (p *headerProbe) Header() http.Header         { return p.header }
func (p *headerProbe) WriteHeader(status int)      { p.status = status }
func (p *headerProbe) Write(b []byte) (int, error) { return len(b), nil }
