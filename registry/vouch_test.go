package registry_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/domain/trust/issuertest"
	"github.com/org/registry-action/internal/forge/forgetest"
	"github.com/org/registry-action/internal/wire"
	"github.com/org/registry-action/registry"
)

// vouching is a server that lets runs of workflow_run of acme/ws vouch for its forks, of which one has run.
func vouching(t *testing.T, events ...string) (forked, *issuertest.Issuer) {
	t.Helper()
	issuer := issuertest.New(t)
	f := startForked(t, registry.Config{Issuers: []string{issuer.URL + ";forge=https://github.com"}})
	f.gh.PutRun(forgetest.Run{ID: forkRun, HeadSHA: forkSHA, HeadRepo: "mallory/ws", Actor: "mallory", Status: "completed"})
	body, err := json.Marshal(wire.NewTrust{Repository: "acme/ws", Events: events, RepositoryID: forgetest.ID("acme/ws"), OwnerID: issuertest.OwnerID})
	if err != nil {
		t.Fatal(err)
	}
	if a := f.request(http.MethodPost, "/-/admin/trust", strings.NewReader(string(body)), bearer(serverToken)); a.StatusCode != http.StatusCreated {
		t.Fatalf("binding answers %d %s", a.StatusCode, a.body)
	}
	return f, issuer
}

// afterFork are the claims of the run that comes after the fork's.
func afterFork() issuertest.Claims {
	return issuertest.Push("acme/ws", mainSHA).With(issuertest.Claims{"event_name": "workflow_run", "repository_id": fmt.Sprint(forgetest.ID("acme/ws"))})
}

func (f forked) vouch(token string, c wire.Claim) answer {
	f.t.Helper()
	body, err := json.Marshal(c)
	if err != nil {
		f.t.Fatal(err)
	}
	return f.request(http.MethodPost, "/-/ci/v1/claims/vouched", strings.NewReader(string(body)), bearer(token), "Content-Type: application/json")
}

// What a fork's run has packed is published by a run of the repository, as the fork's.
func TestVouchedFork(t *testing.T) {
	f, issuer := vouching(t, "workflow_run")
	packages := built(t, script)
	token := issuer.Token(audience, afterFork())
	a := f.vouch(token, claimOf(packages))
	var got wire.Exchanged
	f.decode(a, http.StatusCreated, &got)
	if got.Tier != "fork" || got.SHA != forkSHA || strings.Join(got.Refs, " ") != "pr/7" || a.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("the answer is %s", a.body)
	}
	f.decode(f.vouch(token, claimOf(packages)), http.StatusForbidden, new(wire.Refusal)) // each token once

	// It is good for what any fork's token is.
	other := built(t, `,"description":"other bytes"`)
	for name, a := range map[string]answer{
		"other bytes":    f.publishAs(got.Token, other),
		"another ref":    f.publishAs(got.Token, packages, "ref", "branch/main"),
		"another pull":   f.publishAs(got.Token, packages, "ref", "pr/8"),
		"another commit": f.publishAs(got.Token, packages, "sha", mainSHA),
	} {
		if a.StatusCode < 400 {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.body)
		}
	}
	if a := f.publishAs(got.Token, packages); a.StatusCode != http.StatusCreated {
		t.Fatalf("publishing answers %d %s", a.StatusCode, a.body)
	}
	if a := f.request(http.MethodGet, "/acme/ws/@acme/ui@pr-7?resolve", nil); !strings.Contains(string(a.body), forkSHA) {
		t.Errorf("@pr-7 resolves to %s", a.body)
	}
	if a := f.request(http.MethodGet, "/acme/ws/@acme/ui@branch:main?resolve", nil); strings.Contains(string(a.body), forkSHA) {
		t.Errorf("the branch resolves to %s", a.body)
	}
	if log := f.log.String(); !strings.Contains(log, `msg=audit who="acme/ws run 4711" action=vouch target=https://github.com/acme/ws`) || strings.Contains(log, got.Token) || strings.Contains(log, token) {
		t.Error("the audit lacks the run that vouched, or the log has a token")
	}
}

func TestVouchAttacks(t *testing.T) {
	f, issuer := vouching(t, "push", "pull_request", "workflow_run")
	claim := func(change func(*wire.Claim)) wire.Claim {
		c := claimOf(built(t, ""))
		if change != nil {
			change(&c)
		}
		return c
	}
	with := func(more issuertest.Claims) string { return issuer.Token(audience, afterFork().With(more)) }
	stranger := issuertest.New(t)
	for name, tt := range map[string]struct {
		token  string
		claim  wire.Claim
		status int
		field  string
	}{
		"nobody":                    {"", claim(nil), 401, ""},
		"the server's own token":    {serverToken, claim(nil), 401, ""},
		"another issuer":            {stranger.Token(audience, afterFork()), claim(nil), 401, "iss"},
		"a push":                    {with(issuertest.Claims{"event_name": "push"}), claim(nil), 403, "event_name"},
		"a pull request":            {with(issuertest.Claims{"event_name": "pull_request"}), claim(nil), 403, "event_name"},
		"the fork's own run":        {with(issuertest.Claims{"repository": "mallory/ws", "repository_id": "9"}), claim(nil), 403, "repository"},
		"the fork for itself":       {with(issuertest.Claims{"repository": "mallory/ws", "repository_id": "9"}), claim(func(c *wire.Claim) { c.Repository = "https://github.com/mallory/ws" }), 403, "repository_id"},
		"another branch's workflow": {with(issuertest.Claims{"ref": "refs/heads/topic", "workflow_ref": "acme/ws/.github/workflows/x.yml@refs/heads/topic", "job_workflow_ref": "acme/ws/.github/workflows/x.yml@refs/heads/topic"}), claim(nil), 403, "ref"},
		"a run that is not there":   {with(nil), claim(func(c *wire.Claim) { c.RunID = 78 }), 403, "runId"},
		"another pull request":      {with(nil), claim(func(c *wire.Claim) { c.Pull = 8 }), 403, "pull"},
		"a name of another's":       {with(nil), claim(func(c *wire.Claim) { c.Packages[0].Name = "@acme/aaa" }), 403, "packages"},
	} {
		a := f.vouch(tt.token, tt.claim)
		var got wire.Refusal
		f.decode(a, tt.status, &got)
		if got.Field != tt.field || got.Code == "" {
			t.Errorf("%s: %s, want the field %q", name, a.body, tt.field)
		}
		if tt.token != "" && strings.Contains(string(a.body), tt.token) {
			t.Errorf("%s: the answer has the token", name)
		}
	}
	// A policy for that event gives nothing else.
	for _, body := range []string{`{}`, `{"packages": ["@acme/core"]}`, `{"packages": ["@acme/core"], "tier": "preview"}`} {
		var got wire.Refusal
		f.decode(f.exchange(with(nil), body), http.StatusForbidden, &got)
		if got.Field != "event_name" {
			t.Errorf("the exchange of %s refuses with %+v", body, got)
		}
	}
}

func TestVouchNeedsAPolicyForIt(t *testing.T) {
	f, issuer := vouching(t) // the events of previews
	var got wire.Refusal
	f.decode(f.vouch(issuer.Token(audience, afterFork()), claimOf(built(t, ""))), http.StatusForbidden, &got)
	if got.Field != "event_name" || got.Got != "workflow_run" {
		t.Errorf("refused with %+v", got)
	}
}
