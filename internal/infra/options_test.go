package infra

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// wantOptions fails the test unless docs/config.md, which a test compares with the server, has each of the variables.
func wantOptions(t *testing.T, where string, env map[string]string) {
	t.Helper()
	doc := read(t, "docs/config.md")
	for _, name := range slices.Sorted(maps.Keys(env)) {
		if !strings.Contains(doc, "`"+name+"`") {
			t.Errorf("%s sets %s, which the server does not know", where, name)
		}
	}
}
