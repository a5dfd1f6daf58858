package commits

import (
	"errors"
	"testing"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/provenance"
)

// A CI run publishes the commit, the refs and the bytes that it has proven, and nothing else; what it proved is kept.
func TestRunLimits(t *testing.T) {
	w, other := newWorld(t, Options{}), newWorld(t, Options{})
	a := pack(t, "a", "1.0.0", "a")
	published := other.publish(sha1a, "acme/ws", a).Commit.Packages[0]
	ci := func(sha, integrity string) who {
		return who{run: &run{proof: provenance.Proof{Tier: provenance.Preview, SHA: sha, RunID: 7}, refs: []string{"pr/7"}, contents: map[string]string{"a": integrity}}}
	}
	ours := publication(sha1a, "acme/ws", a)
	ours.Refs = []Ref{{PR, "7"}}
	branch := ours
	branch.Refs = []Ref{{Branch, "main"}}
	for what, c := range map[string]struct {
		as who
		p  Publication
	}{
		"another commit": {ci(sha1b, published.Artifact.Integrity), ours},
		"another ref":    {ci(sha1a, published.Artifact.Integrity), branch},
		"other bytes":    {ci(sha1a, "sha512-other"), ours},
	} {
		if err := w.sendAs(c.as, c.p, a); !errors.Is(err, fault.Forbidden) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := w.sendAs(ci(sha1a, published.Artifact.Integrity), ours, a); err != nil {
		t.Fatal(err)
	}
	got, err := w.Package(t.Context(), sha1a, "a")
	if err != nil || got.Proof == nil || got.Proof.RunID != 7 || got.Proof.Tier != provenance.Preview {
		t.Errorf("what was proven is kept as %+v, %v", got.Proof, err)
	}
}
