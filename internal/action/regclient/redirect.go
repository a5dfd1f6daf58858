package regclient

import (
	"fmt"
	"net/http"
	"net/url"
)

const maxRedirects = 5

// redirectError is a redirect that is not followed.
type redirectError struct{ text string }

func (e *redirectError) Error() string { return e.text }

// checkRedirect keeps the token at home. net/http compares host names only, so
// that it would show the token to another port or a subdomain; and once a chain
// has left the registry, a hop back must not have the token either.
func checkRedirect(req *http.Request, via []*http.Request) error {
	req.Header.Del("Referer") // which would have the query of a presigned URL
	first, to := via[0], &url.URL{Scheme: req.URL.Scheme, Host: req.URL.Host, Path: req.URL.Path}
	refuse := func(why string) error {
		return &redirectError{fmt.Sprintf("redirected to %s: %s", to, why)}
	}
	left := !sameOrigin(req.URL, first.URL)
	for _, r := range via {
		left = left || !sameOrigin(r.URL, first.URL)
	}
	switch {
	case len(via) > maxRedirects:
		return refuse(fmt.Sprintf("more than %d redirects in a row", maxRedirects))
	case req.URL.Scheme != "https" && via[len(via)-1].URL.Scheme == "https":
		return refuse("from https to plain http, which is not followed")
	case req.Method != first.Method || first.Method == http.MethodPost && left:
		return refuse("a " + first.Method + " is not followed there; set REGISTRY_URL to the registry's final address")
	case left:
		req.Header.Del("Authorization")
	}
	return nil
}
