package httpkit

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// tokenPaths are where reads are found for who can show a token in the address
// only: /zig/t/{token}/packages/… is /zig/packages/…
var tokenPaths = []string{"/zig/t/", "/lumen/t/", "/lumen/api/v1/t/"}

// PathTokens moves a token from the path to where all others are, so that nothing
// behind it sees the path that has it. What is behind, byToken, must only read: an
// address is no place for a token that may write.
func PathTokens(byToken, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := Path(r)
		i := slices.IndexFunc(tokenPaths, func(p string) bool { return strings.HasPrefix(path, p) })
		if i < 0 {
			next.ServeHTTP(w, r)
			return
		}
		root := strings.TrimSuffix(tokenPaths[i], "t/")
		escaped, rest, _ := strings.Cut(path[len(tokenPaths[i]):], "/")
		token, err := url.PathUnescape(escaped)
		below, pathErr := url.PathUnescape(rest)
		if err != nil || pathErr != nil || token == "" {
			WriteError(w, r, NotFound(r))
			return
		}
		moved := WithPath(r, root+below, root+rest)
		moved.Header = r.Header.Clone()
		moved.Header.Set("Authorization", "Bearer "+token)
		moved.RequestURI = ""
		byToken.ServeHTTP(w, moved)
	})
}

// hideToken is a path as logs may show it, if it has a token; ok is false if it has none.
func hideToken(path string) (shown string, ok bool) {
	for _, p := range tokenPaths {
		if strings.HasPrefix(path, p) {
			return p + "…", true
		}
	}
	return "", false
}
