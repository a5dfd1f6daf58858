package publish

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/report"
	"github.com/org/registry-action/internal/wire"
)

// newFork is the job of a fork's pull request.
func newFork(t *testing.T) *box {
	t.Helper()
	b := newBox(t)
	b.pull(2)
	b.grantArtifacts()
	b.opt.Auth = AuthFork
	return b
}

// A fork's run says which run it is, attaches what the registry asks for, and publishes with what it gets.
func TestFork(t *testing.T) {
	b := newFork(t)
	b.registry.prove = func(n int) (int, any) {
		if n < 4 {
			return http.StatusConflict, wire.Error{Error: "no such artifact yet", Code: "proof_missing"}
		}
		return 0, nil
	}
	log, err := b.publish()
	if err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	r := b.registry
	c := r.claims[0]
	if len(r.claims) != 1 || c.RunID != 9001 || c.RunAttempt != 1 || c.SHA != b.head || c.Pull != 7 || c.Repository != "https://github.com/acme/ws" {
		t.Errorf("claimed %+v", r.claims)
	}
	if len(c.Packages) != 1 || c.Packages[0].Name != "@acme/core" || c.Packages[0].Size == 0 || c.Packages[0].Integrity != r.published[0].Packages[0].Integrity {
		t.Errorf("claimed %+v, published %+v", c.Packages, r.published[0].Packages)
	}
	if r.proofs != 4 || len(r.artifacts) != 1 || r.by[0] != "minted-fork-1" || !slices.Equal(r.published[0].Refs, []string{"pr/7"}) || !slices.Equal(r.ended, []string{"minted-fork-1"}) {
		t.Errorf("%d proofs, %d artifacts, published %+v by %q, revoked %q", r.proofs, len(r.artifacts), r.published, r.by, r.ended)
	}
	if mask := "::add-mask::minted-fork-1"; strings.Contains(strings.ReplaceAll(log, mask, ""), "minted-fork-1") {
		t.Errorf("the token is told:\n%s", log)
	}
}

// Who opens a pull request from a fork can do nothing about a refusal: the run passes, and says why.
func TestForkIsRefused(t *testing.T) {
	b := newFork(t)
	b.registry.refusal, b.registry.status = &wire.Refusal{
		Error: wire.Error{Error: "acme/ws takes no previews from forks", Code: "repo_not_enrolled"}, Field: "repository", Expected: "one that is enrolled", Got: "acme/ws",
	}, http.StatusForbidden
	log, err := b.publish()
	if err != nil || !strings.Contains(log, "::notice::Nothing was published") || !strings.Contains(log, "takes no previews from forks") {
		t.Errorf("%v\n%s\nwant a notice that says why", err, log)
	}
	if !strings.Contains(b.file("GITHUB_STEP_SUMMARY"), "takes no previews from forks") || !strings.Contains(b.file("GITHUB_OUTPUT"), "packages<<") {
		t.Errorf("the summary is %q, the outputs %q", b.file("GITHUB_STEP_SUMMARY"), b.file("GITHUB_OUTPUT"))
	}
	b.opt.FailOnFork = true
	if _, err := b.publish(); err == nil {
		t.Error("fail-on-fork does not fail")
	}
}

// A run of the repository itself that is refused is red.
func TestOwnRunIsRefused(t *testing.T) {
	b := newBox(t)
	b.grantOIDC()
	b.registry.refusal, b.registry.status = refused, http.StatusForbidden
	if _, err := b.publish(); err == nil {
		t.Error("the run passes")
	}
}

// A fork that does not even build is red, as it is for everybody.
func TestForkDoesNotPack(t *testing.T) {
	b := newFork(t)
	b.opt.Paths = []string{"no-such-package"}
	if _, err := b.publish(); err == nil || len(b.registry.claims) != 0 {
		t.Errorf("%v", err)
	}
}

