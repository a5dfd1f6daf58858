package registry_test

import (
	"strings"
	"testing"

	"github.com/org/registry-action/registry"
)

// TestPagesOfOtherSites: what a page of another site, in a browser on the server's
// machine, can read of the server.
func TestPagesOfOtherSites(t *testing.T) {
	for name, tt := range map[string]struct {
		config    registry.Config
		origin    string
		preflight int
	}{
		"open":    {registry.Config{}, "", 405},
		"public":  {registry.Config{Token: rootToken}, "*", 204},
		"private": {registry.Config{Token: rootToken, ReadAuth: true}, "*", 204}, // no page has a token
	} {
		t.Run(name, func(t *testing.T) {
			n := start(t, tt.config)
			for _, path := range []string{"/", "/health", "/a", "/npm/-/ping", "/~/o/r/a", "/commits/" + sha, "/o/r/a@pr-7", "/packages/a", "/search?q=a", "/-/admin/tokens", "/-/v1/search?text=a"} {
				a := n.get(path, "Origin: https://evil.example", "Sec-Fetch-Site: cross-site")
				if got := a.Header.Get("Access-Control-Allow-Origin"); got != tt.origin || a.Header.Get("Access-Control-Allow-Credentials") != "" {
					t.Errorf("GET %s = %d for any origin: %q, want %q", path, a.StatusCode, got, tt.origin)
				}
				if tt.config.ReadAuth && strings.Contains(path, "a") && path != "/health" && a.StatusCode != 401 && !strings.HasSuffix(path, "ping") {
					t.Errorf("GET %s of a private server = %d", path, a.StatusCode)
				}
				pre := n.request("OPTIONS", path, nil, "Origin: https://evil.example", "Access-Control-Request-Method: GET")
				if pre.StatusCode != tt.preflight || pre.Header.Get("Access-Control-Allow-Origin") != tt.origin {
					t.Errorf("preflight of %s = %d, origin %q, want %d, %q", path, pre.StatusCode, pre.Header.Get("Access-Control-Allow-Origin"), tt.preflight, tt.origin)
				}
			}
		})
	}
}

// TestReboundNames: a page whose own name leads to 127.0.0.1 is of one origin with
// an open server; it reads nothing by that name.
func TestReboundNames(t *testing.T) {
	open := start(t, registry.Config{BaseURL: "http://registry.internal:3000"})
	for host, want := range map[string]int{
		"evil.example": 403, "evil.example:3000": 403, "localhost.evil.example": 403, "127.0.0.1.evil.example": 403, "evil.example.": 403,
		"localhost": 200, "LOCALHOST:3000": 200, "127.0.0.1:3000": 200, "[::1]:3000": 200, "[::1]": 200, "192.168.1.7:3000": 200, "registry.internal": 200, "Registry.Internal:3000": 200,
	} {
		a := open.get("/health", "Host: "+host)
		if a.StatusCode != want || want == 403 && a.json(t)["code"] != "foreign_host" {
			t.Errorf("GET /health under the name %s = %d %s, want %d", host, a.StatusCode, a.body, want)
		}
	}
	public := start(t, registry.Config{Token: rootToken})
	if a := public.get("/health", "Host: any.example"); a.StatusCode != 200 {
		t.Errorf("a server with a token answers %d under another name", a.StatusCode)
	}
}

// TestNoOpenRedirects: no path leads a client to another host.
func TestNoOpenRedirects(t *testing.T) {
	n := start(t, registry.Config{})
	n.postForm("sha", sha, "repository", "org/repo", "ref", "pr/7", "package:a", tgz(t, "a", "1.0.0", "x"))
	for _, path := range []string{
		"//evil.example/x", "//evil.example", "//evil.example/..", "///evil.example/x", "//evil.example//x", "/.//evil.example", "/..//evil.example/x",
		"/packages//evil.example", "/packages/..//evil.example", "/commits///evil.example/", "/publish/..//evil.example", "/-/admin//../evil.example",
		"/npm//evil.example/", "/~//evil.example//x/", "/\\evil.example", "/%2f/evil.example", "/%5cevil.example", "/health/../..//evil.example",
		"//evil.example/repo/a@pr-7", "//org/repo/a@pr-7", "/org//repo//a@pr-7", "/org/repo/../repo/a@pr-7", "//a@" + sha[:7],
	} {
		for _, method := range []string{"GET", "HEAD", "POST"} {
			a := n.request(method, path, nil)
			if to := a.Header.Get("Location"); to != "" && !strings.HasPrefix(to, n.url+"/") && (!strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.Contains(to, "\\")) {
				t.Errorf("%s %s = %d leads to %s", method, path, a.StatusCode, to)
			}
			if strings.Contains(a.Header.Get("Location"), "evil") {
				t.Errorf("%s %s = %d leads to %s", method, path, a.StatusCode, a.Header.Get("Location"))
			}
		}
	}
	for _, path := range []string{"//org/repo/a@pr-7", "/org//repo//a@pr-7"} {
		if a := n.get(path); a.StatusCode != 302 {
			t.Errorf("GET %s = %d, want the redirect to its commit", path, a.StatusCode)
		}
	}
}
