package httpkit

import (
	"net/http"
	"net/url"
	"strings"
)

// ScopedNames makes a scoped package name one path segment however it was
// written: of @a/b and %40a/b it makes @a%2Fb, which a mux pattern reads with
// {name}, as it does @a%2fb. A path that is not valid is left for the mux to refuse.
func ScopedNames(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		escaped := Path(r)
		folded := foldScopes(escaped)
		if folded == escaped {
			next.ServeHTTP(w, r)
			return
		}
		path, err := url.PathUnescape(folded)
		if err != nil {
			next.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, WithPath(r, path, folded))
	})
}

// Path is the path of a request as it was sent, with its escapes. It is
// r.URL.EscapedPath for a request that came over the network, whose RawPath is valid.
func Path(r *http.Request) string {
	if r.URL.RawPath != "" {
		return r.URL.RawPath
	}
	return r.URL.EscapedPath()
}

// WithPath returns a shallow copy of the request with another path, decoded and as sent.
func WithPath(r *http.Request, path, raw string) *http.Request {
	c := struct {
		r http.Request
		u url.URL
	}{*r, *r.URL}
	c.u.Path, c.u.RawPath = path, raw
	c.r.URL = &c.u
	return &c.r
}

// foldScopes joins each segment that is a bare scope to the segment behind it.
func foldScopes(escaped string) string {
	if !strings.Contains(escaped, "/@") && !strings.Contains(escaped, "%40") {
		return escaped
	}
	segments := strings.Split(escaped, "/")
	out := segments[:0:0]
	changed := false
	for i := 0; i < len(segments); i++ {
		s := segments[i]
		if rest, ok := strings.CutPrefix(s, "%40"); ok {
			s, changed = "@"+rest, true
		}
		bare := strings.HasPrefix(s, "@") && len(s) > 1 && !strings.Contains(s, "%2F") && !strings.Contains(s, "%2f")
		if bare && i+1 < len(segments) && segments[i+1] != "" {
			i++
			s, changed = s+"%2F"+segments[i], true
		}
		out = append(out, s)
	}
	if !changed {
		return escaped
	}
	return strings.Join(out, "/")
}
