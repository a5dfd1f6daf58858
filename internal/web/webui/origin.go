package webui

import (
	"strings"

	"github.com/org/registry-action/internal/domain/commits"
	"github.com/org/registry-action/internal/format/provenance"
)

// origin is what a CI run has proven about itself, as pages show it.
type origin struct {
	Repository, Workflow string
	Run                  int64
	RunURL               string
	Commit               string // short
	Tier                 provenance.Tier
	SelfHosted           bool
}

// originOf returns nil if there is no proof.
func originOf(p *provenance.Proof) *origin {
	if p == nil {
		return nil
	}
	workflow, _, _ := strings.Cut(p.Workflow, "@")
	return &origin{
		Repository: shorten(p.Repository, 200), Workflow: shorten(workflow[strings.LastIndex(workflow, "/")+1:], 200), Run: p.RunID, RunURL: webURL(p.RunURL),
		Commit: shortSHA(p.SHA), Tier: p.Tier, SelfHosted: p.SelfHosted,
	}
}

// originOfAll is that of packages that one run has published; nil if one of them is another's.
func originOfAll(all []commits.Package) *origin {
	var first *provenance.Proof
	for i, p := range all {
		if i == 0 {
			first = p.Proof
		}
		if p.Proof == nil || first == nil || p.Proof.RunID != first.RunID || p.Proof.Repository != first.Repository {
			return nil
		}
	}
	return originOf(first)
}
