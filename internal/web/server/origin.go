package server

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/web/httpkit"
)

// sameOrigin refuses writes that a browser makes for another site.
func sameOrigin(next http.Handler) http.Handler {
	p := http.NewCrossOriginProtection()
	p.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		httpkit.WriteError(w, r, fault.New(fault.Forbidden, "a browser may not write here for another site").WithCode("cross_origin"))
	}))
	return p.Handler(next)
}

// ownNames refuses requests under a name that is not the server's. An open server
// answers everything on its machine, a browser too, and a page of another site
// that has its own name lead to 127.0.0.1 is then of one origin with us.
func (c Config) ownNames(next http.Handler) http.Handler {
	own := ""
	if u, err := url.Parse(c.BaseURL); err == nil {
		own = u.Hostname()
	}
	return httpkit.Kit{Log: c.Log}.Handle(func(w http.ResponseWriter, r *http.Request) error {
		if name := hostname(r.Host); !strings.EqualFold(name, own) && !isUnclaimable(name) {
			return fault.New(fault.Forbidden, "%.260q is not a name of this server, which has no REGISTRY_TOKEN and so answers its own machine alone; use localhost", name).WithCode("foreign_host")
		}
		next.ServeHTTP(w, r)
		return nil
	})
}

func hostname(hostport string) string {
	if host, _, err := net.SplitHostPort(hostport); err == nil {
		return host
	}
	return strings.Trim(hostport, "[]")
}

// isUnclaimable reports whether a host is one that nobody can have lead elsewhere:
// an address, or localhost.
func isUnclaimable(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil || strings.EqualFold(host, "localhost")
}
