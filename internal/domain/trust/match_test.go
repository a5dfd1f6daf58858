package trust

import (
	"strings"
	"testing"

	"github.com/org/registry-action/internal/domain/trust/issuertest"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/provenance"
)

// Each field of a policy refuses the run that differs in it, and says how.
func TestPolicyFields(t *testing.T) {
	const workflows = "acme/widgets/.github/workflows/"
	w := newWorld(t)
	called := func(job string) issuertest.Claims { return push().With(issuertest.Claims{"job_workflow_ref": job}) }
	for what, tt := range map[string]struct {
		policy func(*NewPolicy)
		run    issuertest.Claims
		field  string // empty: it is admitted
		words  []string
	}{
		"as it is bound":             {nil, push(), "", nil},
		"another repository":         {nil, push().With(issuertest.Claims{"repository_id": "99", "repository": "evil/widgets"}), "repository_id", []string{"evil/widgets"}},
		"a resurrected repository":   {nil, push().With(issuertest.Claims{"repository_id": "99"}), "repository_id", []string{`"99"`, "expected 74"}},
		"a resurrected owner":        {nil, push().With(issuertest.Claims{"repository_id": "99", "repository_owner_id": "98"}), "repository_id", nil},
		"a transferred repository":   {nil, push().With(issuertest.Claims{"repository_owner_id": "98"}), "repository_owner_id", []string{`"98"`, "expected 65"}},
		"a renamed repository":       {nil, issuertest.Push("acme/gadgets", sha), "", nil},
		"ids as numbers":             {nil, push().With(issuertest.Claims{"repository_id": 74, "repository_owner_id": 65, "run_id": 4711}), "", nil},
		"the new form of sub":        {nil, push().With(issuertest.Claims{"sub": "repo:acme@65/widgets@74:ref:refs/heads/main"}), "", nil},
		"a sub of another's":         {nil, push().With(issuertest.Claims{"sub": "repo:evil/evil:ref:refs/heads/main"}), "", nil},
		"pull_request for a release": {nil, issuertest.PullRequest(repository, sha, 7), "event_name", []string{"push"}},
		"pull_request_target":        {nil, push().With(issuertest.Claims{"event_name": "pull_request_target"}), "event_name", nil},
		"workflow_run":               {nil, push().With(issuertest.Claims{"event_name": "workflow_run"}), "event_name", nil},
		"issue_comment":              {nil, push().With(issuertest.Claims{"event_name": "issue_comment"}), "event_name", nil},
		"an event that is not named": {func(n *NewPolicy) { n.Events = []string{"release"} }, push(), "event_name", []string{"expected release"}},
		"a discussion":               {nil, push().With(issuertest.Claims{"event_name": "discussion"}), "event_name", nil},
		"a dispatched run":           {nil, push().With(issuertest.Claims{"event_name": "workflow_dispatch"}), "", nil},
		"its workflow":               {func(n *NewPolicy) { n.Workflow = "publish.yml" }, push(), "", nil},
		"another workflow":           {func(n *NewPolicy) { n.Workflow = "release.yml" }, push(), "workflow_ref", []string{"publish.yml", "expected release.yml"}},
		"its workflow in a folder":   {func(n *NewPolicy) { n.Workflow = "publish.yml" }, called(workflows + "publish.yml@refs/heads/main"), "", nil},
		"a workflow that ends alike": {func(n *NewPolicy) { n.Workflow = "lish.yml" }, push(), "workflow_ref", nil},
		"its environment":            {func(n *NewPolicy) { n.Environment = "npm" }, push().With(issuertest.Claims{"environment": "NPM"}), "", nil},
		"no environment":             {func(n *NewPolicy) { n.Environment = "npm" }, push(), "environment", []string{"expected npm"}},
		"another environment":        {func(n *NewPolicy) { n.Environment = "npm" }, push().With(issuertest.Claims{"environment": "test"}), "environment", nil},
		"its branch":                 {func(n *NewPolicy) { n.Refs = []string{"refs/tags/v*", "refs/heads/main"} }, push(), "", nil},
		"another branch":             {func(n *NewPolicy) { n.Refs = []string{"refs/heads/mai"} }, push(), "ref", []string{"refs/heads/main"}},
		"its tag":                    {func(n *NewPolicy) { n.Refs = []string{"refs/tags/v*"} }, issuertest.Tag(repository, sha, "v1.0.0"), "", nil},
		"a branch that looks like a tag": {func(n *NewPolicy) { n.Refs = []string{"refs/tags/v*"} },
			push().With(issuertest.Claims{"ref": "refs/heads/refs/tags/v1"}), "ref", nil},

		// Reusable workflows: what has the job may be elsewhere, and what runs is of the ref that was named there.
		"a workflow of its own that it calls":       {func(n *NewPolicy) { n.Workflow = "publish.yml" }, called(workflows + "build.yml@refs/heads/main"), "", nil},
		"its workflow, called by another":           {func(n *NewPolicy) { n.Workflow = "build.yml" }, called(workflows + "build.yml@refs/heads/main"), "", nil},
		"its workflow of the same commit":           {func(n *NewPolicy) { n.Refs = []string{"refs/heads/main"} }, called(workflows + "build.yml@" + sha), "", nil},
		"its workflow of another branch":            {func(n *NewPolicy) { n.Refs = []string{"refs/heads/main"} }, called(workflows + "build.yml@refs/heads/evil"), "job_workflow_ref", nil},
		"its workflow of another ref that is bound": {func(n *NewPolicy) { n.Refs = []string{"refs/heads/main", "refs/tags/v*"} }, issuertest.Tag(repository, sha, "v1").With(issuertest.Claims{"job_workflow_ref": workflows + "build.yml@refs/heads/main"}), "", nil},
		"a reusable workflow by its own ref":        {func(n *NewPolicy) { n.WorkflowRepository, n.Refs = "acme/tools", []string{"refs/heads/main"} }, called("acme/tools/.github/workflows/release.yml@refs/tags/v1"), "", nil},
		"another's reusable workflow":               {nil, called("evil/tools/.github/workflows/publish.yml@refs/heads/main"), "job_workflow_ref", []string{"evil/tools"}},
		"a reusable workflow that is named":         {func(n *NewPolicy) { n.WorkflowRepository = "acme/tools" }, called("acme/tools/.github/workflows/release.yml@refs/tags/v1"), "", nil},
		"the file of a reusable workflow":           {func(n *NewPolicy) { n.WorkflowRepository, n.Workflow = "acme/tools", "release.yml" }, called("acme/tools/.github/workflows/release.yml@v1"), "", nil},
		"no reusable workflow where one is named":   {func(n *NewPolicy) { n.WorkflowRepository = "acme/tools" }, push(), "job_workflow_ref", nil},
		"another file of a reusable workflow":       {func(n *NewPolicy) { n.WorkflowRepository, n.Workflow = "acme/tools", "release.yml" }, called("acme/tools/.github/workflows/other.yml@v1"), "workflow_ref", nil},
		"another file, called by one of its name":   {func(n *NewPolicy) { n.WorkflowRepository, n.Workflow = "acme/tools", "publish.yml" }, called("acme/tools/.github/workflows/other.yml@v1"), "workflow_ref", nil},
		"an issuer that has no reusable workflows":  {nil, push().With(issuertest.Claims{"job_workflow_ref": nil}), "", nil},
		"a runner of its own":                       {nil, push().With(issuertest.Claims{"runner_environment": "self-hosted"}), "runner_environment", []string{"github-hosted"}},
		"a runner that is not told":                 {nil, push().With(issuertest.Claims{"runner_environment": nil}), "runner_environment", nil},
		"a runner of its own, allowed":              {func(n *NewPolicy) { n.SelfHosted = true }, push().With(issuertest.Claims{"runner_environment": "self-hosted"}), "", nil},
		"a package that the policy is not for":      {func(n *NewPolicy) { n.Packages = []string{"@acme/b", "@acme/c-*"} }, push(), "packages", []string{"@acme/a", "@acme/b, @acme/c-*"}},
		"a repository without a policy of its name": {func(n *NewPolicy) { n.Repository, n.RepositoryID = "acme/other", 75 }, push(), "repository_id", []string{"registry-server trust add github acme/widgets"}},
	} {
		t.Run(what, func(t *testing.T) {
			p := w.policy(tt.policy)
			_, err := w.run(tt.run)
			if err := w.Remove(t.Context(), admin, p.ID); err != nil {
				t.Fatal(err)
			}
			if tt.field != "" {
				refused(t, err, fault.Forbidden, tt.field, tt.words...)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := w.made.last(t).Proof.Tier; got != provenance.Release {
				t.Errorf("the tier is %s", got)
			}
		})
	}
}

// Previews are for pull requests too, but never for pull_request_target.
func TestPreviewEvents(t *testing.T) {
	w := newWorld(t)
	w.policy(func(n *NewPolicy) { n.Tier, n.Packages = provenance.Preview, nil })
	for event, admitted := range map[string]bool{
		"push": true, "pull_request": true, "merge_group": true, "schedule": true, "pull_request_target": false, "workflow_run": false, "issue_comment": false,
	} {
		_, err := w.run(push().With(issuertest.Claims{"event_name": event}))
		if (err == nil) != admitted {
			t.Errorf("%s: %v", event, err)
		}
	}
}

// A row that says more than a policy may, whoever has written it, lets nobody in by that.
func TestEventsOfRows(t *testing.T) {
	for event, tier := range map[string]provenance.Tier{"pull_request_target": provenance.Preview, "workflow_run": provenance.Release, "issue_comment": provenance.Release, "pull_request": provenance.Release, "issues": provenance.Release} {
		p := Policy{Binding: Binding{Repository: repository, Events: []string{event}, Tier: tier}, RepositoryID: 74, OwnerID: 65}
		if d := p.differs(Claims{Repository: repository, RepositoryID: 74, OwnerID: 65, Event: event}); d == nil || d.field != "event_name" {
			t.Errorf("%s is let in to %s: %+v", event, tier, d)
		}
	}
}

// Of several policies the one that fits decides, and a refusal is by the one that fits best.
func TestSeveralPolicies(t *testing.T) {
	w := newWorld(t)
	w.policy(func(n *NewPolicy) { n.Workflow = "release.yml" })
	w.policy(func(n *NewPolicy) { n.Events, n.Environment = []string{"release"}, "npm" })
	_, err := w.run(push())
	refused(t, err, fault.Forbidden, "workflow_ref")
	w.policy(func(n *NewPolicy) { n.Workflow = "publish.yml" })
	if _, err := w.run(push()); err != nil {
		t.Error(err)
	}
}

// Whichever comes first, the one that fits best says what differs.
func TestBestRefusal(t *testing.T) {
	c := Claims{Repository: repository, RepositoryID: 74, OwnerID: 65, Event: "push"}
	other := Policy{Binding: Binding{Repository: repository, Tier: provenance.Release, Events: []string{"release"}}, RepositoryID: 74, OwnerID: 65}
	near := other
	near.Events, near.WorkflowRepository = []string{"push"}, "acme/tools"
	for _, all := range [][]Policy{{other, near}, {near, other}} {
		_, err := admitting(all, c)
		refused(t, err, fault.Forbidden, "job_workflow_ref")
	}
}

func TestRefGlobs(t *testing.T) {
	for _, tt := range []struct {
		glob, ref string
		want      bool
	}{
		{"refs/heads/main", "refs/heads/main", true},
		{"refs/heads/main", "refs/heads/main2", false},
		{"refs/heads/release/*", "refs/heads/release/1", true},
		{"refs/heads/release/*", "refs/heads/release/1/evil", false},
		{"refs/heads/release/**", "refs/heads/release/1/2", true},
		{"refs/tags/v*", "refs/heads/v1", false},
		{"refs/tags/v1.0", "refs/tags/v1x0", false},
		{"refs/heads/*", "refs/heads/a\nb", true}, // no ref has a line; nothing is half matched
		{"refs/heads/a", "refs/heads/a\n", false},
		{"refs/heads/(a|b)[c]", "refs/heads/(a|b)[c]", true},
	} {
		if got := matchesRef([]string{tt.glob}, tt.ref); got != tt.want {
			t.Errorf("%s for %q: %v", tt.glob, tt.ref, got)
		}
	}
	long := "refs/heads/" + strings.Repeat("*a", 100)
	if matchesRef([]string{long}, "refs/heads/"+strings.Repeat("a", 500)+"b") {
		t.Error("a long glob fits what it does not")
	}
}
