package e2e

import (
	"strings"
	"testing"

	"github.com/org/registry-action/internal/forge/forgetest"
)

// A token that may not set statuses is no failure; told to, it is a warning. Commits of forks get none.
func TestCommitStatus(t *testing.T) {
	gh, s := newGitHub(t), startServer(t, t.TempDir())
	gh.Grant("no-statuses", forgetest.Account{Login: "github-actions[bot]", Installation: true, NoStatuses: true})
	dir, merge := checkout(t, workspace)
	for name, tt := range map[string]struct {
		inputs  []string
		warning bool
	}{
		"a token that may not":     {[]string{"INPUT_GITHUB-TOKEN=no-statuses"}, false},
		"a token that may not, on": {[]string{"INPUT_GITHUB-TOKEN=no-statuses", "INPUT_COMMIT-STATUS=on"}, true},
		"off":                      {[]string{"INPUT_COMMIT-STATUS=off"}, false},
	} {
		r := pullRequest(t, gh, s.url, merge, 1, tt.inputs...).run(t, dir).must(t)
		if got := gh.StatusesOf(headSHA); len(got) != 0 || strings.Contains(r.stdout, "statuses: write") != tt.warning {
			t.Errorf("%s: the statuses are %+v, and it said\n%v", name, got, r)
		}
	}
	pullRequest(t, gh, s.url, merge, 2, "INPUT_COMMENT=off", "INPUT_COMMENT-KEY=docs").run(t, dir).must(t)
	if got := gh.StatusesOf(headSHA); len(got) != 1 || got[0].State != "success" || got[0].Context != "registry-preview/docs" || got[0].Description != "3 packages" {
		t.Errorf("the statuses are %+v, want one of this key", got)
	}

	fork := forgetest.New(t)
	fork.AddPull(forgetest.Pull{Number: 7, HeadSHA: headSHA, HeadRef: "feature", HeadRepo: "stranger/ws", BaseRef: "main"})
	env := eventEnv(t, fork, "pull_request", `{"repository": {"id": 1}, "pull_request": {"number": 7, "head": {"sha": "`+headSHA+`", "repo": {"id": 2}}, "base": {"ref": "main", "repo": {"id": 1}}}}`,
		merge, "REGISTRY_URL="+s.url, "GITHUB_TOKEN="+forgetest.Token)
	publishCommit(t, dir, env, "--commit-status", "on").must(t)
	if got := fork.StatusesOf(headSHA); len(got) != 0 || len(fork.Comments(7)) != 1 {
		t.Errorf("a fork's commit has the statuses %+v", got)
	}
}

// A merge queue's commit is published and marked; the pull request that leads it is not told.
func TestMergeGroup(t *testing.T) {
	gh, s := newGitHub(t), startServer(t, t.TempDir())
	dir, sha := checkout(t, workspace)
	env := eventEnv(t, gh, "merge_group", `{"merge_group": {"head_sha": "`+sha+`", "base_sha": "`+strings.Repeat("2", 40)+`", "base_ref": "refs/heads/main",
		"head_ref": "refs/heads/gh-readonly-queue/main/pr-7-`+strings.Repeat("2", 40)+`"}}`, sha, "REGISTRY_URL="+s.url, "GITHUB_TOKEN="+forgetest.Token)
	publishCommit(t, dir, env).must(t)
	if len(gh.Comments(7)) != 0 || len(gh.StatusesOf(sha)) != 1 {
		t.Errorf("the comments are %+v, the statuses %+v; want a status alone", gh.Comments(7), gh.StatusesOf(sha))
	}
}

// Who comments has seen a commit; one that was pushed since is not published in its place, nor does the name of the pull request move back.
func TestHeadMovesAfterAComment(t *testing.T) {
	gh, s := forgetest.New(t), startServer(t, t.TempDir())
	dir, sha := checkout(t, workspace)
	gh.AddPull(forgetest.Pull{Number: 7, HeadSHA: sha, HeadRef: "feature", HeadRepo: "acme/ws", BaseRef: "main"})
	gh.Hook(func(r forgetest.Request) {
		if r.Route == forgetest.GetPull && r.N == 2 {
			gh.MovePull(7, headSHA)
		}
	})
	env := eventEnv(t, gh, "issue_comment", `{"issue": {"number": 7, "pull_request": {}}}`, strings.Repeat("3", 40), "REGISTRY_URL="+s.url, "GITHUB_TOKEN="+forgetest.Token)
	r := publishCommit(t, dir, env)
	if r.code != 1 || !strings.Contains(r.stderr, headSHA) || !strings.Contains(r.stderr, "nothing was published") || len(gh.Comments(7)) != 0 {
		t.Errorf("%v\nwant a refusal that names both commits", r)
	}
	if got := exe(t, dir, cleanEnv(), "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", s.url+"/commits/"+sha).must(t); got.stdout != "404" {
		t.Errorf("the commit answers %s, want 404", got.stdout)
	}
}

// A run that somebody starts by hand finds the pull request of its branch; a release tells nobody, and names its tag.
func TestDispatchAndRelease(t *testing.T) {
	gh, s := forgetest.New(t), startServer(t, t.TempDir())
	dir, sha := checkout(t, workspace)
	gh.AddPull(forgetest.Pull{Number: 7, HeadSHA: sha, HeadRef: "feature", HeadRepo: "acme/ws", BaseRef: "main"})
	run := func(event, payload string) {
		t.Helper()
		publishCommit(t, dir, eventEnv(t, gh, event, payload, sha, "REGISTRY_URL="+s.url, "GITHUB_TOKEN="+forgetest.Token)).must(t)
	}
	run("release", `{"action": "published", "release": {"tag_name": "v1.2.3", "target_commitish": "main"}}`)
	if len(gh.Comments(7)) != 0 || len(gh.StatusesOf(sha)) != 1 {
		t.Errorf("after a release the comments are %+v, the statuses %+v", gh.Comments(7), gh.StatusesOf(sha))
	}
	run("workflow_dispatch", `{"ref": "refs/heads/feature", "inputs": {}}`)
	wants(t, theComment(t, gh), []string{"acme-cli@pr-7"})
	for _, ref := range []string{"pr-7", "tag:v1.2.3", "branch:feature"} {
		wants(t, exe(t, dir, cleanEnv(), "curl", "-s", s.url+"/acme/ws/acme-cli@"+ref+"?resolve").must(t).stdout, []string{`"sha":"` + sha + `"`})
	}
}
