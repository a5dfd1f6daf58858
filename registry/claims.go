package registry

import (
	"strings"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/npm"
)

// claims reads names and scopes as people write them: "tool", "@acme", "@acme/"
// and "@acme/*". What is neither is refused: a claim that fits no name would
// protect nothing, and nobody would know.
func claims(written []string) ([]string, error) {
	var out []string
	for _, text := range written {
		claim := strings.TrimSpace(text)
		name := claim
		if strings.HasPrefix(claim, "@") {
			claim = strings.TrimSuffix(strings.TrimSuffix(claim, "/*"), "/")
			if name = claim; !strings.Contains(claim, "/") {
				name += "/x"
			}
		}
		if npm.ValidName(name) != nil {
			return nil, fault.New(fault.Invalid, "%.230q claims nothing: a scope is written @acme, a package by its whole name, and commas go in between (CLAIMED_SCOPES)", text)
		}
		out = append(out, claim)
	}
	return out, nil
}
