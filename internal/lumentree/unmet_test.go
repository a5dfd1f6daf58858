package lumentree_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/lumentree"
)

// A publisher is told which dependencies nobody could resolve.
func TestUnmet(t *testing.T) {
	dir := signedTree(t) // @acme/http 1.0.0 and 1.1.0
	d := disk(t, dir)
	if _, err := (lumentree.Yank{Name: "@acme/http", Version: "1.1.0"}).Apply(t.Context(), d, lumentree.PublishOptions{Key: key, Now: clock}); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	folder, err := lumentree.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	for name, tt := range map[string]struct {
		deps []string
		want []string // what is said, by a part of it
	}{
		"met":                    {[]string{`"@acme/http" = "^1.0.0"`, `"@acme/uri" = "*"`}, nil},
		"no such version":        {[]string{`"@acme/http" = "^2.0.0"`}, []string{"no version of @acme/http that is ^2.0.0, which this package depends on; its latest is 1.0.0"}},
		"yanked":                 {[]string{`"@acme/http" = "1.1.0"`}, []string{"that is 1.1.0"}},
		"no such package":        {[]string{`"@acme/htpt" = "^1.0.0"`, `"@acme/http" = "^1.0.0"`}, []string{"no package @acme/htpt"}},
		"two, one of them extra": {[]string{`"@acme/b" = { version = "1.0.0", optional = true }`, `"@acme/a" = "1.0.0"`}, []string{"@acme/a", "@acme/b"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := pack(t, "@acme/new", "1.0.0", "x", append([]string{"[dependencies]"}, tt.deps...)...)
			got := lumentree.Unmet(t.Context(), folder, p.Manifest)
			same := cmp.Comparer(func(said, want string) bool { return strings.Contains(said, want) || strings.Contains(want, said) })
			if diff := cmp.Diff(tt.want, got, same); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
