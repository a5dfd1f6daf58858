package trust

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/org/registry-action/internal/domain/trust/issuertest"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/provenance"
)

// The token is for what was asked and proven, and says what that is.
func TestToken(t *testing.T) {
	w := newWorld(t)
	w.policy(func(n *NewPolicy) { n.User = "ci" })
	answer, err := w.run(push().With(issuertest.Claims{"environment": "npm"}))
	if err != nil {
		t.Fatal(err)
	}
	got := w.made.last(t)
	if got.User != "ci" || got.Own || got.For != 15*time.Minute || strings.Join(got.Packages, " ") != "@acme/a" ||
		strings.Join(got.Repositories, " ") != "https://github.com/acme/widgets" || strings.Join(got.Refs, " ") != "branch/main" {
		t.Errorf("the token is %+v", got)
	}
	want := provenance.Proof{
		Tier: provenance.Release, Issuer: w.issuer.URL, Repository: repository, RepositoryID: 74, OwnerID: 65,
		Workflow: "acme/widgets/.github/workflows/publish.yml@refs/heads/main", Environment: "npm", Ref: "refs/heads/main", Event: "push", SHA: sha,
		RunID: 4711, RunAttempt: 2, RunURL: "https://github.com/acme/widgets/actions/runs/4711", At: w.Now(),
	}
	if got.Proof != want || answer.Proof != want || answer.Secret != "secret" {
		t.Errorf("the proof is %+v, want %+v", got.Proof, want)
	}
}

// Refs are those of what runs.
func TestRefsOfRuns(t *testing.T) {
	for ref, want := range map[string]string{
		"refs/heads/main": "branch/main", "refs/heads/a/b": "branch/a/b", "refs/tags/v1": "tag/v1", "refs/pull/7/merge": "pr/7",
		"refs/pull/7/head": "", "refs/pull/07/merge": "", "refs/pull/x/merge": "", "refs/notes/a": "", "refs/heads/refs/pull/7/merge": "branch/refs/pull/7/merge",
	} {
		if got := strings.Join((Claims{Ref: ref}).refs(), " "); got != want {
			t.Errorf("%s may move %q, want %q", ref, got, want)
		}
	}
}

// A token is exchanged once, also by two servers at the same time, and is known for longer than it is good.
func TestReplay(t *testing.T) {
	w := newWorld(t)
	w.policy(nil)
	servers := []*Service{w.Service, w.another("")}
	token := w.issuer.Token(audience, push())
	const racers = 16
	var wg sync.WaitGroup
	errs := make([]error, racers)
	for i := range racers {
		wg.Go(func() {
			_, _, errs[i] = servers[i%2].Exchange(t.Context(), Ask{Token: token, Addr: address, Packages: []string{"@acme/a"}})
		})
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
			continue
		}
		refused(t, err, fault.Forbidden, "jti", "once")
	}
	if won != 1 || w.made.count() != 1 {
		t.Errorf("%d of %d won, %d tokens were made", won, racers, w.made.count())
	}
	w.Pass(5*time.Minute + leeway - time.Second) // the last second in which it is good
	_, err := w.show(token)
	refused(t, err, fault.Forbidden, "jti")
	w.Pass(time.Second)
	_, err = w.show(token)
	refused(t, err, fault.Unauthenticated, "exp")
}

// A run that is refused may show its token again, when its policy was made.
func TestRefusedTokenIsNotUsed(t *testing.T) {
	w := newWorld(t)
	p := w.policy(func(n *NewPolicy) { n.Workflow = "release.yml" })
	token := w.issuer.Token(audience, push())
	_, err := w.show(token)
	refused(t, err, fault.Forbidden, "workflow_ref")
	w.policy(func(n *NewPolicy) { n.Workflow = "publish.yml" })
	if _, err := w.show(token); err != nil {
		t.Errorf("after %s: %v", p.ID, err)
	}
}

// Several packages have one token, of the highest tier that is for all of them.
func TestManyPackages(t *testing.T) {
	w := newWorld(t)
	w.policy(nil)
	w.policy(func(n *NewPolicy) { n.Tier, n.Packages = provenance.Preview, []string{"@acme/*", "tool"} })
	ask := func(tier provenance.Tier, packages ...string) (Answer, error) {
		a, _, err := w.Exchange(t.Context(), Ask{Token: w.issuer.Token(audience, push()), Addr: address, Packages: packages, Tier: tier})
		return a, err
	}
	for _, tt := range []struct {
		asked    provenance.Tier
		packages string
		tier     provenance.Tier
		got      string // packages of the token
	}{
		{"", "@acme/a @acme/b", provenance.Release, "@acme/a @acme/b"},
		{"", "@acme/a tool", provenance.Preview, "@acme/a tool"},
		{"", "", provenance.Preview, "@acme/* tool"},
		{"preview", "@acme/a", provenance.Preview, "@acme/a"},
		{"release", "@acme/a", provenance.Release, "@acme/a"},
	} {
		a, err := ask(tt.asked, strings.Fields(tt.packages)...)
		if err != nil || a.Proof.Tier != tt.tier || strings.Join(a.Packages, " ") != tt.got {
			t.Errorf("%q for %q: %s for %q, %v", tt.asked, tt.packages, a.Proof.Tier, a.Packages, err)
		}
	}
	_, err := ask("", "@acme/a", "other", "third")
	refused(t, err, fault.Forbidden, "packages", "other, third")
	_, err = ask("release", "@acme/a", "tool")
	refused(t, err, fault.Forbidden, "packages", "tool")
	_, err = ask("fork", "@acme/a")
	if err == nil {
		t.Error("a token of another tier was made")
	}
	_, err = ask("", "@acme/a", "@acme/../b")
	refused(t, err, fault.Invalid, "")
	_, err = ask("", make([]string, maxAsked+1)...)
	refused(t, err, fault.Invalid, "", "1000")
}

