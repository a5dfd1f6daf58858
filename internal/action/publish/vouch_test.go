package publish

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/forge/forgetest"
)

// newAfter is the job of a run of workflow_run that has what the run of a fork's pull request has packed, and no clone.
func newAfter(t *testing.T) (*box, *forgetest.Server) {
	t.Helper()
	b := newBox(t)
	out := filepath.Join(t.TempDir(), "dist")
	b.pull(2)
	b.opt.SHA = b.head
	if err := Pack(t.Context(), b.opt.PackOptions, out, false, Streams{Getenv: func(k string) string { return b.env[k] }, Stdout: os.Stderr, Stderr: os.Stderr}); err != nil {
		t.Fatal(err)
	}
	b.opt.SHA, b.opt.Dir, b.opt.Paths = "", out, []string{"*.tgz"}
	gh := forgetest.New(t)
	gh.AddPull(forgetest.Pull{Number: 7, HeadSHA: b.head, HeadRef: "feature", HeadRepo: "stranger/ws", BaseRef: "main", Author: "stranger"})
	event := fmt.Sprintf(`{"repository": {"id": 1, "full_name": "acme/ws", "default_branch": "main"}, "workflow_run": {"id": 77, "run_attempt": 2, "run_number": 5, "event": "pull_request",
		"head_sha": %q, "head_branch": "feature", "head_repository": {"id": 2, "full_name": "stranger/ws"}, "pull_requests": []}}`, b.head)
	if err := os.WriteFile(b.env["GITHUB_EVENT_PATH"], []byte(event), 0o644); err != nil {
		t.Fatal(err)
	}
	b.env["GITHUB_EVENT_NAME"], b.env["GITHUB_REF"], b.env["GITHUB_API_URL"] = "workflow_run", "refs/heads/main", gh.URL
	b.opt.GitHubToken, b.opt.Comment = forgetest.Token, CommentUpdate
	b.grantOIDC()
	return b, gh
}

// The run says whose packages they are, and which run has built them; it comments, as the fork's run may not.
func TestVouch(t *testing.T) {
	b, gh := newAfter(t)
	log, err := b.publish()
	if err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	r := b.registry
	if len(r.claims) != 1 || len(r.exchanges) != 0 || !slices.Equal(r.ids, []string{"id-1"}) {
		t.Fatalf("claimed %+v with %q, exchanged %+v", r.claims, r.ids, r.exchanges)
	}
	c := r.claims[0]
	if c.Repository != "https://github.com/acme/ws" || c.RunID != 77 || c.RunAttempt != 2 || c.SHA != b.head || c.Pull != 7 || len(c.Packages) != 1 || c.Packages[0].Name != "@acme/core" {
		t.Errorf("the claim is %+v", c)
	}
	if len(r.published) != 1 || r.by[0] != "minted-fork-1" || !slices.Equal(r.published[0].Refs, []string{"pr/7"}) || r.published[0].SHA != b.head || r.published[0].Run.ID != 77 {
		t.Fatalf("published %+v by %q", r.published, r.by)
	}
	comments := gh.Comments(7)
	if len(comments) != 1 || !strings.Contains(comments[0].Body, "Built from fork code by `@stranger`, unreviewed") || !strings.Contains(comments[0].Body, "@acme/core") {
		t.Errorf("the comments are %+v", comments)
	}
	if len(gh.Statuses()) != 0 || !slices.Equal(r.ended, []string{"minted-fork-1"}) || strings.Contains(strings.ReplaceAll(log, "::add-mask::id-1", ""), "id-1") {
		t.Errorf("statuses %v, revoked %q\n%s", gh.Statuses(), r.ended, log)
	}
}

// What can't be vouched for is told before anything is sent, and fails nobody's run.
func TestVouchWithout(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*box, *forgetest.Server)
		want   string
	}{
		"a pull request that is closed": {func(b *box, gh *forgetest.Server) {
			gh.SetPull(forgetest.Pull{Number: 7, HeadSHA: b.head, HeadRef: "feature", HeadRepo: "stranger/ws", BaseRef: "main", State: "closed"})
		}, "no open pull request has"},
		"a head that has moved": {func(_ *box, gh *forgetest.Server) { gh.MovePull(7, strings.Repeat("c", 40)) }, "no open pull request has"},
		"no github-token":       {func(b *box, _ *forgetest.Server) { b.opt.GitHubToken = "" }, "github-token"},
		"no id-token": {func(b *box, _ *forgetest.Server) {
			delete(b.env, "ACTIONS_ID_TOKEN_REQUEST_URL")
			b.opt.Auth = AuthFork
		}, "id-token: write"},
		"an older registry": {func(b *box, _ *forgetest.Server) { b.registry.noVouch = true }, "takes no packages from forks"},
		"a refusal": {func(b *box, _ *forgetest.Server) {
			b.registry.refusal, b.registry.status = refused, http.StatusForbidden
		}, "no policy fits"},
	} {
		t.Run(name, func(t *testing.T) {
			b, gh := newAfter(t)
			tt.change(b, gh)
			log, err := b.publish()
			if err != nil || !strings.Contains(log, "::notice::") || !strings.Contains(log, tt.want) {
				t.Errorf("%v, want a notice that says %q\n%s", err, tt.want, log)
			}
			if len(b.registry.published) != 0 || len(b.registry.exchanges) != 0 || len(gh.Comments(7)) != 0 {
				t.Errorf("published %+v, exchanged %+v, comments %+v", b.registry.published, b.registry.exchanges, gh.Comments(7))
			}
			b.opt.FailOnFork = true
			if _, err := b.publish(); err == nil {
				t.Error("with fail-on-fork it passes")
			}
		})
	}
}
