package runner_test

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/action/runner"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/forge/forgetest/npmfile"
)

const (
	head  = "0123456789abcdef0123456789abcdef01234567"
	merge = "89abcdef0123456789abcdef0123456789abcdef"
	tip   = "fedcba9876543210fedcba9876543210fedcba98" // of the base branch
)

// event runs Event on a payload with an environment beside it.
func event(t *testing.T, name, payload string, env map[string]string) (runner.Context, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "event.json")
	if err := os.WriteFile(path, []byte(payload), 0o600); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{"GITHUB_EVENT_NAME": name, "GITHUB_EVENT_PATH": path, "GITHUB_SHA": merge}
	maps.Copy(all, env)
	return runner.New(runner.Options{Getenv: func(k string) string { return all[k] }}).Event()
}

func TestEvent(t *testing.T) {
	pull := func(headRepo string) string {
		return `{"repository":{"id":1,"full_name":"acme/ws"},"pull_request":{"number":7,
			"head":{"sha":"` + head + `","ref":"fix/it","repo":` + headRepo + `},"base":{"ref":"main","sha":"` + tip + `","repo":{"id":1}}}}`
	}
	run := func(event, branch, headRepo, pulls string) string {
		return `{"repository":{"id":1,"full_name":"acme/ws","default_branch":"main"},"workflow_run":{"event":"` + event + `",
			"head_sha":"` + head + `","head_branch":"` + branch + `","id":41,"run_attempt":2,"run_number":5,
			"head_repository":{"id":` + headRepo + `,"full_name":"stranger/ws"},"pull_requests":[` + pulls + `]}}`
	}
	const own = `{"number":7,"head":{"sha":"` + head + `"},"base":{"ref":"main","sha":"` + tip + `","repo":{"id":1}}}`
	const another = `{"number":8,"head":{"sha":"` + head + `"},"base":{"ref":"next","sha":"../..","repo":{"id":1}}}`
	const foreign = `{"number":3,"head":{"sha":"` + head + `"},"base":{"ref":"main","repo":{"id":2}}}`

	for _, tt := range []struct {
		name, event, payload string
		env                  map[string]string
		want                 runner.Context
	}{
		{"pull request", "pull_request", pull(`{"id":1}`), nil, runner.Context{
			HeadSHA: head, MergeSHA: merge, BaseRef: "main", BaseSHA: tip, Refs: []string{"pr/7", "branch/fix/it"}, PR: 7, Comment: true}},
		{"pull request of a fork", "pull_request", pull(`{"id":2}`), nil, runner.Context{
			HeadSHA: head, MergeSHA: merge, BaseRef: "main", BaseSHA: tip, Refs: []string{"pr/7"}, PR: 7, Fork: true, Comment: true}},
		{"pull request of a deleted fork", "pull_request", pull(`null`), nil, runner.Context{
			HeadSHA: head, MergeSHA: merge, BaseRef: "main", BaseSHA: tip, Refs: []string{"pr/7"}, PR: 7, Fork: true, Comment: true}},
		{"pull_request_target has no merge commit", "pull_request_target", pull(`{"id":2}`), nil, runner.Context{
			HeadSHA: head, BaseRef: "main", BaseSHA: tip, Refs: []string{"pr/7"}, PR: 7, Fork: true, Comment: true}},
		{"push to a branch", "push", `{"ref":"refs/heads/feat/x","before":"` + tip + `","after":"` + head + `","repository":{"default_branch":"main"}}`, nil, runner.Context{
			HeadSHA: head, Before: tip, DefaultBranch: "main", Refs: []string{"branch/feat/x"}, Comment: true}},
		{"push of a branch with a number for a name", "push", `{"ref":"refs/heads/7","before":"` + strings.Repeat("0", 40) + `","after":"` + head + `"}`, nil, runner.Context{
			HeadSHA: head, Refs: []string{"branch/7"}, Comment: true}},
		{"push of an annotated tag", "push", `{"ref":"refs/tags/v1","after":"` + merge + `","head_commit":{"id":"` + head + `"}}`, nil, runner.Context{
			HeadSHA: head, Refs: []string{"tag/v1"}}},
		{"push that deletes", "push", `{"ref":"refs/heads/x","after":"` + strings.Repeat("0", 40) + `","deleted":true}`, nil, runner.Context{Deleted: true}},
		{"push with an all-zero after", "push", `{"ref":"refs/heads/x","after":"` + strings.Repeat("0", 64) + `"}`, nil, runner.Context{Deleted: true}},
		{"dispatch on a branch", "workflow_dispatch", `{"ref":"refs/heads/main","inputs":{"a":1}}`, nil, runner.Context{
			HeadSHA: merge, Refs: []string{"branch/main"}, Comment: true}},
		{"dispatch on a tag", "workflow_dispatch", `{"ref":"refs/tags/v2"}`, nil, runner.Context{HeadSHA: merge, Refs: []string{"tag/v2"}}},
		{"run after a pull request", "workflow_run", run("pull_request", "fix", "1", foreign+","+own), nil, runner.Context{
			HeadSHA: head, BaseRef: "main", BaseSHA: tip, DefaultBranch: "main", Refs: []string{"pr/7", "branch/fix"}, PR: 7, Comment: true}},
		{"run of a head with two pull requests", "workflow_run", run("pull_request", "fix", "1", own+","+another), nil, runner.Context{
			HeadSHA: head, BaseRef: "main", BaseSHA: tip, DefaultBranch: "main", Refs: []string{"pr/7", "pr/8", "branch/fix"}, PR: 7,
			MorePulls: []runner.Pull{{Number: 8, BaseRef: "next"}}, Comment: true}},
		{"run after a fork's pull request", "workflow_run", run("pull_request", "main", "2", ""), nil, runner.Context{
			HeadSHA: head, DefaultBranch: "main", Fork: true, Source: &runner.Source{ID: 41, Attempt: 2, Number: 5, Owner: "stranger", Branch: "main"}, Comment: true}},
		{"run after a fork's push", "workflow_run", run("push", "main", "2", ""), nil, runner.Context{HeadSHA: head, DefaultBranch: "main", Fork: true, Comment: true}},
		{"run after a push to the default branch", "workflow_run", run("push", "main", "1", ""), nil, runner.Context{
			HeadSHA: head, DefaultBranch: "main", Refs: []string{"branch/main"}, Comment: true}},
		{"run after a push of what may be a tag", "workflow_run", run("push", "v1", "1", ""), nil, runner.Context{HeadSHA: head, DefaultBranch: "main", Comment: true}},
		{"merge group", "merge_group", `{"merge_group":{"head_sha":"` + head + `","base_ref":"refs/heads/rel/1","base_sha":"` + tip + `",
			"head_ref":"refs/heads/gh-readonly-queue/rel/1/pr-12-` + merge + `"}}`, nil, runner.Context{HeadSHA: head, BaseRef: "rel/1", BaseSHA: tip, PR: 12}},
		{"comment on a pull request", "issue_comment", `{"issue":{"number":9,"pull_request":{"url":"x"}}}`, nil, runner.Context{
			PR: 9, Refs: []string{"pr/9"}, Comment: true}},
		{"comment on an issue", "issue_comment", `{"issue":{"number":9}}`, nil, runner.Context{HeadSHA: merge}},
		{"release", "release", `{"action":"published","release":{"tag_name":"v1.2.3"}}`, nil, runner.Context{HeadSHA: merge, Refs: []string{"tag/v1.2.3"}}},
		{"release that is deleted", "release", `{"action":"deleted","release":{"tag_name":"v1"}}`, nil, runner.Context{Deleted: true}},
		{"schedule", "schedule", `{}`, map[string]string{"GITHUB_REF": "refs/heads/main"}, runner.Context{HeadSHA: merge, Refs: []string{"branch/main"}}},
		{"an Enterprise server", "schedule", `{}`, map[string]string{
			"GITHUB_SERVER_URL": "https://ghe.test/", "GITHUB_API_URL": "https://ghe.test/api/v3", "GITHUB_REPOSITORY": "o/r",
			"GITHUB_RUN_ID": "9007199254740993", "GITHUB_RUN_ATTEMPT": "2", "GITHUB_RUN_NUMBER": "41"},
			runner.Context{HeadSHA: merge, ServerURL: "https://ghe.test", APIURL: "https://ghe.test/api/v3", Repository: "o/r",
				RunID: 9007199254740993, RunAttempt: 2, RunNumber: 41}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := event(t, tt.event, tt.payload, tt.env)
			if err != nil {
				t.Fatal(err)
			}
			tt.want.EventName = tt.event
			if tt.want.ServerURL == "" {
				tt.want.ServerURL, tt.want.APIURL = "https://github.com", "https://api.github.com"
			}
			if tt.want.Repository == "" {
				got.Repository = ""
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Event (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEventRefuses(t *testing.T) {
	for _, tt := range []struct{ name, event, payload, sha string }{
		{"not JSON", "push", `{`, merge},
		{"another shape", "push", `{"ref":7}`, merge},
		{"pull request without one", "pull_request", `{}`, merge},
		{"short SHA", "push", `{"ref":"refs/heads/x","after":"0123"}`, merge},
		{"a SHA with more to it", "push", `{"ref":"refs/heads/x","after":"` + head + `\n::add-mask::x"}`, merge},
		{"no SHA", "schedule", `{}`, ""},
		{"merge group without one", "merge_group", `{}`, merge},
		{"run without one", "workflow_run", `{}`, merge},
		{"release without a tag", "release", `{"release":{}}`, merge},
		{"comment without an issue", "issue_comment", `{}`, merge},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := event(t, tt.event, tt.payload, map[string]string{"GITHUB_SHA": tt.sha})
			if !errors.Is(err, fault.Invalid) {
				t.Errorf("Event = %v, want a fault.Invalid", err)
			}
		})
	}
	if _, err := event(t, "push", `{}`, map[string]string{"GITHUB_RUN_ID": "many"}); !errors.Is(err, fault.Invalid) {
		t.Errorf("Event with a bad run id = %v, want a fault.Invalid", err)
	}
}

// TestEventExamples reads GitHub's own examples of the payloads.
func TestEventExamples(t *testing.T) {
	path, err := npmfile.Get(t.Context(), npmfile.File{
		Package: "@octokit/webhooks-examples", Version: "7.6.1", Path: "package/api.github.com/index.json", As: "index.json"})
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all []struct {
		Name     string            `json:"name"`
		Examples []json.RawMessage `json:"examples"`
	}
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, e := range all {
		for _, payload := range e.Examples {
			if check, ok := examples()[e.Name]; ok {
				c, err := event(t, e.Name, string(payload), nil)
				if err != nil {
					t.Errorf("%s: %v", e.Name, err)
				} else if !check(c) {
					t.Errorf("%s: Event = %+v", e.Name, c)
				}
				seen[e.Name]++
			}
		}
	}
	for name := range examples() {
		if seen[name] == 0 {
			t.Errorf("there is no example of %s", name)
		}
	}
}

// examples has, by event, what must hold of each of GitHub's examples.
func examples() map[string]func(runner.Context) bool {
	const pushed = "6113728f27ae82c7b1a177c8d03f9e96e0adf246"
	has := func(c runner.Context, refs ...string) bool { return cmp.Equal(c.Refs, refs) }
	return map[string]func(runner.Context) bool{
		"pull_request": func(c runner.Context) bool {
			return c.PR == 2 && c.HeadSHA == "ec26c3e57ca3a959ca5aad62de7213c562f8c821" && c.MergeSHA == merge &&
				has(c, "pr/2", "branch/changes") && !c.Fork && c.BaseRef == "master" && c.BaseSHA == "f95f852bd8fca8fcc58a9a2d6c842781e32a215e" && c.Repository == "Codertocat/Hello-World"
		},
		"push": func(c runner.Context) bool {
			return c.Deleted && c.HeadSHA == "" || c.HeadSHA == pushed && (has(c, "tag/simple-tag") && c.Before == "" || has(c, "branch/master") && c.Before == "" || len(c.Before) == 40)
		},
		"workflow_dispatch": func(c runner.Context) bool { return has(c, "branch/main") || has(c, "branch/master") },
		// One of them lists a pull request of another repository.
		"workflow_run": func(c runner.Context) bool { return c.PR == 0 && len(c.HeadSHA) == 40 },
		"merge_group": func(c runner.Context) bool {
			return c.PR == 104 && !c.Comment && c.BaseRef == "main" && len(c.BaseSHA) == 40 && c.Refs == nil
		},
		"issue_comment": func(c runner.Context) bool { return c.PR == 0 && !c.Comment },
		"release":       func(c runner.Context) bool { return c.Deleted || has(c, "tag/0.0.1") },
	}
}

func FuzzEvent(f *testing.F) {
	f.Add("push", `{"ref":"refs/heads/x","after":"`+head+`"}`)
	f.Add("pull_request", `{"pull_request":{"number":7,"head":{"sha":"`+head+`","ref":"x","repo":{"id":2}},"base":{"repo":{"id":1}}}}`)
	f.Add("workflow_run", `{"workflow_run":{"head_sha":"`+head+`","pull_requests":[{}]}}`)
	f.Add("merge_group", `{"merge_group":{"head_sha":"`+head+`","head_ref":"refs/heads/gh-readonly-queue/a/pr-99999999999999999999-0"}}`)
	f.Fuzz(func(t *testing.T, name, payload string) {
		c, err := event(t, name, payload, nil)
		if err != nil {
			return
		}
		if c.Fork {
			for _, ref := range c.Refs {
				if !strings.HasPrefix(ref, "pr/") {
					t.Errorf("a fork moves %q", ref)
				}
			}
		}
		if c.HeadSHA == "" && !c.Deleted && name != "issue_comment" {
			t.Errorf("Event = %+v, want a commit", c)
		}
	})
}
