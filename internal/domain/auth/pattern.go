package auth

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/pattern"
)

const (
	maxPatterns = 100
	maxNetworks = 100
)

func validPatterns(patterns []string) error { return pattern.Valid(patterns, maxPatterns) }

func covers(patterns []string, name string) bool { return pattern.Covers(patterns, name) }

// networks reads a list of CIDRs and single addresses. An IPv4 network written as IPv6 is IPv4.
func networks(list []string) ([]netip.Prefix, error) {
	if len(list) > maxNetworks {
		return nil, fault.New(fault.Invalid, "%d networks are more than the %d that a token may be bound to", len(list), maxNetworks)
	}
	out := make([]netip.Prefix, 0, len(list))
	for _, text := range list {
		p, err := network(text)
		if err != nil {
			return nil, fault.Wrap(err, fault.Invalid, "%.60q is no network; write 10.0.0.0/8, 2001:db8::/32 or an address", text).WithCode("invalid_cidr")
		}
		out = append(out, p)
	}
	return out, nil
}

func network(text string) (netip.Prefix, error) {
	if !strings.Contains(text, "/") {
		a, err := netip.ParseAddr(text)
		if err != nil {
			return netip.Prefix{}, err
		}
		a = plain(a)
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return p, err
	}
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked(), nil
}

// plain is the address without a zone, and IPv4 if it is that in IPv6's clothes.
func plain(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

// admits reports whether one of the networks has the address; no networks have all.
func admits(cidr []string, a netip.Addr) bool {
	if len(cidr) == 0 {
		return true
	}
	list, err := networks(cidr)
	return err == nil && slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(plain(a)) })
}

// inside reports whether every network of inner is in one of outer.
func inside(inner, outer []netip.Prefix) bool {
	return !slices.ContainsFunc(inner, func(in netip.Prefix) bool {
		return !slices.ContainsFunc(outer, func(out netip.Prefix) bool {
			return out.Bits() <= in.Bits() && out.Contains(in.Addr())
		})
	})
}

// list names a few of many.
func list(items []string) string {
	const few = 5
	if len(items) > few {
		return strings.Join(items[:few], ", ") + ", …"
	}
	return strings.Join(items, ", ")
}
