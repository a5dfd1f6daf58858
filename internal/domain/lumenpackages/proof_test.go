package lumenpackages

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/format/lumen"
	"github.com/org/registry-action/internal/format/provenance"
)

// What a CI run has proven is in the metadata of the version that it published, and stays when that is yanked.
func TestProofStays(t *testing.T) {
	w := newWorld(t, Options{})
	proof := &provenance.Proof{Tier: provenance.Release, Issuer: "https://ci.example.com", Repository: "acme/lib", RepositoryID: 7, SHA: "0123", At: time.Unix(1, 0).UTC()}
	w.publish(user{Name: "run", Run: proof}, "@acme/lib", "1.0.0")
	w.publish(root, "@acme/lib", "1.1.0")
	if err := w.Yank(t.Context(), root, "@acme/lib", "1.0.0", true, "old"); err != nil {
		t.Fatal(err)
	}
	for version, want := range map[string]*provenance.Proof{"1.0.0": proof, "1.1.0": nil} {
		d, err := w.Metadata(t.Context(), "@acme/lib", version)
		if err != nil {
			t.Fatal(err)
		}
		m, err := lumen.DecodeMetadata(d.Body)
		if err != nil || cmp.Diff(want, m.Provenance) != "" || m.Publisher == nil || m.Publisher.Name == "" {
			t.Errorf("%s is by %+v with %+v, %v, want %+v", version, m.Publisher, m.Provenance, err, want)
		}
	}
}
