package registry_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/org/registry-action/registry"
)

const rootToken = "Authorization: Bearer the-token-of-the-server"

// TestPrivateReads: with ReadAuth no protocol of the server shows anything to who has no token.
func TestPrivateReads(t *testing.T) {
	n := start(t, registry.Config{Token: "the-token-of-the-server", ReadAuth: true})
	if _, err := n.Publish(t.Context(), strings.NewReader(tgz(t, "@acme/a", "1.0.0", "a"))); err != nil {
		t.Fatal(err)
	}
	const sha, preview = "0123456789abcdef0123456789abcdef01234567", "0.0.0-commit.g0123456789"
	if _, err := n.PublishCommit(t.Context(), "acme/app", sha, []string{"pr/7"}, strings.NewReader(tgz(t, "@acme/a", preview, "b"))); err != nil {
		t.Fatal(err)
	}
	tarball := n.get("/@acme/a/-/a-1.0.0.tgz", rootToken).Header.Get("ETag")
	for _, path := range []string{
		"/@acme/a", "/@acme%2fa/1.0.0", "/@acme/a/-/a-1.0.0.tgz", "/npm/@acme%2fa", "/-/v1/search?text=acme", "/~/acme/app/@acme%2fa",
		"/~/acme/app/@acme/a/-/a-" + preview + ".tgz", "/~/acme/app/",
		"/packages/@acme/a", "/packages/@acme/a/1.0.0", "/packages/@acme/a/versions", "/packages/@acme/a/1.0.0/tarball", "/search?q=acme",
		"/commits/" + sha, "/commits/" + sha[:7], "/commits/" + sha + "/@acme/a", "/commits/" + sha + "/@acme/a/tarball", "/commits/" + sha + "/@acme/a.tgz",
		"/commits/" + sha + "/@acme/a/tarball.tgz", "/@acme/a@" + sha, "/@acme/a@" + sha[:7] + "?resolve", "/acme/app/@acme/a@pr-7", "/acme/app/@acme/a@pr-7.tgz",
		"/publish/commit/owners?repository=acme/app",
	} {
		for _, method := range []string{"GET", "HEAD"} {
			for _, header := range []string{"Accept: */*", "Range: bytes=0-0", "If-None-Match: *", "If-None-Match: " + tarball, "Authorization: Bearer wrong"} {
				a := n.request(method, path, nil, header)
				if a.StatusCode != http.StatusUnauthorized || a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("ETag") != "" {
					t.Errorf("%s %s, %s = %d %v %s", method, path, header, a.StatusCode, a.Header, a.body)
				}
			}
		}
		a := n.get(path, rootToken)
		if a.StatusCode >= 400 || !strings.HasPrefix(a.Header.Get("Cache-Control"), "private, ") {
			t.Errorf("%s with the token = %d, Cache-Control %q", path, a.StatusCode, a.Header.Get("Cache-Control"))
		}
	}
}

// TestLoop: an upstream that leads back here is found out at the first round,
// not when all requests wait for each other.
func TestLoop(t *testing.T) {
	var back *httputil.ReverseProxy
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { back.ServeHTTP(w, r) }))
	defer proxy.Close()
	n := start(t, registry.Config{Upstream: proxy.URL})
	here, err := url.Parse(n.url)
	if err != nil {
		t.Fatal(err)
	}
	codes := make(chan int, 10)
	back = httputil.NewSingleHostReverseProxy(here)
	back.ModifyResponse = func(a *http.Response) error { codes <- a.StatusCode; return nil }

	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	go func() {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, n.url+"/anything", nil)
		if err != nil {
			t.Error(err)
			return
		}
		if resp, err := http.DefaultTransport.RoundTrip(req); err == nil {
			resp.Body.Close()
		}
	}()
	select {
	case code := <-codes:
		if code != http.StatusLoopDetected {
			t.Errorf("a request that came back was answered with the status %d", code)
		}
	case <-ctx.Done():
		t.Error("a request that came back was not answered")
	}
}

func TestClaims(t *testing.T) {
	for written, names := range map[string][]string{
		"@acme": {"@acme/a"}, " @Acme ": {"@acme/a", "@ACME/a"}, "@acme/": {"@acme/a"}, "@acme/*": {"@acme/a"},
		"tool": {"tool"}, "@acme/a": {"@acme/a"},
	} {
		asked := make(chan string, 10)
		up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked <- r.URL.Path
			http.NotFound(w, r)
		}))
		n := start(t, registry.Config{Upstream: up.URL, Claimed: []string{written}})
		for _, name := range names {
			if a := n.get("/" + name); a.StatusCode != http.StatusNotFound {
				t.Errorf("%s = %d", name, a.StatusCode)
			}
		}
		up.Close()
		if len(asked) > 0 {
			t.Errorf("%q is claimed, and upstream was asked for %s", written, <-asked)
		}
	}
	for _, written := range []string{"", "*", "@", "@*", "@@acme", "@acme @other", "@acme;@other", "@acme/tool-*", "tool-*", "acme/*", "https://acme.example", "@acme/a/b"} {
		_, err := registry.New(registry.Config{DataDir: t.TempDir(), BaseURL: "http://localhost", NoUpstream: true, Claimed: []string{written}})
		if err == nil || !strings.Contains(err.Error(), "CLAIMED_SCOPES") {
			t.Errorf("the claim %q: %v, want a refusal that names CLAIMED_SCOPES", written, err)
		}
	}
}
