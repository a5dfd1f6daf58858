package workspace

import (
	"errors"
	"testing"

	"github.com/org/registry-action/internal/fault"
)

// FuzzSettings: whatever pnpm-workspace.yaml holds, it is read or refused.
func FuzzSettings(f *testing.F) {
	for _, s := range []string{
		"packages:\n  - packages/*\ncatalog:\n  a: 1\ncatalogs: {old: {a: ^1}}\n", "packages: [a", "a: &x [*x]", "catalog: *y", "", "\t", "%YAML 1.2\n---\n",
		"packages: ['!**/x', '../y', '!(z)', '[', '{a,b}', '!!q']",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := parseSettings("x.yaml", b)
		if err == nil {
			_, _, err = splitPatterns(s.Packages, true)
		}
		if err != nil && !errors.Is(err, fault.Invalid) {
			t.Errorf("%v is not fault.Invalid", err)
		}
	})
}
