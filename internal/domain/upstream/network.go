package upstream

import (
	"context"
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
	dialTimeout  = 10 * time.Second
	maxRedirects = 5
)

type dialFunc func(ctx context.Context, network, addr string) (net.Conn, error)

// network is how requests leave this machine.
type network struct {
	own     dialFunc // to upstream itself and to proxies
	foreign dialFunc // to any other host; refuses addresses that are not public
	proxy   func(*http.Request) (*url.URL, error)
}

func defaultNetwork() network {
	own := &net.Dialer{Timeout: dialTimeout}
	// The check is made for the address that is dialled, after the name was
	// resolved: a name that resolves differently each time does not help.
	foreign := &net.Dialer{Timeout: dialTimeout, Control: publicOnly}
	return network{own: own.DialContext, foreign: foreign.DialContext, proxy: http.ProxyFromEnvironment}
}

func publicOnly(_, address string, _ syscall.RawConn) error {
	addr, err := netip.ParseAddrPort(address)
	if err != nil || !public(addr.Addr()) {
		return &refusedError{why: address + " is not a public address"}
	}
	return nil
}

// refusedError is a request that is not sent. host is public, why may say what
// this machine knows of its network.
type refusedError struct{ host, why string }

func (e *refusedError) Error() string { return fmt.Sprintf("%s: %s", e.host, e.why) }

func newGuard(via network, base *url.URL) *guard {
	t := &http.Transport{
		Proxy: func(req *http.Request) (*url.URL, error) { return routeOf(req.Context()).proxy, nil },
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			if r := routeOf(ctx); r.foreign && r.proxy == nil {
				return via.foreign(ctx, network, addr)
			}
			return via.own(ctx, network, addr)
		},
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 15 * time.Second},
		TLSHandshakeTimeout:    dialTimeout,
		MaxIdleConns:           2 * maxRequests,
		MaxIdleConnsPerHost:    maxRequests,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 256 << 10,
	}
	return &guard{next: t, base: base, proxy: via.proxy}
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

// guard lets requests to other hosts than upstream's out to the public internet only.
type guard struct {
	next  *http.Transport
	base  *url.URL
	proxy func(*http.Request) (*url.URL, error)
}

func (g *guard) RoundTrip(req *http.Request) (*http.Response, error) {
	r, err := g.route(req)
	if err != nil {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, err
	}
	resp, err := g.next.RoundTrip(req.WithContext(context.WithValue(req.Context(), routeKey{}, r)))
	if refused, ok := errors.AsType[*refusedError](err); ok {
		return nil, &refusedError{req.URL.Host, refused.why}
	}
	return resp, err
}

// closeIdle is not called CloseIdleConnections, which retryablehttp calls after
// every failure, at the cost of all other requests.
func (g *guard) closeIdle() { g.next.CloseIdleConnections() }

func (g *guard) route(req *http.Request) (r route, err error) {
	if g.proxy != nil {
		if r.proxy, err = g.proxy(req); err != nil {
			return r, err
		}
	}
	if g.own(req.URL) {
		return r, nil
	}
	r.foreign = true
	host := hostOf(req.URL)
	refuse := func(why string) (route, error) { return r, &refusedError{req.URL.Host, why} }
	switch ip, err := netip.ParseAddr(host); {
	case req.URL.Scheme != "http" && req.URL.Scheme != "https":
		return refuse("its scheme is neither http nor https")
	case err == nil && !public(ip):
		return refuse("not a public address")
	case err != nil && numeric(host):
		return refuse("neither a name nor an address")
	case err != nil && internalName(host): // of this network, or of the proxy's
		return refuse("not a public name")
	}
	return r, nil
}

// own reports whether a URL is on upstream's host and port. An http upstream on
// the usual port may send its clients to https.
func (g *guard) own(u *url.URL) bool {
	if authority(u) == authority(g.base) {
		return true
	}
	return g.base.Scheme == "http" && u.Scheme == "https" && authority(g.base) == hostOf(u)+":80" && authority(u) == hostOf(u)+":443"
}

// checkRedirect keeps the token at home. net/http compares host names only, so
// that it would show the token to another port or a subdomain; and once a chain
// has left upstream, a hop back must not have the token either.
func checkRedirect(req *http.Request, via []*http.Request) error {
	req.Header.Del("Referer") // which may have the query of a presigned URL
	req.URL.User = nil
	first := via[0]
	left := !sameOrigin(req.URL, first.URL)
	for _, r := range via {
		left = left || !sameOrigin(r.URL, first.URL)
	}
	switch {
	case len(via) > maxRedirects:
		return &refusedError{req.URL.Host, fmt.Sprintf("more than %d redirects in a row", maxRedirects)}
	case req.URL.Scheme != "https" && via[len(via)-1].URL.Scheme == "https":
		return &refusedError{req.URL.Host, "a redirect from https to plain http"}
	case req.Method != first.Method || first.Method == http.MethodPost && left:
		return &refusedError{req.URL.Host, "a redirect of a " + first.Method}
	case left:
		req.Header.Del("Authorization")
	}
	return nil
}
