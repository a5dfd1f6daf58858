package httpkit

import (
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
	} {
		if got := foldScopes(in); got != want {
			t.Errorf("foldScopes(%s) = %s, want %s", in, got, want)
		}
	}
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
