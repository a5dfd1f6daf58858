package forge_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/forge"
	"github.com/org/registry-action/internal/forge/forgetest"
)

func TestPullsForCommit(t *testing.T) {
	srv := forgetest.New(t)
	add := func(n int, state, head string) {
		srv.AddPull(forgetest.Pull{Number: n, State: state, HeadSHA: head, HeadRef: "fix", HeadRepo: "acme/ws", BaseRef: "main", BaseSHA: sha(9)})
	}
	add(1, "closed", sha(1))
	add(2, "open", sha(2)) // has the commit, as one below its head
	for n := range 120 {
		add(n+10, "closed", sha(1))
	}
	add(200, "open", sha(1))
	srv.AddPull(forgetest.Pull{Number: 201, HeadSHA: sha(1), HeadRef: "fix", HeadRepo: "acme/ws", BaseRef: "next", BaseSHA: sha(9)})
	c, _ := client(t, srv, forgetest.Token)
	got, err := c.PullsForCommit(t.Context(), sha(1))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]forge.Pull{{Number: 200, BaseRef: "main", BaseSHA: sha(9)}, {Number: 201, BaseRef: "next", BaseSHA: sha(9)}}, got); diff != "" {
		t.Errorf("PullsForCommit (-want +got):\n%s", diff)
	}
	if _, err := c.PullsForCommit(t.Context(), "../../../user"); !errors.Is(err, fault.Invalid) {
		t.Errorf("PullsForCommit of a path = %v, want fault.Invalid", err)
	}
}

func TestHeadOfPull(t *testing.T) {
	srv := forgetest.New(t)
	srv.AddPull(forgetest.Pull{Number: 1, HeadSHA: sha(1), HeadRef: "fix", HeadRepo: "acme/ws", BaseRef: "main", BaseSHA: sha(8)})
	srv.AddPull(forgetest.Pull{Number: 2, HeadSHA: sha(2), HeadRef: "main", HeadRepo: "mallory/ws", BaseRef: "main", Author: "mallory"})
	srv.AddPull(forgetest.Pull{Number: 3, HeadSHA: sha(3), HeadRef: "old", HeadRepo: "acme/ws", BaseRef: "v1", State: "closed"})
	c, _ := client(t, srv, forgetest.Token)
	acme := forgetest.ID("acme/ws")
	for n, want := range map[int]forge.Head{
		1: {SHA: sha(1), Ref: "fix", Repository: "acme/ws", BaseRef: "main", BaseSHA: sha(8), Open: true,
			RepositoryID: acme, BaseRepositoryID: acme, Author: "octocat"},
		2: {SHA: sha(2), Ref: "main", Repository: "mallory/ws", BaseRef: "main", BaseSHA: forgetest.BaseSHA, Open: true, Fork: true,
			RepositoryID: forgetest.ID("mallory/ws"), BaseRepositoryID: acme, Author: "mallory"},
		3: {SHA: sha(3), Ref: "old", Repository: "acme/ws", BaseRef: "v1", BaseSHA: forgetest.BaseSHA,
			RepositoryID: acme, BaseRepositoryID: acme, Author: "octocat"},
	} {
		got, err := c.HeadOfPull(t.Context(), n)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("HeadOfPull(%d) (-want +got):\n%s", n, diff)
		}
	}
	if _, err := c.HeadOfPull(t.Context(), 4); !errors.Is(err, fault.NotFound) {
		t.Errorf("HeadOfPull(4) = %v, want fault.NotFound", err)
	}
}

// A fork's branch has the name of one of ours, and each of them more than one pull request.
func TestPullsFromBranch(t *testing.T) {
	srv := forgetest.New(t)
	for n, from := range []string{"acme/ws", "mallory/ws", "acme/ws", "acme/ws"} {
		srv.AddPull(forgetest.Pull{Number: n + 1, HeadSHA: sha(n + 1), HeadRef: "feature/x y", HeadRepo: from, BaseRef: "main", State: []string{"open", "open", "open", "closed"}[n]})
	}
	c, _ := client(t, srv, forgetest.Token)
	for owner, want := range map[string][]int{"acme": {1, 3}, "mallory": {2}, "nobody": nil} {
		pulls, err := c.PullsFromBranch(t.Context(), owner, "feature/x y")
		if err != nil {
			t.Fatal(err)
		}
		var got []int
		for _, p := range pulls {
			got = append(got, p.Number)
			if p.SHA != sha(p.Number) || !p.Open || p.Fork != (owner == "mallory") || p.RepositoryID != forgetest.ID(owner+"/ws") || p.BaseRepositoryID != forgetest.ID("acme/ws") {
				t.Errorf("the head of %d is %+v", p.Number, p.Head)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("PullsFromBranch of %s (-want +got):\n%s", owner, diff)
		}
	}
}

func TestCommitAt(t *testing.T) {
	srv := forgetest.New(t)
	srv.SetRef("heads/feature/x", sha(1))
	srv.SetRef("tags/feature/x", sha(2))
	c, _ := client(t, srv, forgetest.Token)
	for ref, want := range map[string]string{"heads/feature/x": sha(1), "tags/feature/x": sha(2)} {
		if got, err := c.CommitAt(t.Context(), ref); err != nil || got != want {
			t.Errorf("CommitAt(%s) = %s, %v, want %s", ref, got, err, want)
		}
	}
	for _, ref := range []string{"heads/none", "heads/../../user", "heads/a?b#c"} {
		if got, err := c.CommitAt(t.Context(), ref); !errors.Is(err, fault.NotFound) {
			t.Errorf("CommitAt(%s) = %s, %v, want fault.NotFound", ref, got, err)
		}
	}
}

func TestEnterpriseServer(t *testing.T) {
	srv := forgetest.NewAt(t, "/api/v3")
	srv.AddPull(forgetest.Pull{Number: 7, HeadSHA: sha(1), HeadRef: "fix", HeadRepo: "acme/ws", BaseRef: "main"})
	for range 101 {
		srv.AddComment(7, "someone", "chat")
	}
	c, _ := client(t, srv, forgetest.Token)
	upsert(t, c, comment(1))
	if got := upsert(t, c, comment(2)); got.Action != forge.Updated {
		t.Errorf("Upsert = %+v, want it updated", got)
	}
}

func TestNewRefuses(t *testing.T) {
	good := forge.Options{Token: "t", Owner: "acme", Repo: "ws"}
	if _, err := forge.New(good); err != nil {
		t.Errorf("New = %v, want nil", err)
	}
	for name, change := range map[string]func(*forge.Options){
		"token": func(o *forge.Options) { o.Token = "" },
		"owner": func(o *forge.Options) { o.Owner = "" },
		"path":  func(o *forge.Options) { o.Repo = "../x" },
		"dots":  func(o *forge.Options) { o.Repo = ".." },
		"url":   func(o *forge.Options) { o.APIURL = "api.github.com" },
		"kind":  func(o *forge.Options) { o.APIURL = "ftp://h/" },
	} {
		o := good
		change(&o)
		if _, err := forge.New(o); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: New = %v, want fault.Invalid", name, err)
		}
	}
}
