package auth

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/npm"
)

const (
	maxPatterns = 100
	maxNetworks = 100
)

// A pattern is a package name, or the beginning of names with a * at its end: "@acme/*" is a scope, "tool-*" is
// names without one, "zig:tool-*" is Zig packages, "lumen:@acme/*" is Lumen's, "*" is everything.

func validPatterns(patterns []string) error {
	if len(patterns) > maxPatterns {
		return fault.New(fault.Invalid, "%d packages are more than the %d that a token may name; use a pattern such as @acme/*", len(patterns), maxPatterns)
	}
	for _, p := range patterns {
		name := p
		if begin, ok := strings.CutSuffix(p, "*"); ok {
			name = begin + "x" // whatever the * stands for
		}
		if npm.ValidName(name) != nil && !zigName.MatchString(name) && !lumenName.MatchString(name) {
			return fault.New(fault.Invalid, "%.230q is no pattern of packages; write a name, or its beginning with a * at the end, such as @acme/core, @acme/*, tool-*, zig:my_lib, lumen:@acme/* or *", p).WithCode("invalid_pattern")
		}
	}
	return nil
}

// The prefixes make the name of a Zig or Lumen package one that no npm package has.
const (
	zigPrefix   = "zig:"
	lumenPrefix = "lumen:"
)

var (
	zigName   = regexp.MustCompile(`^` + zigPrefix + `[A-Za-z0-9_.-]{1,65}$`)
	lumenName = regexp.MustCompile(`^` + lumenPrefix + `(@[a-z0-9-]{1,63}/)?[a-z0-9-]{1,65}$`)
)

// kindOf is the prefix of a name or pattern: npm's have none.
func kindOf(name string) string {
	for _, prefix := range []string{zigPrefix, lumenPrefix} {
		if strings.HasPrefix(name, prefix) {
			return prefix
		}
	}
	return ""
}

// plainName is a package's name without what tells no two packages apart: case, and "_" from "-", in Zig's.
func plainName(name string) string {
	if strings.HasPrefix(name, zigPrefix) {
		return strings.ReplaceAll(strings.ToLower(name), "_", "-")
	}
	return name
}

// covers reports whether one of the patterns matches the name, or all that the name matches if it is a pattern itself.
// Of the patterns of npm's packages only "*" is for Zig's and Lumen's too.
func covers(patterns []string, name string) bool {
	name = plainName(name)
	return slices.ContainsFunc(patterns, func(p string) bool {
		p = plainName(p)
		begin, open := strings.CutSuffix(p, "*")
		sameKind := begin == "" || kindOf(p) == kindOf(name)
		return open && sameKind && strings.HasPrefix(name, begin) || p == name
	})
}

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
