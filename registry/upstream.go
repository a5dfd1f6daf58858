package registry

import (
	"net/url"
	"os"
	"strings"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/npmrc"
)

// DefaultUpstream is asked where npm is not configured with a registry.
const DefaultUpstream = "https://registry.yarnpkg.com"

// findUpstream fills in the upstream that npm is configured with, unless one is named.
func (c *Config) findUpstream() error {
	if c.NoUpstream {
		c.Upstream = ""
		return nil
	}
	c.upstreamFrom = "NPM_UPSTREAM"
	if c.Upstream == "" {
		r, ok := npmrc.Find(here(), os.Getenv)
		if !ok || sameServer(r.URL, c.BaseURL) { // npm is pointed at us
			r = npmrc.Registry{URL: DefaultUpstream, From: "the default"}
		}
		c.Upstream, c.upstreamFrom = r.URL, r.From
		if c.UpstreamToken == "" {
			c.UpstreamToken = r.Token
		}
	}
	u, err := url.Parse(c.Upstream)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return fault.New(fault.Invalid, "the upstream is not a registry's URL: expected https://host or https://host/path, with no user, query or fragment (NPM_UPSTREAM; a token goes into NPM_UPSTREAM_TOKEN)")
	}
	if sameServer(c.Upstream, c.BaseURL) {
		return fault.New(fault.Invalid, "the upstream %s is this server itself; name another with NPM_UPSTREAM, or none with NPM_FALLBACK=false", c.Upstream)
	}
	c.Upstream = strings.TrimRight(c.Upstream, "/")
	return nil
}

// here is the folder the program was started in.
func here() string {
	dir, err := os.Getwd()
	if err != nil {
		return "."
	}
	return dir
}

// Upstream is the URL of the registry behind this one, without credentials, and what names it: an
// option, a variable or a file of npm's, or "the default". Both are empty if there is none.
func (r *Registry) Upstream() (url, from string) { return r.config.Upstream, r.config.upstreamFrom }

// sameServer reports whether two URLs lead to the same host and port.
func sameServer(a, b string) bool {
	u, err := url.Parse(a)
	v, err2 := url.Parse(b)
	return err == nil && err2 == nil && hostPort(u) == hostPort(v)
}

func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	host := strings.ToLower(u.Hostname())
	if host == "127.0.0.1" || host == "::1" {
		host = "localhost"
	}
	return host + ":" + port
}
