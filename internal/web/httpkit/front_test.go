package httpkit

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
)

// What pages of other origins may read: everything of a server that has a token,
// nothing of one that is open to its machine.
func TestOrigins(t *testing.T) {
	read := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("x")) })
	for _, tt := range []struct {
		method          string
		closed          bool
		status          int
		origin, methods string
	}{
		{"GET", false, 200, "*", ""},
		{"HEAD", false, 200, "*", ""},
		{"OPTIONS", false, 204, "*", "GET, HEAD"},
		{"PUT", false, 200, "", ""},
		{"GET", true, 200, "", ""},
		{"HEAD", true, 200, "", ""},
		{"OPTIONS", true, 405, "", ""},
		{"PUT", true, 200, "", ""},
	} {
		mux := &Mux{}
		mux.Handle("GET /a", read)
		mux.Handle("PUT /a", read)
		w, r := httptest.NewRecorder(), httptest.NewRequest(tt.method, "/a", nil)
		r.Header.Set("Origin", "https://evil.example")
		r.Header.Set("Access-Control-Request-Method", "GET")
		Front{Log: slog.New(slog.DiscardHandler), Closed: tt.closed}.Handler(mux).ServeHTTP(w, r)
		h := w.Header()
		if w.Code != tt.status || h.Get("Access-Control-Allow-Origin") != tt.origin || h.Get("Access-Control-Allow-Methods") != tt.methods {
			t.Errorf("%s, closed %v = %d, origin %q, methods %q", tt.method, tt.closed, w.Code, h.Get("Access-Control-Allow-Origin"), h.Get("Access-Control-Allow-Methods"))
		}
		if got, want := h.Get("Cross-Origin-Resource-Policy") == "same-origin", tt.closed; got != want {
			t.Errorf("%s: the answer may be embedded: %v", tt.method, !got)
		}
		if tt.closed && (h.Get("Access-Control-Expose-Headers") != "" || h.Get("Access-Control-Allow-Headers") != "") {
			t.Errorf("%s of a closed server has headers for other origins: %v", tt.method, h)
		}
	}
}

// The id of a request is in the answers by which somebody may ask after it.
func TestRequestIDs(t *testing.T) {
	for _, tt := range []struct {
		method string
		status int
		want   bool
	}{{"GET", 200, false}, {"HEAD", 304, false}, {"GET", 404, true}, {"PUT", 201, true}, {"POST", 500, true}} {
		w := httptest.NewRecorder()
		Front{Log: slog.New(slog.DiscardHandler)}.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(tt.status) })).
			ServeHTTP(w, httptest.NewRequest(tt.method, "/", nil))
		if got := w.Header().Get("X-Request-Id"); (len(got) == 16) != tt.want {
			t.Errorf("%s answered by %d has the id %q", tt.method, tt.status, got)
		}
	}
}
