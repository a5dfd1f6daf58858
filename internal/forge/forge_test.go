package forge_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/org/registry-action/internal/forge"
	"github.com/org/registry-action/internal/forge/forgetest"
)

const bot = "github-actions[bot]"

// start gives a stand-in that has pull request 7.
func start(t *testing.T) *forgetest.Server {
	t.Helper()
	srv := forgetest.New(t)
	srv.AddPull(forgetest.Pull{Number: 7, HeadSHA: sha(1), HeadRef: "fix", HeadRepo: "acme/ws", BaseRef: "main"})
	return srv
}

// sha makes a commit's name.
func sha(n int) string { return fmt.Sprintf("%040x", n) }

// pauses collects what a client waited for instead of waiting.
type pauses struct {
	mu  sync.Mutex
	all []time.Duration
}

func (p *pauses) wait(ctx context.Context, d time.Duration) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all = append(p.all, d)
	return ctx.Err()
}

// client gives a client with a token; it never really waits.
func client(t *testing.T, srv *forgetest.Server, token string) (*forge.Client, *pauses) {
	t.Helper()
	p := &pauses{}
	c, err := forge.New(forge.Options{
		APIURL: srv.URL, Token: token, Owner: forgetest.Owner, Repo: forgetest.Repo, UserAgent: "publish-commit/test",
		Now: func() time.Time { return time.Unix(1_800_000_000, 0) }, Wait: p.wait,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c, p
}

// comment is what run number n says on pull request 7.
func comment(n int64) forge.Comment {
	return forge.Comment{PR: 7, Body: fmt.Sprintf("run %d", n), State: forge.State{RunID: 1000 + n, Attempt: 1, RunNumber: n, SHA: sha(int(n))}}
}

// upsert must succeed.
func upsert(t *testing.T, c *forge.Client, cm forge.Comment) forge.Result {
	t.Helper()
	res, err := c.Upsert(t.Context(), cm)
	if err != nil {
		t.Fatalf("Upsert(run %d) = %v", cm.State.RunNumber, err)
	}
	return res
}

// wantOne checks that exactly one marked comment by login stands, with a text.
func wantOne(t *testing.T, srv *forgetest.Server, login, text string) forgetest.Comment {
	t.Helper()
	var found []forgetest.Comment
	for _, c := range srv.Comments(7) {
		if c.Login == login && strings.HasPrefix(c.Body, "<!-- registry-action:v1 ") {
			found = append(found, c)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d comments of ours stand, want 1: %+v", len(found), found)
	}
	if !strings.HasSuffix(found[0].Body, "\n"+text) {
		t.Fatalf("the comment is %q, want it to end in %q", found[0].Body, text)
	}
	return found[0]
}

// count returns how often a route was asked for.
func count(srv *forgetest.Server, route string) (n int) {
	for _, r := range srv.Requests() {
		if r == route {
			n++
		}
	}
	return n
}
