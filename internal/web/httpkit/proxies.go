package httpkit

import (
	"net/http"
	"net/netip"
	"strings"

	"github.com/org/registry-action/internal/fault"
)

// Proxies are the networks of the proxies in front of the server, which are
// believed what they say of who the client is.
type Proxies []netip.Prefix

// ParseProxies reads addresses and networks: 10.0.0.7, 10.1.0.0/16, 2001:db8::/32.
func ParseProxies(list []string) (Proxies, error) {
	var out Proxies
	for _, text := range list {
		network, err := parseNetwork(text)
		if err != nil {
			return nil, fault.Wrap(err, fault.Invalid, "%.60q is not the address of a proxy: expected one such as 10.0.0.7 or a network such as 10.1.0.0/16 (TRUSTED_PROXIES)", text)
		}
		if network.Bits() == 0 {
			return nil, fault.New(fault.Invalid, "%.60q would let every client say who it is; name the addresses of your proxies alone (TRUSTED_PROXIES)", text)
		}
		out = append(out, network)
	}
	return out, nil
}

func parseNetwork(text string) (netip.Prefix, error) {
	if !strings.Contains(text, "/") {
		a, err := netip.ParseAddr(text)
		a = plain(a)
		return netip.PrefixFrom(a, a.BitLen()), err
	}
	p, err := netip.ParsePrefix(text)
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked(), err
}

// plain is an address without a zone, and IPv4 if it is that in IPv6's clothes.
func plain(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

func (p Proxies) have(a netip.Addr) bool {
	for _, network := range p {
		if network.Contains(plain(a)) {
			return true
		}
	}
	return false
}

// Sent reports whether a request was sent by one of the proxies, which Front has not
// found to be passed on for somebody.
func (p Proxies) Sent(r *http.Request) bool { return len(p) > 0 && p.have(Remote(r)) }

// reveal makes the client's address that of a request which a trusted proxy has
// passed on, and reports whether one has. The request stays a relayed one.
func (p Proxies) reveal(r *http.Request) (trusted bool) {
	if !p.Sent(r) {
		return false
	}
	if client, ok := p.client(r.Header["X-Forwarded-For"]); ok {
		r.RemoteAddr = netip.AddrPortFrom(client, 0).String()
	}
	return true
}

const (
	maxHops      = 20                             // of proxies that a request may have come through
	maxForwarded = len("[") + 39 + len("]:65535") // of an address in X-Forwarded-For, in bytes
)

// client is the address that the outermost of the trusted proxies has seen: the
// last in X-Forwarded-For that is not a trusted proxy itself. What stands before
// it can be the client's own invention.
func (p Proxies) client(lines []string) (netip.Addr, bool) {
	hops := 0
	for i := len(lines) - 1; i >= 0; i-- {
		for line, more := lines[i], true; more; hops++ {
			comma := strings.LastIndexByte(line, ',')
			a, ok := forwardedAddr(strings.Trim(line[comma+1:], " \t"))
			if !ok || hops == maxHops {
				return netip.Addr{}, false
			}
			if !p.have(a) {
				return a, true
			}
			line, more = line[:max(comma, 0)], comma >= 0
		}
	}
	return netip.Addr{}, false
}

// forwardedAddr reads an address as proxies write it, some with the port.
func forwardedAddr(text string) (netip.Addr, bool) {
	if len(text) > maxForwarded {
		return netip.Addr{}, false
	}
	a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	if err != nil {
		ap, portErr := netip.ParseAddrPort(text)
		a, err = ap.Addr(), portErr
	}
	return a.Unmap(), err == nil && a.Zone() == ""
}