// Who may make releases may make previews.
func TestReleasersMakePreviews(t *testing.T) {
	w := newWorld(t)
	w.policy(nil)
	a, _, err := w.Exchange(t.Context(), Ask{Token: w.issuer.Token(audience, push()), Addr: address, Packages: []string{"@acme/a"}, Tier: provenance.Preview})
	if err != nil || a.Proof.Tier != provenance.Preview {
		t.Errorf("%+v, %v", a, err)
	}
}

// A wider pattern than the policy's is not covered by it.
func TestAskedPatterns(t *testing.T) {
	w := newWorld(t)
	w.policy(nil)
	for _, name := range []string{"*", "@acm*", "@acme2/*", "zig:*", "lumen:@acme/*"} {
		_, _, err := w.Exchange(t.Context(), Ask{Token: w.issuer.Token(audience, push()), Addr: address, Packages: []string{name}})
		if err == nil {
			t.Errorf("a token for %s was made", name)
		}
	}
}

// Commits of the run's own repository only.
func TestRepositoryOfCommits(t *testing.T) {
	w := newWorld(t)
	w.policy(nil)
	for asked, admitted := range map[string]bool{
		"": true, "acme/widgets": true, "Acme/Widgets": true, "https://github.com/acme/widgets": true, "https://github.com/acme/widgets.git": true, "github.com/acme/widgets": true,
		"acme/other": false, "https://git.example.com/acme/widgets": false, "https://github.com/acme/widgets/..": false, "widgets": false,
	} {
		_, _, err := w.Exchange(t.Context(), Ask{Token: w.issuer.Token(audience, push()), Addr: address, Packages: []string{"@acme/a"}, Repository: asked})
		if admitted && err != nil {
			t.Errorf("%q: %v", asked, err)
		}
		if !admitted {
			refused(t, err, fault.Forbidden, "repository", "https://github.com/acme/widgets")
		}
	}
}

// Policies of a user speak for that user and no other; those of an admin come first.
func TestWhoseToken(t *testing.T) {
	w := newWorld(t)
	w.owners["@acme/a"], w.owners["@acme/b"] = "alice", "bob"
	for user, name := range map[string]string{"alice": "@acme/a", "bob": "@acme/b"} {
		_, err := w.Add(t.Context(), caller{user: user}, NewPolicy{
			Binding:      Binding{Repository: repository, Workflow: "publish.yml", Tier: provenance.Release, Packages: []string{name}},
			RepositoryID: issuertest.RepositoryID, OwnerID: issuertest.OwnerID,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	ask := func(packages ...string) error {
		_, _, err := w.Exchange(t.Context(), Ask{Token: w.issuer.Token(audience, push()), Addr: address, Packages: packages})
		return err
	}
	if err := ask("@acme/a"); err != nil || w.made.last(t).User != "alice" || !w.made.last(t).Own {
		t.Errorf("alice's: %v, %+v", err, w.made.last(t))
	}
	refused(t, ask("@acme/a", "@acme/b"), fault.Forbidden, "packages") // it would speak for two
	w.policy(func(n *NewPolicy) { n.User = "zoe" })
	for _, packages := range [][]string{{"@acme/a", "@acme/b"}, {"@acme/a"}} {
		if err := ask(packages...); err != nil || w.made.last(t).User != "zoe" || w.made.last(t).Own {
			t.Errorf("the admin's for %q: %v, %+v", packages, err, w.made.last(t))
		}
	}
}

// What fails behind the checks is told, and not taken for a refusal.
func TestFailingTokens(t *testing.T) {
	w := newWorld(t)
	w.policy(nil)
	w.made.err = fmt.Errorf("the disk is full")
	if _, err := w.run(push()); !errors.Is(err, w.made.err) {
		t.Errorf("got %v", err)
	}
}

// A server that trusts nobody asks nobody for keys.
func TestNoPolicies(t *testing.T) {
	w := newWorld(t)
	_, err := w.run(push())
	refused(t, err, fault.Forbidden, "iss", "trust add")
	if n := w.issuer.Asked(); n != 0 {
		t.Errorf("it asked %d times", n)
	}
}
