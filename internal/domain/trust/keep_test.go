package trust

import (
	"crypto/rand"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/org/registry-action/internal/domain/trust/issuertest"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/provenance"
	"github.com/org/registry-action/internal/store/kv"
)

// The ids of a repository are asked for when its policy is made.
func TestIDsOfTheForge(t *testing.T) {
	w := newWorld(t)
	w.forge = forge{repository: 74, owner: 65}
	p := w.policy(func(n *NewPolicy) { n.RepositoryID, n.OwnerID = 0, 0 })
	if p.RepositoryID != 74 || p.OwnerID != 65 || strings.Join(w.forge.asked, " ") != "https://github.com/acme/widgets" {
		t.Errorf("the policy is %+v, asked was %q", p, w.forge.asked)
	}
	_, err := w.run(push().With(issuertest.Claims{"repository_id": "99"}))
	refused(t, err, fault.Forbidden, "repository_id")
	if again := w.policy(func(n *NewPolicy) { n.RepositoryID, n.OwnerID = 0, 0 }); again.ID != p.ID {
		t.Errorf("the same again is %s, was %s", again.ID, p.ID)
	}
}

// What the forge does not know is asked of no other, and what it leaves out is no id.
func TestNoIDs(t *testing.T) {
	w := newWorld(t)
	w.forge = forge{repository: 74, owner: 65}
	foreign := w.policy(func(n *NewPolicy) { n.Issuer, n.RepositoryID, n.OwnerID = "https://git.example.com", 0, 0 })
	if foreign.pinned() || len(w.forge.asked) != 0 {
		t.Errorf("of an issuer that is not known: %+v, asked was %q", foreign, w.forge.asked)
	}
	for _, f := range []forge{{repository: 74}, {repository: -1, owner: 65}} {
		w.forge = f
		p := w.policy(func(n *NewPolicy) { n.Environment, n.RepositoryID, n.OwnerID = rand.Text(), 0, 0 })
		if p.RepositoryID != 0 || p.OwnerID != 0 {
			t.Errorf("of %+v: %+v", f, p)
		}
	}
	w.opt.Forge = nil
	if p := w.policy(func(n *NewPolicy) { n.RepositoryID, n.OwnerID = 0, 0 }); p.pinned() {
		t.Errorf("with no forge: %+v", p)
	}
}

// A policy that could not be given ids takes those of the first run that fits; another repository of the name comes too late.
func TestPinnedAtFirstUse(t *testing.T) {
	w := newWorld(t)
	p := w.policy(func(n *NewPolicy) { n.RepositoryID, n.OwnerID = 0, 0 })
	if p.pinned() {
		t.Fatalf("the policy is %+v", p)
	}
	_, err := w.run(issuertest.Push("evil/widgets", sha))
	refused(t, err, fault.Forbidden, "repository_id")
	_, err = w.run(push().With(issuertest.Claims{"event_name": "issue_comment"}))
	refused(t, err, fault.Forbidden, "event_name") // what is refused pins nothing
	other := push().With(issuertest.Claims{"repository_id": "99", "repository_owner_id": "98"})
	tokens := []string{w.issuer.Token(audience, push()), w.issuer.Token(audience, other)}
	servers := []*Service{w.Service, w.another("")}
	errs := make([]error, 2)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			_, _, errs[i] = servers[i].Exchange(t.Context(), Ask{Token: tokens[i], Addr: address, Packages: []string{"@acme/a"}})
		})
	}
	wg.Wait()
	if (errs[0] == nil) == (errs[1] == nil) {
		t.Fatalf("of two repositories of one name these were let in: %v", errs)
	}
	loser := map[bool]issuertest.Claims{true: other, false: push()}[errs[0] == nil]
	_, err = w.run(loser)
	refused(t, err, fault.Forbidden, "repository_id")
	all, err := w.List(t.Context(), admin)
	if err != nil || len(all) != 1 || !all[0].pinned() || all[0].Pinned.IsZero() {
		t.Errorf("the policies are %+v, %v", all, err)
	}
}

// Who has read a policy before another run pinned it comes too late, too.
func TestPinnedMeanwhile(t *testing.T) {
	w := newWorld(t)
	stale := w.policy(func(n *NewPolicy) { n.RepositoryID, n.OwnerID = 0, 0 })
	if _, err := w.run(push()); err != nil {
		t.Fatal(err)
	}
	first, err := w.verify(t.Context(), w.issuer.Token(audience, push()))
	if err != nil {
		t.Fatal(err)
	}
	other := first
	other.RepositoryID, other.OwnerID = 99, 98
	refused(t, w.pin(t.Context(), []Policy{stale}, other), fault.Forbidden, "repository_id")
	if err := w.pin(t.Context(), []Policy{stale}, first); err != nil {
		t.Errorf("the same repository: %v", err)
	}
}

