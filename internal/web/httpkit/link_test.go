package httpkit

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestLinkable(t *testing.T) {
	for _, tt := range []struct {
		method, name, value string
		want                bool
	}{
		{http.MethodGet, "", "", true}, {http.MethodHead, "", "", false}, {http.MethodPost, "", "", false},
		{http.MethodGet, "Range", "bytes=0-0", false}, {http.MethodGet, "If-None-Match", `"a"`, false}, {http.MethodGet, "Authorization", "Bearer a", true},
	} {
		r := httptest.NewRequest(tt.method, "/", nil)
		if tt.name != "" {
			r.Header.Set(tt.name, tt.value)
		}
		if got := Linkable(r); got != tt.want {
			t.Errorf("Linkable(%s with %s) = %t", tt.method, tt.name, got)
		}
	}
}

// A link is not given to who would send his credentials along.
func TestLink(t *testing.T) {
	for _, tt := range []struct {
		to, host, credentials string
		want                  bool
	}{
		{"https://b.s3.test/a?X-Amz-Signature=1", "registry.test", "", true},
		{"https://b.s3.test/a", "registry.test:3000", "Bearer a", true},
		{"https://registry.test:9000/a", "registry.test", "", true},
		{"https://registry.test:9000/a", "registry.test", "Bearer a", false},
		{"https://Registry.Test/a", "rEGISTRY.tEST:3000", "Basic a", false},
		{"https://s3.registry.test/a", "registry.test", "Bearer a", false},
		{"https://notregistry.test/a", "registry.test", "Bearer a", true},
		{"http://127.0.0.1:9000/a", "127.0.0.1:3000", "Bearer a", false},
		{"http://127.0.0.1:9000/a", "localhost:3000", "Bearer a", true},
		{"http://[::1]:9000/a", "[::1]:3000", "Bearer a", false},
		{"http://[::1]:9000/a", "[::1]", "Bearer a", false},
		{"http://[::1", "registry.test", "Bearer a", false},
		{"https://public.test:9000/a", "127.0.0.1:3000", "Bearer a", false}, // a proxy has changed the name
		{"https://S3.public.test/a", "registry.internal", "Bearer a", false},
		{"https://public.test:9000/a", "registry.internal", "", true},
		{"", "registry.test", "", false},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = tt.host
		if tt.credentials != "" {
			r.Header.Set("Authorization", tt.credentials)
		}
		w := httptest.NewRecorder()
		w.Header().Set("Cache-Control", PrivateRevalidate)
		if got := Link(w, r, "https://public.test", tt.to); got != tt.want {
			t.Errorf("Link(%s) for %s with %q = %t", tt.to, tt.host, tt.credentials, got)
		}
		if !tt.want {
			if w.Header().Get("Location") != "" || w.Header().Get("Cache-Control") != PrivateRevalidate || w.Body.Len() > 0 {
				t.Errorf("%s is refused, but %v is written", tt.to, w.Header())
			}
			continue
		}
		if w.Code != http.StatusFound || w.Header().Get("Location") != tt.to || w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: %d %v", tt.to, w.Code, w.Header())
		}
	}
}
