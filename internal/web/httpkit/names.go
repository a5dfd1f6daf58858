package httpkit

import (
	"net/http"
	"net/url"
	"strings"
)

// ScopedNames makes a scoped package name one path segment however it was
// written: @a/b, @a%2fb, %40a/b and %40a%2Fb all become @a%2Fb, which a mux
// pattern reads with {name}. A path that is not valid is left for the mux to refuse.
func ScopedNames(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		escaped := r.URL.EscapedPath()
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
		u := *r.URL
		u.Path, u.RawPath = path, folded
		r2 := r.WithContext(r.Context())
		r2.URL = &u
		next.ServeHTTP(w, r2)
	})
}

// foldScopes joins each segment that is a bare scope to the segment behind it.
func foldScopes(escaped string) string {
	segments := strings.Split(escaped, "/")
	out := segments[:0:0]
	for i := 0; i < len(segments); i++ {
		s := segments[i]
		if rest, ok := strings.CutPrefix(s, "%40"); ok {
			s = "@" + rest
		}
		s = strings.ReplaceAll(s, "%2f", "%2F")
		if strings.HasPrefix(s, "@") && len(s) > 1 && !strings.Contains(s, "%2F") && i+1 < len(segments) && segments[i+1] != "" {
			i++
			s += "%2F" + segments[i]
		}
		out = append(out, s)
	}
	return strings.Join(out, "/")
}
