package httpkit

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// What a mux knows is what its patterns fit, however the path is written.
func TestMuxKnows(t *testing.T) {
	plain, wild := &Mux{}, &Mux{}
	for _, pattern := range []string{"GET /{$}", "GET /packages/{name}", "POST /-/web/login"} {
		plain.Handle(pattern, http.NotFoundHandler())
	}
	wild.Handle("GET /{owner}/{repo}", http.NotFoundHandler())
	for _, used := range []bool{false, true} {
		if used { // then its own pattern is there, too
			for _, m := range []*Mux{plain, wild} {
				m.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/none/of/them", nil))
			}
		}
		for _, tt := range []struct {
			mux          *Mux
			method, path string
			want         bool
		}{
			{plain, "GET", "/", true},
			{plain, "GET", "/packages/a", true},
			{plain, "HEAD", "/packages/@acme%2fa", true},
			{plain, "GET", "/p%61ckages/a", true},
			{plain, "POST", "/-/web/login", true},
			{plain, "GET", "/-/web/login", false},
			{plain, "PUT", "/packages/a", false},
			{plain, "GET", "/packages", false},
			{plain, "GET", "/packages/a/b", false},
			{plain, "GET", "/packages%2fa", false},
			{plain, "GET", "/@acme%2fa", false},
			{plain, "GET", "/a", false},
			{wild, "GET", "/acme/widget", true},
			{wild, "GET", "/acme", false},
			{wild, "GET", "/", false},
			{&Mux{}, "GET", "/", false},
		} {
			if got := tt.mux.Knows(httptest.NewRequest(tt.method, tt.path, nil)); got != tt.want {
				t.Errorf("%s %s: %v, want %v (used: %v)", tt.method, tt.path, got, tt.want, used)
			}
		}
	}
}
