package httpkit

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
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

// Every answer has the id of its request.
func TestRequestIDs(t *testing.T) {
	for _, tt := range []struct {
		method string
		status int
	}{{"GET", 200}, {"HEAD", 304}, {"GET", 404}, {"PUT", 201}, {"POST", 500}, {"OPTIONS", 204}} {
		w := httptest.NewRecorder()
		Front{Log: slog.New(slog.DiscardHandler)}.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(tt.status) })).
			ServeHTTP(w, httptest.NewRequest(tt.method, "/", nil))
		if got := w.Header()["X-Request-Id"]; len(got) != 1 || len(got[0]) != 16 {
			t.Errorf("%s answered by %d has the id %q", tt.method, tt.status, got)
		}
	}
}

// Only a trusted proxy may say which id a request has, and only in few characters.
func TestForeignRequestIDs(t *testing.T) {
	proxies, err := ParseProxies([]string{"10.0.0.7"})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		from  string
		given []string
		taken bool
	}{
		{"10.0.0.7:1", []string{"of-the.proxy_1"}, true},
		{"10.0.0.8:1", []string{"of-the.proxy_1"}, false},
		{"127.0.0.1:1", []string{"of-the.proxy_1"}, false},
		{"10.0.0.7:1", []string{"one", "two"}, false},
		{"10.0.0.7:1", []string{""}, false},
		{"10.0.0.7:1", []string{"with space"}, false},
		{"10.0.0.7:1", []string{"a\nlevel=INFO"}, false},
		{"10.0.0.7:1", []string{strings.Repeat("x", 65)}, false},
	} {
		var log bytes.Buffer
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr, r.Header["X-Request-Id"] = tt.from, tt.given
		r.Header.Set("X-Forwarded-For", "203.0.113.9")
		w := httptest.NewRecorder()
		Front{Log: slog.New(slog.NewTextHandler(&log, nil)), Proxies: proxies}.Handler(http.NotFoundHandler()).ServeHTTP(w, r)
		got := w.Header().Get("X-Request-Id")
		if taken := got == tt.given[0]; taken != tt.taken || !taken && len(got) != 16 {
			t.Errorf("the id %q of %s became %q", tt.given, tt.from, got)
		}
		if !strings.Contains(log.String(), "request="+got+"\n") {
			t.Errorf("the log lacks %q: %s", got, &log)
		}
	}
}

// Whatever is logged with the context of a request has its id, once.
func TestEveryLineHasTheRequest(t *testing.T) {
	var log bytes.Buffer
	logger := slog.New(LogRequests(slog.NewTextHandler(&log, nil)))
	kit := Kit{Log: logger}
	h := Front{Log: logger}.Handler(kit.Write(func(_ http.ResponseWriter, r *http.Request) error {
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		logger.With("store", "x").WarnContext(ctx, "a store")
		return errors.New("disk")
	}))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("PUT", "/a", nil))
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) != 4 { // the store's, the refusal, the audit, the access
		t.Errorf("the log has %d lines:\n%s", len(lines), &log)
	}
	for _, line := range lines {
		if strings.Count(line, "request="+w.Header().Get("X-Request-Id")) != 1 {
			t.Errorf("the line %s has not the id %s once", line, w.Header().Get("X-Request-Id"))
		}
	}
	logger.InfoContext(t.Context(), "of no request")
	if strings.HasSuffix(log.String(), "request=\n") {
		t.Error("a line of no request has an empty id")
	}
}
