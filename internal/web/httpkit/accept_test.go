package httpkit

import (
	"net/http/httptest"
	"testing"
)

func TestPrefers(t *testing.T) {
	for header, want := range map[string]bool{
		"a/x":                         true,
		"A/X":                         true,
		"a/x; q=1.0, b/y; q=0.8, */*": true,
		"b/y, a/x":                    true,
		"b/y;q=0.5, a/x;q=0.6":        true,
		"a/x; v=1; q=0.1":             true,
		"":                            false,
		"*/*":                         false,
		"a/*":                         false,
		"b/y":                         false,
		"a/x;q=0":                     false,
		"a/x;q=0.5, b/y":              false,
		"a/x;q=bad":                   false,
		"a/xx":                        false,
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Accept", header)
		if got := Prefers(r, "a/x", "b/y"); got != want {
			t.Errorf("Prefers(%q) = %v, want %v", header, got, want)
		}
	}
}

func TestAcceptsGzip(t *testing.T) {
	for header, want := range map[string]bool{
		"gzip": true, "GZIP": true, "br, gzip;q=0.5": true, "x-gzip": true, "*": true, "gzip, deflate": true, "*;q=0, gzip": true,
		"": false, "br": false, "gzip;q=0": false, "gzip;q=0, *": false, "*;q=0": false, "gzipped": false, "gzip;q=2": false,
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Accept-Encoding", header)
		if got := AcceptsGzip(r); got != want {
			t.Errorf("AcceptsGzip(%q) = %v, want %v", header, got, want)
		}
	}
}

func TestMatches(t *testing.T) {
	for header, want := range map[string]bool{
		`"abc"`: true, `W/"abc"`: true, `"x", "abc"`: true, `"x",W/"abc" `: true, "*": true,
		"": false, "abc": false, `"abcd"`: false, `"ab"`: false, `"`: false, `"x"`: false, `"abc`: false,
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("If-None-Match", header)
		if got := Matches(r, "abc"); got != want {
			t.Errorf("Matches(%s) = %v, want %v", header, got, want)
		}
	}
}
