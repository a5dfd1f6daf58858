package publish

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/forge/forgetest"
)

// A commit that is named beside the event's head gets neither its refs nor its pull requests, but its own.
func TestIdentifyNamedCommit(t *testing.T) {
	main, other, elsewhere := strings.Repeat("a", 40), strings.Repeat("b", 40), strings.Repeat("c", 40)
	const dispatch, comment, run = "workflow_dispatch", "issue_comment", "workflow_run"
	events := map[string]string{
		dispatch: `{"ref": "refs/heads/main"}`,
		comment:  `{"issue": {"number": 7, "pull_request": {}}}`,
		run: fmt.Sprintf(`{"repository": {"id": 1}, "workflow_run": {"id": 8, "event": "push", "head_sha": %q, "head_branch": "feature", "head_repository": {"id": 1},
			"pull_requests": [{"number": 7, "head": {"sha": %[1]q}, "base": {"ref": "main", "repo": {"id": 1}}}]}}`, main),
	}
	for _, tt := range []struct {
		event, named string
		want         string
		refs         []string
		pulls        []int
	}{
		{dispatch, "", main, []string{"branch/main", "pr/7"}, []int{7}},
		{dispatch, main, main, []string{"branch/main", "pr/7"}, []int{7}},
		{dispatch, "AAAAAAA", "aaaaaaa", []string{"branch/main", "pr/7"}, []int{7}},
		{dispatch, other, other, []string{"pr/8"}, []int{8}},
		{dispatch, elsewhere, elsewhere, nil, nil},
		{comment, "", main, []string{"pr/7"}, []int{7}},
		{comment, main, main, []string{"pr/7"}, []int{7}},
		{comment, other, other, nil, []int{7}}, // it was asked for there
		{run, "", main, []string{"pr/7"}, []int{7}},
		{run, other, other, []string{"pr/8"}, []int{8}},
	} {
		t.Run(fmt.Sprintf("%s of %.7s", tt.event, tt.named), func(t *testing.T) {
			b, gh := newBox(t), forgetest.New(t)
			gh.AddPull(forgetest.Pull{Number: 7, HeadSHA: main, BaseRef: "main"})
			gh.AddPull(forgetest.Pull{Number: 8, HeadSHA: other, BaseRef: "main"})
			if err := os.WriteFile(b.env["GITHUB_EVENT_PATH"], []byte(events[tt.event]), 0o644); err != nil {
				t.Fatal(err)
			}
			b.env["GITHUB_EVENT_NAME"], b.env["GITHUB_SHA"], b.env["GITHUB_REF"], b.env["GITHUB_API_URL"] = tt.event, main, "refs/heads/main", gh.URL
			b.opt.SHA, b.opt.GitHubToken, b.opt.Comment = tt.named, forgetest.Token, CommentUpdate
			src := b.identified()
			var pulls []int
			for _, p := range src.Pulls {
				pulls = append(pulls, p.Number)
			}
			if src.SHA != tt.want || !slices.Equal(src.Refs, tt.refs) || !slices.Equal(pulls, tt.pulls) {
				t.Errorf("the source is %s with %q and the pull requests %v, want %s with %q and %v", src.SHA, src.Refs, pulls, tt.want, tt.refs, tt.pulls)
			}
		})
	}
}

// A pull request's merge is the pull request's, too; of another commit it is not known what was merged.
func TestIdentifyNamedCommitOfPull(t *testing.T) {
	b := newBox(t)
	for named, want := range map[string]source{
		b.head:                  {SHA: b.head, MergeSHA: b.merge, Refs: []string{"pr/7", "branch/feature"}},
		b.merge:                 {SHA: b.merge, MergeSHA: b.merge, Refs: []string{"pr/7", "branch/feature"}},
		strings.Repeat("b", 40): {SHA: strings.Repeat("b", 40)},
		strings.Repeat("b", 7):  {SHA: strings.Repeat("b", 7)},
		strings.ToUpper(b.head): {SHA: b.head, MergeSHA: b.merge, Refs: []string{"pr/7", "branch/feature"}},
	} {
		b.opt.SHA = named
		if got := b.identified(); got.SHA != want.SHA || got.MergeSHA != want.MergeSHA || !slices.Equal(got.Refs, want.Refs) || got.PR != 7 {
			t.Errorf("with %s named the source is %+v, want %+v", named, got, want)
		}
	}
}

func (b *box) identified() source {
	b.t.Helper()
	j, cleanup, err := newJob(b.opt, Streams{Getenv: func(k string) string { return b.env[k] }, Stdout: b.t.Output(), Stderr: b.t.Output()})
	if err != nil {
		b.t.Fatal(err)
	}
	defer cleanup()
	if err := j.identify(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
	return j.source
}
