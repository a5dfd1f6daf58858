package trust

import (
	"strings"
	"testing"

	"github.com/org/registry-action/internal/domain/trust/issuertest"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/provenance"
	"github.com/org/registry-action/internal/store/kv"
)

// ofAll is a policy for all repositories of acme.
func ofAll(n *NewPolicy) {
	n.Repository, n.RepositoryID, n.Tier, n.Packages = "acme/*", 0, provenance.Preview, nil
}

// One policy is for all repositories of an owner, who is known by a number.
func TestAllOfAnOwner(t *testing.T) {
	w := newWorld(t)
	p := w.policy(ofAll)
	for what, tt := range map[string]struct {
		run   issuertest.Claims
		field string // empty: it is admitted
	}{
		"a repository":                      {push(), ""},
		"another":                           {issuertest.Push("acme/gadgets", sha).With(issuertest.Claims{"repository_id": "75"}), ""},
		"a pull request":                    {issuertest.PullRequest("acme/gadgets", sha, 7).With(issuertest.Claims{"repository_id": "75"}), ""},
		"an owner that was renamed":         {issuertest.Push("umbrella/widgets", sha), ""},
		"another owner":                     {issuertest.Push("evil/widgets", sha).With(issuertest.Claims{"repository_owner_id": "98"}), "repository_id"},
		"an owner that has taken its name":  {push().With(issuertest.Claims{"repository_owner_id": "98"}), "repository_owner_id"},
		"a repository that was transferred": {push().With(issuertest.Claims{"repository": "evil/widgets", "repository_owner_id": "98"}), "repository_id"},
		"an owner that begins like it":      {issuertest.Push("acme-evil/widgets", sha).With(issuertest.Claims{"repository_owner_id": "98"}), "repository_id"},
		"pull_request_target":               {push().With(issuertest.Claims{"event_name": "pull_request_target"}), "event_name"},
	} {
		before := w.made.count()
		_, err := w.run(tt.run)
		if tt.field != "" {
			refused(t, err, fault.Forbidden, tt.field)
			continue
		}
		if err != nil || w.made.count() != before+1 {
			t.Errorf("%s: %v", what, err)
			continue
		}
		want := "https://github.com/" + tt.run["repository"].(string)
		if got := w.made.last(t); strings.Join(got.Repositories, " ") != want || got.Proof.Tier != provenance.Preview {
			t.Errorf("%s: the token is %+v, want one for the run's own repository", what, got)
		}
	}
	_, _, err := w.Exchange(t.Context(), Ask{Token: w.issuer.Token(audience, push()), Addr: address, Packages: []string{"@acme/a"}, Tier: provenance.Release})
	refused(t, err, fault.Forbidden, "tier")
	if err := w.Remove(t.Context(), admin, p.ID); err != nil {
		t.Fatal(err)
	}
	for r := range w.db.Scan(t.Context(), issuerPartition(w.issuer.URL), kv.Query{}) {
		t.Errorf("%s is left", r.Key)
	}
}

// Such a policy is never left to whoever comes first, and never lets anybody release.
func TestAllOfAnOwnerIsKnown(t *testing.T) {
	w := newWorld(t)
	w.forge = forge{repository: 74, owner: 65}
	for what, change := range map[string]func(*NewPolicy){
		"no number of the owner":   func(n *NewPolicy) { n.OwnerID = 0 },
		"a number of a repository": func(n *NewPolicy) { n.RepositoryID = 74 },
		"releases":                 func(n *NewPolicy) { n.Tier, n.Packages = provenance.Release, []string{"@acme/*"} },
		"all repositories":         func(n *NewPolicy) { n.Repository = "*/*" },
		"repositories of a name":   func(n *NewPolicy) { n.Repository = "*/widgets" },
		"a part of a name":         func(n *NewPolicy) { n.Repository = "acme/w*" },
	} {
		n := NewPolicy{OwnerID: issuertest.OwnerID}
		ofAll(&n)
		change(&n)
		if _, err := w.Add(t.Context(), admin, n); err == nil {
			t.Errorf("%s: it is taken", what)
		} else {
			refused(t, err, fault.Invalid, "")
		}
	}
	n := NewPolicy{OwnerID: issuertest.OwnerID}
	ofAll(&n)
	_, err := w.Add(t.Context(), caller{user: "alice"}, n)
	refused(t, err, fault.Forbidden, "", "only an admin")
	row := Policy{Binding: Binding{Repository: "acme/*", Events: []string{"push"}, Tier: provenance.Preview}} // whoever has written it
	if d := row.differs(Claims{Repository: repository, RepositoryID: 74, OwnerID: 65, Event: "push"}); d == nil {
		t.Error("a row without the owner's number lets a run in")
	}
}
