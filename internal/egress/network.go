// Package egress is how requests leave this machine for hosts that others name: to
// addresses of the public internet only, whatever a name resolves to, with no
// secrets on the way, a bounded number at a time, and with tries and timeouts.
package egress

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"
)

const (
	dialTimeout = 10 * time.Second
	// MaxRedirects is how many are followed in a row.
	MaxRedirects = 5
)

// DialFunc makes a connection.
type DialFunc func(ctx context.Context, network, addr string) (net.Conn, error)

// Network is what requests go out by.
type Network struct {
	Own     DialFunc // to the host that a Guard is for, and to proxies
	Foreign DialFunc // to any other host; refuses addresses that are not public
	Proxy   func(*http.Request) (*url.URL, error)
	Roots   *x509.CertPool // nil: those of the system
}

// Default is the network of this machine.
func Default() Network {
	own := &net.Dialer{Timeout: dialTimeout}
	// The check is made for the address that is dialled, after the name was
	// resolved: a name that resolves differently each time does not help.
	foreign := &net.Dialer{Timeout: dialTimeout, Control: PublicOnly}
	return Network{Own: own.DialContext, Foreign: foreign.DialContext, Proxy: http.ProxyFromEnvironment}
}

// PublicOnly is a net.Dialer's Control that refuses addresses that are not public.
func PublicOnly(_, address string, _ syscall.RawConn) error {
	addr, err := netip.ParseAddrPort(address)
	if err != nil || !public(addr.Addr()) {
		return &RefusedError{Why: address + " is not a public address"}
	}
	return nil
}

// RefusedError is a request that is not sent. Host is public, Why may say what
// this machine knows of its network.
type RefusedError struct{ Host, Why string }

func (e *RefusedError) Error() string { return fmt.Sprintf("%s: %s", e.Host, e.Why) }

// NewGuard returns a Guard that keeps at most conns idle connections to a host. What has the origin of
// base may have a private address; nil: nothing may.
func NewGuard(via Network, base *url.URL, conns int) *Guard {
	t := &http.Transport{
		Proxy: func(req *http.Request) (*url.URL, error) { return routeOf(req.Context()).proxy, nil },
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			if r := routeOf(ctx); r.foreign && r.proxy == nil {
				return via.Foreign(ctx, network, addr)
			}
			return via.Own(ctx, network, addr)
		},
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 15 * time.Second},
		TLSClientConfig:        &tls.Config{RootCAs: via.Roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    dialTimeout,
		MaxIdleConns:           2 * conns,
		MaxIdleConnsPerHost:    conns,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 256 << 10,
	}
	return &Guard{next: t, base: base, proxy: via.Proxy}
}

// route says how one request, redirected or not, travels.
type route struct {
	foreign bool
	proxy   *url.URL // nil: straight
}

type routeKey struct{}

// routeOf gives the route of a request from its context, which is the only way
// from there to where the transport dials.
func routeOf(ctx context.Context) route {
	r, _ := ctx.Value(routeKey{}).(route)
	return r
}

// Guard is a transport that lets requests to other hosts than its own out to the public internet only.
type Guard struct {
	next  *http.Transport
	base  *url.URL
	proxy func(*http.Request) (*url.URL, error)
}

// RoundTrip sends a request, or returns a RefusedError.
func (g *Guard) RoundTrip(req *http.Request) (*http.Response, error) {
	r, err := g.route(req)
	if err != nil {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, err
	}
	resp, err := g.next.RoundTrip(req.WithContext(context.WithValue(req.Context(), routeKey{}, r)))
	if refused, ok := errors.AsType[*RefusedError](err); ok {
		return nil, &RefusedError{req.URL.Host, refused.Why}
	}
	return resp, err
}

// CloseIdle is not called CloseIdleConnections, which retryablehttp calls after
// every failure, at the cost of all other requests.
func (g *Guard) CloseIdle() { g.next.CloseIdleConnections() }

func (g *Guard) route(req *http.Request) (r route, err error) {
	if g.proxy != nil {
		if r.proxy, err = g.proxy(req); err != nil {
			return r, err
		}
	}
	if g.Own(req.URL) {
		return r, nil
	}
	r.foreign = true
	host := Host(req.URL)
	refuse := func(why string) (route, error) { return r, &RefusedError{req.URL.Host, why} }
	switch ip, err := netip.ParseAddr(host); {
	case req.URL.Scheme != "http" && req.URL.Scheme != "https":
		return refuse("its scheme is neither http nor https")
	case err == nil && !public(ip):
		return refuse("not a public address")
	case err != nil && Numeric(host):
		return refuse("neither a name nor an address")
	case err != nil && InternalName(host): // of this network, or of the proxy's
		return refuse("not a public name")
	}
	return r, nil
}

// Own reports whether a URL is on the Guard's own host and port. An http host on
// the usual port may send its clients to https.
func (g *Guard) Own(u *url.URL) bool {
	if g.base == nil {
		return false
	}
	if authority(u) == authority(g.base) {
		return true
	}
	return g.base.Scheme == "http" && u.Scheme == "https" && authority(g.base) == Host(u)+":80" && authority(u) == Host(u)+":443"
}

// CheckRedirect keeps the token at home. net/http compares host names only, so
// that it would show the token to another port or a subdomain; and once a chain
// has left its host, a hop back must not have the token either.
func CheckRedirect(req *http.Request, via []*http.Request) error {
	req.Header.Del("Referer") // which may have the query of a presigned URL
	req.URL.User = nil
	first := via[0]
	left := !SameOrigin(req.URL, first.URL)
	for _, r := range via {
		left = left || !SameOrigin(r.URL, first.URL)
	}
	switch {
	case len(via) > MaxRedirects:
		return &RefusedError{req.URL.Host, fmt.Sprintf("more than %d redirects in a row", MaxRedirects)}
	case req.URL.Scheme != "https" && via[len(via)-1].URL.Scheme == "https":
		return &RefusedError{req.URL.Host, "a redirect from https to plain http"}
	case req.Method != first.Method || first.Method == http.MethodPost && left:
		return &RefusedError{req.URL.Host, "a redirect of a " + first.Method}
	case left:
		req.Header.Del("Authorization")
	}
	return nil
}