// What could be trusted with nothing, or with too much, is no policy.
func TestBadPolicies(t *testing.T) {
	w := newWorld(t)
	for what, change := range map[string]func(*NewPolicy){
		"no repository":                   func(n *NewPolicy) { n.Repository = "" },
		"an owner alone":                  func(n *NewPolicy) { n.Repository = "acme" },
		"a wildcard":                      func(n *NewPolicy) { n.Repository = "acme/*" },
		"a repository of another forge":   func(n *NewPolicy) { n.Repository = "https://evil.example/acme/widgets" },
		"an issuer that is no URL":        func(n *NewPolicy) { n.Issuer = "github" },
		"an issuer without TLS":           func(n *NewPolicy) { n.Issuer = "http://git.example.com" },
		"a release of everything":         func(n *NewPolicy) { n.Packages = nil },
		"a pattern that is none":          func(n *NewPolicy) { n.Packages = []string{"@acme/**"} },
		"a workflow with a path":          func(n *NewPolicy) { n.Workflow = "../publish.yml" },
		"a workflow that is no workflow":  func(n *NewPolicy) { n.Workflow = "publish.sh" },
		"a workflow of nowhere":           func(n *NewPolicy) { n.WorkflowRepository = "acme" },
		"a ref in short":                  func(n *NewPolicy) { n.Refs = []string{"main"} },
		"an event that is none":           func(n *NewPolicy) { n.Events = []string{"Push!"} },
		"releases of pull_request":        func(n *NewPolicy) { n.Events = []string{"push", "pull_request"} },
		"releases of pull_request_target": func(n *NewPolicy) { n.Events = []string{"pull_request_target"} },
		"releases of workflow_run":        func(n *NewPolicy) { n.Events = []string{"workflow_run"} },
		"releases of issue_comment":       func(n *NewPolicy) { n.Events = []string{"issue_comment"} },
		"releases of issues":              func(n *NewPolicy) { n.Events = []string{"push", "issues"} },
		"releases of fork":                func(n *NewPolicy) { n.Events = []string{"fork"} },
		"previews of pull_request_target": func(n *NewPolicy) { n.Tier, n.Events = provenance.Preview, []string{"pull_request_target"} },
		"the tier of forks":               func(n *NewPolicy) { n.Tier = provenance.Fork },
		"one id":                          func(n *NewPolicy) { n.OwnerID = 0 },
		"an id below 0":                   func(n *NewPolicy) { n.RepositoryID = -1 },
		"an environment with a line":      func(n *NewPolicy) { n.Environment = "a\nb" },
	} {
		n := NewPolicy{Binding: Binding{Repository: repository, Tier: provenance.Release, Packages: []string{"@acme/*"}}, RepositoryID: 74, OwnerID: 65}
		change(&n)
		if _, err := w.Add(t.Context(), admin, n); err == nil {
			t.Errorf("%s: it is taken", what)
		} else {
			refused(t, err, fault.Invalid, "")
		}
	}
}

// People write a repository and a workflow as their forge shows them.
func TestAsTheForgeShowsIt(t *testing.T) {
	w := newWorld(t)
	plain := w.policy(func(n *NewPolicy) { n.Workflow = "publish.yml" })
	shown := w.policy(func(n *NewPolicy) {
		n.Repository, n.Workflow = "https://github.com/acme/widgets.git", ".github/workflows/publish.yml"
	})
	if shown.ID != plain.ID {
		t.Errorf("the policy is %+v, want %+v", shown, plain)
	}
}

