package auth

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/fault"
)

var network10 = netip.MustParseAddr("10.4.4.4")

func TestPatterns(t *testing.T) {
	for _, tt := range []struct {
		pattern string
		yes, no []string
	}{
		{"@acme/*", []string{"@acme/core", "@acme/a"}, []string{"@acme2/x", "@acme", "acme", "@acm/x", "core", "@ACME/core", "", "x@acme/core"}},
		{"@acme/core", []string{"@acme/core"}, []string{"@acme/core2", "@acme/cor", "core", "@acme/Core"}},
		{"@acme/core-*", []string{"@acme/core-a", "@acme/core-"}, []string{"@acme/core", "@acme/corex"}},
		{"name", []string{"name"}, []string{"names", "nam", "@name/name", ""}},
		{"name-*", []string{"name-a", "name-b-c"}, []string{"name", "names", "@name-a/b"}},
		{"*", []string{"a", "@acme/core", "zig:a", "lumen:@acme/core"}, nil},
		{"zig:my_lib", []string{"zig:my_lib", "zig:my-lib", "zig:My-Lib"}, []string{"my_lib", "my-lib", "zig:my_lib2"}},
		{"zig:*", []string{"zig:a"}, []string{"zig", "a", "@zig/a", "zigs"}},
		{"lumen:@acme/*", []string{"lumen:@acme/utils"}, []string{"@acme/utils", "lumen:@acme2/utils", "zig:utils"}},
		{"lumen:utils", []string{"lumen:utils"}, []string{"utils", "lumen:utils2", "lumen:@a/utils"}},
		{"lumen:*", []string{"lumen:a", "lumen:@a/b"}, []string{"a", "@lumen/a", "zig:a"}},
		{"@acme/*", []string{"@acme/a"}, []string{"lumen:@acme/a", "lumen:@acme"}},
		{"zig*", []string{"zig", "zig-tools"}, []string{"zig:a"}}, // npm's names
	} {
		if err := validPatterns([]string{tt.pattern}); err != nil {
			t.Errorf("%s: %v", tt.pattern, err)
		}
		for _, name := range tt.yes {
			if !covers([]string{"other", tt.pattern}, name) {
				t.Errorf("%s does not cover %s", tt.pattern, name)
			}
		}
		for _, name := range tt.no {
			if covers([]string{"other", tt.pattern}, name) {
				t.Errorf("%s covers %s", tt.pattern, name)
			}
		}
	}
	for _, bad := range []string{
		"", "@", "@*", "@acme", "@acme*", "@*/x", "@acme/", "/*", "*/x", "**", "a*b", "*a", "@acme/*/x", "@acme/**", "a b", "a/*", "a/b",
		"zig:", "zig:a b", "zig:@a/b", "zig:a:b", "zag:a", "lumen:", "lumen:@a", "lumen:@a/b/c", "lumen:A", "lumen:zig:a", ".*", ".a", "../*", "_*", "é*", "a\x00", "[a-z]", "a?", "@a/b/c", "constructor", "__proto__", strings.Repeat("a", 215), strings.Repeat("a", 300) + "*",
	} {
		refused(t, validPatterns([]string{"ok", bad}), fault.Invalid, "@acme/*")
	}
}

// FuzzPatterns: a token that is limited to a pattern must not cover what a narrower check would refuse.
func FuzzPatterns(f *testing.F) {
	f.Add("@acme/*", "@acme2/x")
	f.Add("tool-*", "tool-x")
	f.Add("*", "@a/b")
	f.Fuzz(func(t *testing.T, pattern, name string) {
		if validPatterns([]string{pattern}) != nil || validPatterns([]string{name}) != nil || !covers([]string{pattern}, name) {
			return
		}
		scope, _, scoped := strings.Cut(pattern, "/")
		if other, _, _ := strings.Cut(name, "/"); scoped && scope != other {
			t.Errorf("%q covers %q of another scope", pattern, name)
		}
		if pattern != "*" && !scoped && strings.HasPrefix(name, "@") {
			t.Errorf("%q covers the scoped %q", pattern, name)
		}
	})
}

func TestNetworks(t *testing.T) {
	for _, bad := range []string{"", "10.0.0.0/", "10.0.0/8", "10.0.0.0/-1", "10.0.0.0/33", "::/129", "fe80::1%eth0/64", "example.com", "10.0.0.1/8/8", " 10.0.0.1"} {
		_, err := networks([]string{bad})
		refused(t, err, fault.Invalid, "10.0.0.0/8")
	}
	for text, want := range map[string]string{
		"10.1.2.3/8": "10.0.0.0/8", "10.1.2.3": "10.1.2.3/32", "::ffff:10.1.2.3": "10.1.2.3/32", "::ffff:10.1.2.3/120": "10.1.2.0/24", "::1": "::1/128", "0.0.0.0/0": "0.0.0.0/0",
		"fe80::1%eth0": "fe80::1/128",
	} {
		got, err := networks([]string{text})
		if err != nil || got[0].String() != want {
			t.Errorf("networks(%s) = %v, %v, want %s", text, got, err, want)
		}
	}
}

func FuzzNetworks(f *testing.F) {
	for _, s := range []string{"10.0.0.0/8", "::ffff:1.2.3.4/96", "::ffff:1.2.3.4/8", "::1", "1.2.3.4/0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		list, err := networks([]string{s})
		if err != nil {
			return
		}
		again, err := networks([]string{list[0].String()})
		if err != nil || again[0] != list[0] {
			t.Errorf("%q becomes %s, which becomes %v, %v", s, list[0], again, err)
		}
	})
}
