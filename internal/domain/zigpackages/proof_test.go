package zigpackages

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/format/provenance"
)

// What a CI run has proven stays with the version that it published, also when that is yanked and read anew.
func TestProofStays(t *testing.T) {
	w := newWorld(t, Options{})
	proof := &provenance.Proof{Tier: provenance.Release, Issuer: "https://ci.example.com", Repository: "acme/lib", RepositoryID: 7, SHA: "0123", At: time.Unix(1, 0).UTC()}
	run := user{Name: "run of acme/lib", Run: proof}
	if _, err := w.send(run, tree{"build.zig.zon": zon("lib", "1.0.0", 7)}.tgz(t), Release{}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.send(user{Name: "root", Admin: true}, tree{"build.zig.zon": zon("lib", "1.1.0", 7)}.tgz(t), Release{}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Yank(t.Context(), root, "lib", "1.0.0", true, ""); err != nil {
		t.Fatal(err)
	}
	for version, want := range map[string]*provenance.Proof{"1.0.0": proof, "1.1.0": nil} {
		v, err := w.another(Options{}).Version(t.Context(), "lib", version)
		if err != nil || cmp.Diff(want, v.Proof) != "" || v.Publisher == "" {
			t.Errorf("%s is by %q with %+v, %v, want %+v", version, v.Publisher, v.Proof, err, want)
		}
	}
}
