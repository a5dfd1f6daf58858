package zig_test

import (
	"strings"
	"testing"

	"github.com/org/registry-action/internal/format/zig"
)

func TestBest(t *testing.T) {
	h := zig.Hashes{Hash: "new", Legacy: "legacy"}
	for _, c := range []struct{ compilers, hash, others string }{
		{"0.11 0.12 0.13 0.14 0.15", "legacy", ""},
		{"0.14 0.15 0.16 0.17", "new", ""},
		{"0.12 0.13 0.14 0.15 0.16", "legacy", "0.16"},
		{"0.13 0.14 0.15 0.16", "new", "0.13"},
		{"0.14 0.15", "new", ""},
		{"0.13", "legacy", ""},
		{"", "new", ""},
	} {
		hash, others := h.Best(strings.Fields(c.compilers))
		if got := strings.Join(others, " "); hash != c.hash || got != c.others {
			t.Errorf("Best(%s) = %s, %q; want %s, %q", c.compilers, hash, got, c.hash, c.others)
		}
	}
}