func TestArtifactIsNeverListed(t *testing.T) {
	b := newFork(t)
	b.opt.FailOnFork = true
	b.registry.prove = func(int) (int, any) {
		return http.StatusConflict, wire.Error{Error: "no such artifact", Code: "proof_missing"}
	}
	if _, err := b.publish(); err == nil || !strings.Contains(err.Error(), "no such artifact") || b.registry.proofs > 20 {
		t.Errorf("%v after %d looks", err, b.registry.proofs)
	}
}

// The answer to a proof can be lost: the claim is then spent, and made anew, once.
func TestClaimIsMadeAnew(t *testing.T) {
	b := newFork(t)
	b.registry.prove = func(n int) (int, any) {
		if n == 1 {
			return http.StatusNotFound, wire.Error{Error: "there is no such claim any more", Code: "unknown_claim"}
		}
		return 0, nil
	}
	if log, err := b.publish(); err != nil || len(b.registry.claims) != 2 || len(b.registry.published) != 1 {
		t.Errorf("%v, %d claims\n%s", err, len(b.registry.claims), log)
	}
}

// The manifest of a claim grows with it.
func TestClaimOfManyPackages(t *testing.T) {
	var claim wire.Claim
	for n := range 1000 {
		claim.Packages = append(claim.Packages, wire.ClaimedPackage{Name: fmt.Sprintf("@acme/package-%d", n), Integrity: "sha512-" + strings.Repeat("A", 86) + "=="})
	}
	if err := checkClaimed(claim, manifestOf(claim, 1)); err != nil {
		t.Error(err)
	}
}

// A registry can't have a run vouch for something else, nor leave artifacts that other workflows take for their own.
func TestHostileRegistry(t *testing.T) {
	change := func(f func(*wire.Claim)) func(wire.Claim) wire.Claimed {
		return func(c wire.Claim) wire.Claimed {
			c.Packages = slices.Clone(c.Packages)
			f(&c)
			return manifestOf(c, 1)
		}
	}
	for name, claimed := range map[string]func(wire.Claim) wire.Claimed{
		"another artifact": func(c wire.Claim) wire.Claimed { m := manifestOf(c, 1); m.Artifact = "packages"; return m },
		"a path": func(c wire.Claim) wire.Claimed {
			m := manifestOf(c, 1)
			m.Artifact = "registry-claim-../../0123456789abcdef"
			return m
		},
		"no claim": func(c wire.Claim) wire.Claimed { m := manifestOf(c, 1); m.Manifest = "#!/bin/sh"; return m },
		"a huge manifest": func(c wire.Claim) wire.Claimed {
			m := manifestOf(c, 1)
			m.Manifest += strings.Repeat(" ", 2*maxBeside)
			return m
		},
		"other bytes":   change(func(c *wire.Claim) { c.Packages[0].Integrity = "sha512-other" }),
		"more packages": change(func(c *wire.Claim) { c.Packages = append(c.Packages, wire.ClaimedPackage{Name: "@acme/other"}) }),
		"another run":   change(func(c *wire.Claim) { c.RunID++ }),
		"another sha":   change(func(c *wire.Claim) { c.SHA = strings.Repeat("0", 40) }),
	} {
		b := newFork(t)
		b.opt.FailOnFork, b.registry.claimed = true, claimed
		if _, err := b.publish(); err == nil || len(b.registry.artifacts) != 0 {
			t.Errorf("%s: %v, attached %+v", name, err, b.registry.artifacts)
		}
	}
}

// The registry may write the comment itself; the action writes none then.
func TestCommentByServer(t *testing.T) {
	var p wire.Published
	if err := json.Unmarshal([]byte(`{"comment": "server"}`), &p); err != nil || p.Comment != wire.CommentByServer {
		t.Fatal(err)
	}
	j := &job{opt: Options{Comment: CommentUpdate, GitHubToken: "x"}, source: source{PR: 7, Comment: true}, published: p, streams: Streams{Stderr: t.Output()}}
	if err := j.comments(t.Context(), report.Report{}); err != nil {
		t.Errorf("%v; want no attempt to reach GitHub", err)
	}
}