// Who owns a package binds it, and nothing else; who publishes nothing binds nothing.
func TestWhoMayBind(t *testing.T) {
	w := newWorld(t)
	w.owners["@acme/a"], w.owners["bobs"] = "alice", "bob"
	alice, bob := caller{user: "alice"}, caller{user: "bob"}
	add := func(who caller, change func(*NewPolicy)) (Policy, error) {
		n := NewPolicy{Binding: Binding{Repository: repository, Workflow: "publish.yml", Tier: provenance.Release, Packages: []string{"@acme/a"}}}
		if change != nil {
			change(&n)
		}
		return w.Add(t.Context(), who, n)
	}
	p, err := add(alice, nil)
	if err != nil || p.User != "alice" || p.Granted || p.MadeBy != "alice" {
		t.Fatalf("alice's: %+v, %v", p, err)
	}
	if _, err := add(alice, func(n *NewPolicy) { n.Packages = []string{"new"} }); err != nil {
		t.Errorf("a package that is not there yet: %v", err)
	}
	for what, change := range map[string]func(*NewPolicy){
		"another's package":   func(n *NewPolicy) { n.Packages = []string{"bobs"} },
		"one more":            func(n *NewPolicy) { n.Packages = []string{"@acme/a", "bobs"} },
		"a pattern":           func(n *NewPolicy) { n.Packages = []string{"@acme/*"} },
		"a package of Zig":    func(n *NewPolicy) { n.Packages = []string{"zig:a"} },
		"previews":            func(n *NewPolicy) { n.Tier = provenance.Preview },
		"for another user":    func(n *NewPolicy) { n.User = "bob" },
		"of any other issuer": func(n *NewPolicy) { n.Issuer = "https://evil.example" },
	} {
		if _, err := add(alice, change); err == nil {
			t.Errorf("alice binds %s", what)
		} else {
			refused(t, err, fault.Forbidden, "")
		}
	}
	_, err = add(caller{}, nil)
	refused(t, err, fault.Unauthenticated, "")

	_, err = w.Of(t.Context(), bob, "@acme/a")
	refused(t, err, fault.Forbidden, "")
	refused(t, w.Remove(t.Context(), bob, p.ID), fault.Forbidden, "")
	refused(t, w.Remove(t.Context(), caller{}, p.ID), fault.Unauthenticated, "")
	refused(t, w.Remove(t.Context(), alice, "none"), fault.NotFound, "")
	refused(t, w.Remove(t.Context(), alice, "a\x00b"), fault.NotFound, "")
	if got, err := w.Of(t.Context(), alice, "@acme/a"); err != nil || len(got) != 1 {
		t.Errorf("the policies of @acme/a are %+v, %v", got, err)
	}
	if got, err := w.List(t.Context(), bob); err != nil || len(got) != 0 {
		t.Errorf("bob's are %+v, %v", got, err)
	}
	if got, err := w.List(t.Context(), alice); err != nil || len(got) != 2 {
		t.Errorf("alice's are %+v, %v", got, err)
	}
	w.owners["@acme/a"] = "bob" // the package changes hands
	if err := w.Remove(t.Context(), bob, p.ID); err != nil {
		t.Errorf("the new owner: %v", err)
	}
	_, err = w.List(t.Context(), caller{})
	refused(t, err, fault.Unauthenticated, "")
}

// A policy that is removed lets nobody in, and leaves no row behind.
func TestRemove(t *testing.T) {
	w := newWorld(t)
	p := w.policy(nil)
	if err := w.Remove(t.Context(), admin, p.ID); err != nil {
		t.Fatal(err)
	}
	_, err := w.run(push())
	refused(t, err, fault.Forbidden, "iss")
	for _, partition := range []string{policyPartition, issuerPartition(w.issuer.URL)} {
		for r := range w.db.Scan(t.Context(), partition, kv.Query{}) {
			t.Errorf("%s is left", r.Key)
		}
	}
	refused(t, w.Remove(t.Context(), admin, p.ID), fault.NotFound, "")
}

// A user fills no store with policies.
func TestManyPolicies(t *testing.T) {
	w := newWorld(t)
	for some := range slices.Chunk(make([]struct{}, maxOwn), kv.MaxBatch) {
		var ops []kv.Op
		for range some {
			id := rand.Text()
			ops = append(ops, kv.PutNew(kv.JSON(policyKey(id), Policy{ID: id, MadeBy: "alice", User: "alice"})))
		}
		if err := w.db.Apply(t.Context(), ops...); err != nil {
			t.Fatal(err)
		}
	}
	n := NewPolicy{Binding: Binding{Repository: repository, Tier: provenance.Release, Packages: []string{"p"}}}
	_, err := w.Add(t.Context(), caller{user: "alice"}, n)
	refused(t, err, fault.Forbidden, "", "200")
	if _, err := w.Add(t.Context(), caller{user: "bob"}, n); err != nil {
		t.Errorf("another user: %v", err)
	}
}
