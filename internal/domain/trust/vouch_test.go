package trust

import (
	"strings"
	"testing"

	"github.com/org/registry-action/internal/domain/trust/issuertest"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/provenance"
)

// after is a run of workflow_run.
func after() issuertest.Claims { return push().With(issuertest.Claims{"event_name": "workflow_run"}) }

// vouching is a policy for runs of workflow_run.
func vouching(n *NewPolicy) {
	n.Tier, n.Events, n.Refs = provenance.Preview, []string{"push", Vouching}, []string{"refs/heads/main"}
}

func (w *world) word(token string, change func(*Ask)) (Claims, error) {
	a := Ask{Token: token, Addr: address, Packages: []string{"@acme/a"}, Repository: "https://github.com/" + repository}
	if change != nil {
		change(&a)
	}
	return w.Vouch(w.t.Context(), a)
}

func TestVouch(t *testing.T) {
	w := newWorld(t)
	w.policy(vouching)
	token := w.issuer.Token(audience, after())
	c, err := w.word(token, nil)
	if err != nil || c.RepositoryID != issuertest.RepositoryID || c.Ref != "refs/heads/main" || w.made.count() != 0 {
		t.Fatalf("%+v, %v, %d tokens; want what the run has proven, and no token of its own", c, err, w.made.count())
	}
	_, err = w.word(token, nil)
	refused(t, err, fault.Forbidden, "jti")
	_, err = w.another("").Vouch(t.Context(), Ask{Token: token, Addr: address, Packages: []string{"@acme/a"}})
	refused(t, err, fault.Forbidden, "jti")
}

// A run that may vouch may publish nothing for itself, whatever it asks for.
func TestVouchingGivesNoToken(t *testing.T) {
	w := newWorld(t)
	w.policy(vouching)
	w.policy(nil) // releases by other events
	for _, tier := range []provenance.Tier{"", provenance.Preview, provenance.Release} {
		_, _, err := w.Exchange(t.Context(), Ask{Token: w.issuer.Token(audience, after()), Addr: address, Packages: []string{"@acme/a"}, Tier: tier})
		if err == nil || w.made.count() != 0 {
			t.Fatalf("a token for %q: %v", tier, err)
		}
	}
	_, err := w.run(after())
	refused(t, err, fault.Forbidden, "event_name", "vouch")
}

func TestVouchRefuses(t *testing.T) {
	ask := func(change func(*Ask)) func(*Ask) { return change }
	for name, tt := range map[string]struct {
		policy func(*NewPolicy)
		claims issuertest.Claims
		ask    func(*Ask)
		kind   fault.Kind
		field  string
	}{
		"a push":                         {claims: push(), field: "event_name"},
		"a pull request":                 {claims: issuertest.PullRequest(repository, sha, 7), field: "event_name"},
		"pull_request_target":            {claims: push().With(issuertest.Claims{"event_name": "pull_request_target"}), field: "event_name"},
		"a policy without the event":     {policy: func(n *NewPolicy) { n.Tier = provenance.Preview }, field: "event_name"},
		"a policy for releases":          {policy: func(*NewPolicy) {}, field: "event_name"},
		"another ref than the policy's":  {claims: after().With(issuertest.Claims{"ref": "refs/heads/topic"}), field: "ref"},
		"a claim for another repository": {ask: ask(func(a *Ask) { a.Repository = "https://github.com/acme/other" }), field: "repository"},
		"another repository's run":       {claims: after().With(issuertest.Claims{"repository_id": "75", "repository": "mallory/ws"}), field: "repository"},
		"who has taken its name":         {claims: after().With(issuertest.Claims{"repository_id": "75"}), field: "repository_id"},
		"packages of others":             {ask: ask(func(a *Ask) { a.Packages = []string{"@acme/a", "react"} }), field: "packages"},
		"a workflow of others": {
			claims: after().With(issuertest.Claims{"job_workflow_ref": "mallory/tools/.github/workflows/x.yml@refs/heads/main"}), field: "job_workflow_ref",
		},
		"no token": {ask: ask(func(a *Ask) { a.Token = "" }), kind: fault.Unauthenticated},
		"rubbish":  {ask: ask(func(a *Ask) { a.Token = strings.Repeat("x.", 2) + "x" }), kind: fault.Unauthenticated},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if tt.policy == nil {
				tt.policy = vouching
			}
			if tt.claims == nil {
				tt.claims = after()
			}
			w.policy(tt.policy)
			_, err := w.word(w.issuer.Token(audience, tt.claims), tt.ask)
			if tt.kind == "" {
				tt.kind = fault.Forbidden
			}
			refused(t, err, tt.kind, tt.field)
		})
	}
	w := newWorld(t)
	w.policy(vouching)
	_, err := w.word(w.issuer.Token("npm:elsewhere.example.com", after()), nil)
	refused(t, err, fault.Unauthenticated, "aud")
}
