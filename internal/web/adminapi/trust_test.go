package adminapi_test

import (
	"strings"
	"testing"

	"github.com/org/registry-action/internal/wire"
)

// Policies are made, listed and removed; what is left out is filled in, and a user must be one.
func TestTrust(t *testing.T) {
	n := start(t)
	made, err := n.AddTrust(t.Context(), wire.NewTrust{Repository: "acme/widgets", RepositoryID: 74, OwnerID: 65})
	if err != nil {
		t.Fatal(err)
	}
	if made.ID == "" || !made.Pinned || !made.Granted || made.Tier != "preview" || strings.Join(made.Packages, " ") != "*" || made.User != "operator" || made.MadeBy != "operator" ||
		made.Issuer != "https://token.actions.githubusercontent.com" || !strings.Contains(strings.Join(made.Events, " "), "pull_request") {
		t.Errorf("the policy is %+v", made)
	}
	if again, err := n.AddTrust(t.Context(), wire.NewTrust{Repository: "https://github.com/Acme/Widgets.git", RepositoryID: 74, OwnerID: 65}); err != nil || again.ID != made.ID {
		t.Errorf("the same again is %+v, %v", again, err)
	}
	for what, bad := range map[string]wire.NewTrust{
		"nobody's":             {Repository: "acme/widgets", User: "nobody-here"},
		"of no repository":     {},
		"a release of nothing": {Repository: "acme/widgets", Tier: "release"},
	} {
		if p, err := n.AddTrust(t.Context(), bad); err == nil {
			t.Errorf("a policy %s is taken: %+v", what, p)
		}
	}
	all, err := n.Trusts(t.Context())
	if err != nil || len(all) != 1 || all[0].ID != made.ID {
		t.Errorf("the list is %+v, %v", all, err)
	}
	if err := n.RemoveTrust(t.Context(), made.ID); err != nil {
		t.Error(err)
	}
	if err := n.RemoveTrust(t.Context(), made.ID); err == nil {
		t.Error("a policy is removed twice")
	}
	if log := n.log.String(); !strings.Contains(log, "acme/widgets policy "+made.ID) || !strings.Contains(log, "distrust") {
		t.Errorf("the log is %s", log)
	}
}
