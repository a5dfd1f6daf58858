package httpkit

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func TestFoldScopes(t *testing.T) {
	for in, want := range map[string]string{
		"/commits/abc/@a/b/tarball":     "/commits/abc/@a%2Fb/tarball",
		"/commits/abc/@a%2fb":           "/commits/abc/@a%2fb",
		"/commits/abc/%40a/b":           "/commits/abc/@a%2Fb",
		"/commits/abc/%40a%2Fb/tarball": "/commits/abc/@a%2Fb/tarball",
		"/o/r/@a/b@main":                "/o/r/@a%2Fb@main",
		"/a@main":                       "/a@main",
		"/%40a%2fb":                     "/@a%2fb",
		"/@a":                           "/@a",
		"/@/b":                          "/@/b",
		"/@a/":                          "/@a/",
		"/x@a/b":                        "/x@a/b",
		"/@a/@b/c":                      "/@a%2F@b/c",
		"/@a/b/@c/%40d":                 "/@a%2Fb/@c%2F%40d",
		"/%40":                          "/@",
		"%40a/b":                        "@a%2Fb",

		"/commits/abc/lumen:@a/b/tarball": "/commits/abc/lumen:@a%2Fb/tarball",
		"/commits/abc/lumen:%40a/b":       "/commits/abc/lumen:@a%2Fb",
		"/commits/abc/lumen:@a%2fb":       "/commits/abc/lumen:@a%2fb",
		"/commits/abc/lumen:a/tarball":    "/commits/abc/lumen:a/tarball",
		"/o/r/lumen:@a/b@main":            "/o/r/lumen:@a%2Fb@main",
		"/lumen:@a":                       "/lumen:@a",
		"/lumen:/@a/b":                    "/lumen:/@a%2Fb",
		"/other:@a/b":                     "/other:@a/b",
		"/lumen/packages/@a/b/index.json": "/lumen/packages/@a%2Fb/index.json",
	} {
		if got := foldScopes(in); got != want {
			t.Errorf("foldScopes(%s) = %s, want %s", in, got, want)
		}
	}
}

func TestEmptySegmentsAreDropped(t *testing.T) {
	mux := &Mux{}
	mux.Handle("GET /{first}/{name}", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.PathValue("name")) }))
	for path, want := range map[string]string{
		"/x//a": "a", "//x/a": "a", "///x///a": "a", "/x//@a//b": "@a/b", "/x//%40a//b": "@a/b", "/x/@a%2F%2fb": "@a//b",
		"//evil.example/a": "a", "/x/..//a": "", "//..//evil.example": "", "/x//a//": "",
	} {
		w := httptest.NewRecorder()
		ScopedNames(mux).ServeHTTP(w, httptest.NewRequest("GET", "http://localhost"+path, nil))
		switch {
		case want == "" && (w.Code != 404 || w.Header().Get("Location") != ""):
			t.Errorf("GET %s = %d, Location %q, want 404", path, w.Code, w.Header().Get("Location"))
		case want != "" && (w.Code != 200 || w.Body.String() != want):
			t.Errorf("GET %s = %d %s, want %s", path, w.Code, w.Body, want)
		}
	}
}

// FuzzPaths: no path whatever makes the mux redirect, or a handler panic.
func FuzzPaths(f *testing.F) {
	for _, s := range []string{"/", "/a", "/a/../b", "//evil.example/a", "/a/", "/.", "/..a", "/a/.", "/@a%2fb/-/c", "/\\evil.example", "/%2f%2fevil.example", "/%", "*", "/%2f\"", "/a^b", "/a%2f/|é"} {
		f.Add(s)
	}
	mux := &Mux{}
	mux.Handle("GET /{name}", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	mux.Handle("GET /{name}/-/{file}", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	f.Fuzz(func(t *testing.T, path string) {
		u, err := url.ParseRequestURI(path)
		if err != nil {
			return
		}
		for _, h := range []http.Handler{mux, ScopedNames(mux)} {
			w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
			r.URL = u
			if got := Path(r); got != u.EscapedPath() {
				t.Errorf("Path of %q = %q, a mux sees %q", path, got, u.EscapedPath())
			}
			h.ServeHTTP(w, r)
			if w.Code != 200 && w.Code != 404 || w.Header().Get("Location") != "" {
				t.Errorf("GET %q = %d, Location %q", path, w.Code, w.Header().Get("Location"))
			}
		}
	})
}

func FuzzFoldScopes(f *testing.F) {
	for _, s := range []string{"/@a/b", "/%40a%2fb/c", "/@a/@b/c", "//@a//b", "/%2540a/b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, path string) {
		once := foldScopes(path)
		if !strings.Contains(path, "@") && !strings.Contains(path, "%40") && path != once {
			t.Errorf("foldScopes(%q) = %q without a scope in it", path, once)
		}
		before, err := url.PathUnescape(path)
		if err != nil {
			return
		}
		if after, err := url.PathUnescape(once); err != nil || after != before {
			t.Errorf("foldScopes(%q) names %q, not %q (%v)", path, after, before, err)
		}
	})
}
