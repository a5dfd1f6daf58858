package httpkit

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/org/registry-action/internal/format/kind"
)

// ScopedNames makes a scoped package name one path segment however it was
// written: of @a/b and %40a/b it makes @a%2Fb, which a mux pattern reads with
// {name}, as it does @a%2fb; likewise of lumen:@a/b. Empty segments, as clients make them of a base with a
// slash at its end, are dropped. A path that is not valid is left for Mux to refuse.
func ScopedNames(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		escaped := Path(r)
		folded := foldScopes(dropEmpty(escaped))
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

// Path is the path of a request as it was sent, with its escapes: r.URL.EscapedPath,
// which is what a mux sees, but cheaper for most.
func Path(r *http.Request) string {
	if raw := r.URL.RawPath; raw != "" && isEscaped(raw) {
		return raw
	}
	return r.URL.EscapedPath()
}

// isEscaped reports whether a path has only what need not be escaped in one, and
// escapes; of any other RawPath net/http makes its own form.
func isEscaped(path string) bool {
	for i := range len(path) {
		c := path[i]
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && strings.IndexByte("/%@-._~!$&'()*+,;=:[]", c) < 0 {
			return false
		}
	}
	return true
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

// dropEmpty makes one slash of several.
func dropEmpty(path string) string {
	if !strings.Contains(path, "//") {
		return path
	}
	out := make([]byte, 0, len(path))
	for i := range len(path) {
		if path[i] != '/' || i == 0 || path[i-1] != '/' {
			out = append(out, path[i])
		}
	}
	return string(out)
}

// foldScopes joins each segment that is a bare scope to the segment behind it.
func foldScopes(escaped string) string {
	lumenPrefix := kind.Lumen.Prefix() // lumen:@a/b
	if !strings.Contains(escaped, "/@") && !strings.Contains(escaped, "%40") && !strings.Contains(escaped, lumenPrefix+"@") {
		return escaped
	}
	var out strings.Builder
	copied := 0 // of escaped
	for begin := 0; begin <= len(escaped); {
		end := segmentEnd(escaped, begin)
		if strings.HasPrefix(escaped[begin:end], lumenPrefix) {
			begin += len(lumenPrefix)
		}
		scope := escaped[begin:end]
		if rest, ok := strings.CutPrefix(scope, "%40"); ok {
			out.WriteString(escaped[copied:begin] + "@")
			copied, scope = begin+len("%40"), "@"+rest
		}
		next := segmentEnd(escaped, end+1)
		if isBareScope(scope) && next > end+1 {
			out.WriteString(escaped[copied:end] + "%2F")
			copied, end = end+1, next
		}
		begin = end + 1
	}
	if copied == 0 {
		return escaped
	}
	return out.String() + escaped[copied:]
}

// segmentEnd is where the segment ends that begins at an index; a path has none beyond its end.
func segmentEnd(path string, begin int) int {
	if begin > len(path) {
		return begin
	}
	if i := strings.IndexByte(path[begin:], '/'); i >= 0 {
		return begin + i
	}
	return len(path)
}

func isBareScope(segment string) bool {
	return len(segment) > 1 && segment[0] == '@' && !strings.Contains(segment, "%2F") && !strings.Contains(segment, "%2f")
}

// clean reports whether a path has no empty and no dot segments; http.ServeMux
// would answer one that has by a redirect.
func clean(path string) bool {
	if path == "" || path[0] != '/' {
		return false
	}
	for begin := 1; begin <= len(path); {
		end := segmentEnd(path, begin)
		switch path[begin:end] {
		case ".", "..":
			return false
		case "":
			return end == len(path) // a slash at the end
		}
		begin = end + 1
	}
	return true
}
