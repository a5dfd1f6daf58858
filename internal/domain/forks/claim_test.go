package forks_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/domain/forks"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/forge/forgetest"
	"github.com/org/registry-action/internal/format/provenance"
)

// The way of an honest run, with a token of the server's and without.
func TestProve(t *testing.T) {
	for _, token := range []string{forgetest.Token, ""} {
		w := newWorld(t, forks.Options{}, token)
		w.gh.Grant("", forgetest.Account{ReadOnly: true})
		c := w.claim()
		if d := c.Expires.Sub(w.Now()); d > 10*time.Minute || d < 9*time.Minute {
			t.Errorf("the claim is good for %s", d)
		}
		if strings.Contains(c.Artifact+string(c.Manifest), c.ID) {
			t.Error("what everybody sees has the claim's id")
		}
		_, err := w.Prove(t.Context(), c.ID)
		w.refused(err, fault.Forbidden, "proof_missing")
		w.attach(c)
		got, err := w.Prove(t.Context(), c.ID)
		if err != nil || got.Token != "token 1" || got.SHA != head || got.Ref != "pr/7" {
			t.Fatalf("Prove = %+v, %v", got, err)
		}
		want := provenance.Proof{
			Tier: provenance.Fork, Issuer: "https://github.com", Repository: "acme/ws", RepositoryID: forgetest.ID("acme/ws"), Event: "pull_request",
			Ref: "refs/pull/7/merge", SHA: head, Pull: pull, HeadRepo: fork, Author: "mallory", RunID: runID, RunAttempt: attempt,
			RunURL: "https://github.com/acme/ws/actions/runs/77", At: w.grants[0].Proof.At,
		}
		if diff := cmp.Diff(want, w.grants[0].Proof); diff != "" {
			t.Errorf("the proof (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(theClaim().Packages, w.grants[0].Packages); diff != "" || w.grants[0].Expires > 15*time.Minute {
			t.Errorf("the token is good for %s (-want +got):\n%s", w.grants[0].Expires, diff)
		}
		_, err = w.Prove(t.Context(), c.ID) // again
		w.refused(err, fault.NotFound, "unknown_claim")
		w.wantGrants(1)
	}
}

// change is a way in which a run, a pull request or a claim is not as it must be.
type change struct {
	run   func(*forgetest.Run)
	pull  func(*forgetest.Pull)
	claim func(*forks.Claim)
	code  string
	field string
}

func attacks() map[string]change {
	return map[string]change{
		"a run that is not there":          {claim: func(c *forks.Claim) { c.RunID = 78 }, code: "run_mismatch", field: "runId"},
		"a finished run":                   {run: func(r *forgetest.Run) { r.Status = "completed" }, code: "run_not_in_progress", field: "status"},
		"a run that waits":                 {run: func(r *forgetest.Run) { r.Status = "queued" }, code: "run_not_in_progress", field: "status"},
		"an attempt before the re-run":     {run: func(r *forgetest.Run) { r.Attempt = 2 }, code: "run_mismatch", field: "runAttempt"},
		"an attempt that is not yet":       {claim: func(c *forks.Claim) { c.RunAttempt = 2 }, code: "run_mismatch", field: "runAttempt"},
		"another event":                    {run: func(r *forgetest.Run) { r.Event = "pull_request_target" }, code: "run_mismatch", field: "event"},
		"a run about another commit":       {run: func(r *forgetest.Run) { r.HeadSHA = strings.Repeat("b", 40) }, code: "run_mismatch", field: "sha"},
		"a run of the repository itself":   {run: func(r *forgetest.Run) { r.HeadRepo = "acme/ws" }, code: "not_a_fork", field: "headRepositoryId"},
		"an old run":                       {run: func(r *forgetest.Run) { r.StartedAt = time.Now().Add(-7 * time.Hour) }, code: "run_mismatch", field: "startedAt"},
		"a closed pull request":            {pull: func(p *forgetest.Pull) { p.State = "closed" }, code: "pr_not_open", field: "pull"},
		"no such pull request":             {claim: func(c *forks.Claim) { c.Pull = 8 }, code: "pr_not_open", field: "pull"},
		"a head that has moved":            {pull: func(p *forgetest.Pull) { p.HeadSHA = strings.Repeat("c", 40) }, code: "head_moved", field: "sha"},
		"a pull request of another fork":   {pull: func(p *forgetest.Pull) { p.HeadRepo = "eve/ws" }, code: "run_mismatch", field: "headRepositoryId"},
		"a pull request of the repository": {pull: func(p *forgetest.Pull) { p.HeadRepo = "acme/ws" }, code: "run_mismatch", field: "headRepositoryId"},
		"a commit of somebody else's":      {claim: func(c *forks.Claim) { as(c, strings.Repeat("d", 40)) }, code: "run_mismatch", field: "sha"},
		"another forge":                    {claim: func(c *forks.Claim) { c.Repository = "https://evil.test/acme/ws" }, code: "wrong_forge", field: "repository"},
		"another repository":               {claim: func(c *forks.Claim) { c.Repository = "https://github.com/other/ws" }, code: "repo_not_enrolled", field: "repository"},
		"a repository that begins like it": {claim: func(c *forks.Claim) { c.Repository = "https://github.com/acme-evil/ws" }, code: "repo_not_enrolled", field: "repository"},
		"a name of another's":              {claim: func(c *forks.Claim) { c.Packages = []forks.Package{pack("react", 1)} }, code: "package_not_bound", field: "packages"},
		"more than a pull request may":     {claim: func(c *forks.Claim) { c.Packages[1].Size = 500 << 20 }, code: "quota", field: "size"},
		"sizes that overflow":              {claim: func(c *forks.Claim) { c.Packages[0].Size, c.Packages[1].Size = 1<<63-1, 1<<63-1 }, code: "quota", field: "size"},
	}
}

// as makes a claim one for another commit.
func as(c *forks.Claim, sha string) {
	c.SHA = sha
	for i := range c.Packages {
		c.Packages[i].Version = "0.0.0-commit.g" + sha[:10]
	}
}

func TestClaimRefuses(t *testing.T) {
	w := newWorld(t, forks.Options{}, forgetest.Token)
	for name, a := range attacks() {
		t.Run(name, func(t *testing.T) {
			w.t = t
			c := theClaim()
			w.change(a, &c)
			_, err := w.Claim(t.Context(), c)
			e := w.refused(err, fault.Forbidden, a.code)
			if e.Details["field"] != a.field || e.Details["expected"] == "" || e.Details["got"] == "" {
				t.Errorf("the refusal says %v, want the field %s, what was expected and what came", e.Details, a.field)
			}
		})
	}
}

func (w *world) change(a change, c *forks.Claim) {
	run, pr := theRun(), forgetest.Pull{Number: pull, HeadSHA: head, HeadRef: "fix", HeadRepo: fork, BaseRef: "main", Author: "mallory"}
	if a.run != nil {
		a.run(&run)
	}
	if a.pull != nil {
		a.pull(&pr)
	}
	if a.claim != nil {
		a.claim(c)
	}
	w.gh.PutRun(run)
	w.gh.SetPull(pr)
}

// What changes between the claim and its proof counts.
func TestProveLooksAgain(t *testing.T) {
	w := newWorld(t, forks.Options{}, forgetest.Token)
	for name, a := range attacks() {
		if a.claim != nil {
			continue
		}
		t.Run(name, func(t *testing.T) {
			w.t = t
			w.change(change{}, nil) // as it was
			c := w.claim()
			w.attach(c)
			w.change(a, nil)
			_, err := w.Prove(t.Context(), c.ID)
			e, ok := fault.Public(err)
			if code := map[bool]string{true: e.Code}[ok]; code != a.code && code != "proof_missing" { // an artifact says whose run it is of
				t.Errorf("Prove = %v, want %s", err, a.code)
			}
			w.wantGrants(0)
		})
	}
}

// Nothing is asked of the forge for what can be refused without.
func TestRefusedWithoutAsking(t *testing.T) {
	w := newWorld(t, forks.Options{}, forgetest.Token)
	for name, change := range map[string]func(*forks.Claim){
		"no packages":    func(c *forks.Claim) { c.Packages = nil },
		"not in order":   func(c *forks.Claim) { slices.Reverse(c.Packages) },
		"twice":          func(c *forks.Claim) { c.Packages[1] = c.Packages[0] },
		"a release":      func(c *forks.Claim) { c.Packages[0].Version = "1.0.0" },
		"no integrity":   func(c *forks.Claim) { c.Packages[0].Integrity = "" },
		"sha1":           func(c *forks.Claim) { c.Packages[0].Integrity = "sha1-AAAA" },
		"no size":        func(c *forks.Claim) { c.Packages[0].Size = 0 },
		"negative":       func(c *forks.Claim) { c.Packages[0].Size = -1 },
		"a Zig package":  func(c *forks.Claim) { c.Packages[0].Name = "zig:a" },
		"a path":         func(c *forks.Claim) { c.Packages[0].Name = "../a" },
		"a short commit": func(c *forks.Claim) { c.SHA = "aaaaaaa" },
		"no run":         func(c *forks.Claim) { c.RunID = 0 },
		"no attempt":     func(c *forks.Claim) { c.RunAttempt = -1 },
		"no pull":        func(c *forks.Claim) { c.Pull = 0 },
		"no such number": func(c *forks.Claim) { c.Pull = 1e9 + 1 },
		"upper case":     func(c *forks.Claim) { as(c, strings.Repeat("A", 40)) },
	} {
		c := theClaim()
		change(&c)
		_, err := w.Claim(t.Context(), c)
		if e, ok := fault.Public(err); !ok || e.Code != "invalid_claim" {
			t.Errorf("%s: Claim = %v, want invalid_claim", name, err)
		}
	}
	for _, repository := range []string{"", "acme/ws", "http://169.254.169.254/acme/ws", "https://github.com@evil.test/acme/ws", "https://github.com/acme/ws/../other", "file:///acme/ws"} {
		c := theClaim()
		c.Repository = repository
		_, err := w.Claim(t.Context(), c)
		w.refused(err, fault.Forbidden, "wrong_forge")
	}
	if got := w.gh.Requests(); len(got) > 0 {
		t.Errorf("the forge was asked %q", got)
	}
}

// A re-run, and a run that a maintainer has approved, are of other people: whose, does not matter.
func TestRerunsAndApprovals(t *testing.T) {
	w := newWorld(t, forks.Options{}, forgetest.Token)
	run := theRun()
	run.Attempt, run.Actor = 2, "maintainer"
	w.gh.PutRun(run)
	claim := theClaim()
	claim.RunAttempt = 2
	c, err := w.Claim(t.Context(), claim)
	if err != nil {
		t.Fatal(err)
	}
	w.attach(c)
	if _, err := w.Prove(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
	if got := w.grants[0].Proof.Author; got != "mallory" {
		t.Errorf("the author is %q, want who opened the pull request", got)
	}
}

// Of several claims of one run nobody spends another's, on any server.
func TestTwoClaimants(t *testing.T) {
	w := newWorld(t, forks.Options{}, forgetest.Token)
	stranger, honest := w.claim(), w.claim()
	w.attach(honest)
	_, err := w.Prove(t.Context(), stranger.ID)
	w.refused(err, fault.Forbidden, "proof_missing")
	results := make(chan error)
	for _, s := range []*forks.Service{w.Service, w.another()} {
		go func() {
			_, err := s.Prove(t.Context(), honest.ID)
			results <- err
		}()
	}
	one, two := <-results, <-results
	if (one == nil) == (two == nil) {
		t.Errorf("two that prove one claim: %v and %v, want one of them", one, two)
	}
	w.wantGrants(1)
}

func TestArtifacts(t *testing.T) {
	other := forgetest.Run{ID: 78, HeadSHA: head, HeadRepo: fork}
	w := newWorld(t, forks.Options{}, forgetest.Token)
	for name, tt := range map[string]struct {
		artifact func(w *world, c forks.Claimed) forgetest.Artifact
		code     string
	}{
		"of another run": {func(w *world, c forks.Claimed) forgetest.Artifact {
			w.gh.PutRun(other)
			return forgetest.Artifact{RunID: 78, Name: c.Artifact, Zip: zipped(w.t, c.Manifest)}
		}, "proof_missing"},
		"of before": {func(w *world, c forks.Claimed) forgetest.Artifact {
			return forgetest.Artifact{RunID: runID, Name: c.Artifact, Zip: zipped(w.t, c.Manifest), CreatedAt: w.Now().Add(-time.Hour)}
		}, "proof_missing"},
		"that has expired": {func(w *world, c forks.Claimed) forgetest.Artifact {
			return forgetest.Artifact{RunID: runID, Name: c.Artifact, Expired: true}
		}, "proof_missing"},
		"of another name": {func(w *world, c forks.Claimed) forgetest.Artifact {
			return forgetest.Artifact{RunID: runID, Name: c.Artifact + "x", Zip: zipped(w.t, c.Manifest)}
		}, "proof_missing"},
		"of other bytes": {func(w *world, c forks.Claimed) forgetest.Artifact {
			return forgetest.Artifact{RunID: runID, Name: c.Artifact, Zip: zipped(w.t, append(c.Manifest, ' '))}
		}, "digest_mismatch"},
		"that is huge": {func(w *world, c forks.Claimed) forgetest.Artifact {
			return forgetest.Artifact{RunID: runID, Name: c.Artifact, Zip: make([]byte, 1<<20)}
		}, "digest_mismatch"},
		"that is huge and lies": {func(w *world, c forks.Claimed) forgetest.Artifact {
			return forgetest.Artifact{RunID: runID, Name: c.Artifact, Zip: make([]byte, 1<<20), Size: 100}
		}, "digest_mismatch"},
		"that is a bomb": {func(w *world, c forks.Claimed) forgetest.Artifact {
			return forgetest.Artifact{RunID: runID, Name: c.Artifact, Zip: zipped(w.t, make([]byte, 1<<20))}
		}, "digest_mismatch"},
		"that is no zip": {func(w *world, c forks.Claimed) forgetest.Artifact {
			return forgetest.Artifact{RunID: runID, Name: c.Artifact, Zip: c.Manifest}
		}, "digest_mismatch"},
	} {
		t.Run(name, func(t *testing.T) {
			w.t, w.grants = t, nil
			c := w.claim()
			w.gh.AddArtifact(tt.artifact(w, c))
			_, err := w.Prove(t.Context(), c.ID)
			w.refused(err, fault.Forbidden, tt.code)
			w.wantGrants(0)
			w.attach(c) // the claim is still good
			if _, err := w.Prove(t.Context(), c.ID); err != nil && name != "of other bytes" && !strings.HasPrefix(name, "that is") {
				t.Errorf("with its artifact too: Prove = %v", err)
			}
		})
	}
}

// What is gone is no outage: the run may attach its artifact again.
func TestWhatIsGone(t *testing.T) {
	for _, route := range []string{forgetest.ListArtifacts, forgetest.DownloadArtifact} {
		w := newWorld(t, forks.Options{}, forgetest.Token)
		c := w.claim()
		w.attach(c)
		w.gh.Fail(forgetest.Fault{Route: route, Status: 404})
		_, err := w.Prove(t.Context(), c.ID)
		w.refused(err, fault.Forbidden, "proof_missing")
		if _, err := w.Prove(t.Context(), c.ID); err != nil {
			t.Errorf("when it is there again: %v", err)
		}
	}
	w := newWorld(t, forks.Options{}, forgetest.Token)
	w.needs.Names = func(context.Context, string) ([]string, error) { return nil, fault.New(fault.NotFound, "nothing") }
	_, err := w.another().Claim(t.Context(), theClaim())
	w.refused(err, fault.Forbidden, "package_not_bound")
	w.needs.Forge = closed{w.needs.Forge}
	w.opt.Packages = []string{"*"}
	_, err = w.another().Claim(t.Context(), theClaim())
	w.refused(err, fault.Forbidden, "app_not_installed")
}

// While the forge can't be asked nobody is let in, and who asks hears when to come back.
func TestOutage(t *testing.T) {
	faults := map[string]forgetest.Fault{
		"an error":          {Status: 500, Times: 100},
		"no connection":     {Status: 0, Times: 100},
		"a rate limit":      {Status: 429, Header: map[string][]string{"Retry-After": {"90"}}},
		"a refused token":   {Status: 401},
		"a token too small": {Status: 403},
	}
	for name, f := range faults {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, forks.Options{}, forgetest.Token)
			for _, route := range []string{forgetest.GetRun, forgetest.GetPull} {
				f.Route = route
				w.gh.Fail(f)
			}
			_, err := w.Claim(t.Context(), theClaim())
			if e := w.refused(err, fault.Unavailable, "upstream_unavailable"); fault.Wait(e) < 10*time.Second || f.Status == 429 && fault.Wait(e) != 90*time.Second {
				t.Errorf("it asks to wait %s", fault.Wait(e))
			}
		})
		for _, route := range []string{forgetest.ListArtifacts, forgetest.DownloadArtifact, forgetest.GetRun, forgetest.GetPull} {
			w := newWorld(t, forks.Options{}, forgetest.Token)
			c := w.claim()
			w.attach(c)
			f.Route = route
			w.gh.Fail(f)
			_, err := w.Prove(t.Context(), c.ID)
			w.refused(err, fault.Unavailable, "upstream_unavailable")
			w.wantGrants(0)
		}
	}
	w := newWorld(t, forks.Options{}, "expired")
	_, err := w.Claim(t.Context(), theClaim())
	w.refused(err, fault.Unavailable, "upstream_unavailable")
}

func TestQuota(t *testing.T) {
	w := newWorld(t, forks.Options{Bytes: 7000}, forgetest.Token)
	prove := func() error {
		c := w.claim()
		w.attach(c)
		_, err := w.Prove(t.Context(), c.ID)
		return err
	}
	for range 2 {
		if err := prove(); err != nil {
			t.Fatal(err)
		}
	}
	w.refused(prove(), fault.Forbidden, "quota")
	w.Pass(25 * time.Hour)
	run := theRun()
	run.StartedAt = w.Now()
	w.gh.PutRun(run)
	if err := prove(); err != nil {
		t.Errorf("on another day: %v", err)
	}
	w = newWorld(t, forks.Options{PerDay: 3}, forgetest.Token)
	if err := prove(); err != nil {
		t.Fatal(err)
	}
	w.refused(prove(), fault.Forbidden, "quota")
}

// Who opens many pull requests fills the disk with no more than some of them may.
func TestQuotaOfARepository(t *testing.T) {
	w := newWorld(t, forks.Options{Bytes: 3000}, forgetest.Token)
	prove := func(pull int) error {
		w.gh.AddPull(forgetest.Pull{Number: pull, HeadSHA: head, HeadRef: "fix", HeadRepo: fork, BaseRef: "main", Author: "mallory"})
		claim := theClaim()
		claim.Pull = pull
		c, err := w.Claim(t.Context(), claim)
		if err != nil {
			t.Fatal(err)
		}
		w.attach(c)
		_, err = w.Prove(t.Context(), c.ID)
		return err
	}
	for n := range 10 {
		if err := prove(100 + n); err != nil {
			t.Fatal(err)
		}
	}
	if e := w.refused(prove(200), fault.Forbidden, "quota"); e.Details["expected"] != "30000" {
		t.Errorf("the refusal says %v", e.Details)
	}
	w.wantGrants(10)
	w.Pass(25 * time.Hour)
	run := theRun()
	run.StartedAt = w.Now()
	w.gh.PutRun(run)
	if err := prove(300); err != nil {
		t.Errorf("on another day: %v", err)
	}
}

func TestRates(t *testing.T) {
	w := newWorld(t, forks.Options{}, forgetest.Token)
	c := theClaim()
	try := func(addr string, pull int) error {
		c.Addr, c.Pull = netip.MustParseAddr(addr), pull
		_, err := w.Claim(t.Context(), c)
		return err
	}
	for n := range 60 {
		if err := try("203.0.113.7", 1000+n); err == nil {
			t.Fatal("a claim for another pull request was taken")
		}
	}
	asked := len(w.gh.Requests())
	if e := w.refused(try("203.0.113.7", pull), fault.Unavailable, "rate_limited"); fault.Wait(e) > time.Hour {
		t.Errorf("it asks to wait %s", fault.Wait(e))
	}
	if got := len(w.gh.Requests()); got != asked {
		t.Errorf("the forge was asked %d times more", got-asked)
	}
	if err := try("203.0.113.8", pull); err != nil {
		t.Errorf("from another address: %v", err)
	}
	for n := range 60 {
		_ = try(fmt.Sprintf("2001:db8:0:%x::1", n), pull)
	}
	w.refused(try("203.0.113.9", pull), fault.Unavailable, "rate_limited")
	w.Pass(time.Hour)
	if err := try("203.0.113.7", pull); err != nil {
		t.Errorf("an hour later: %v", err)
	}
	for n := range 60 { // one household has many addresses
		_ = try(fmt.Sprintf("2001:db8::%x", n+1), 2000+n)
	}
	w.refused(try("2001:db8::ffff", 3000), fault.Unavailable, "rate_limited")
}

// Who has a claim on a run, which takes no more than what anybody can look up, can't spend the forge's patience by it.
func TestProofsAreCounted(t *testing.T) {
	w := newWorld(t, forks.Options{}, forgetest.Token)
	c := w.claim()
	for n := range 29 {
		if _, err := w.Prove(t.Context(), c.ID); err == nil {
			t.Fatal("proven without an artifact")
		} else if e, ok := fault.Public(err); !ok || e.Code != "proof_missing" {
			t.Fatalf("proof %d: %v", n, err)
		}
	}
	other := w.claim()
	w.attach(c)
	if _, err := w.Prove(t.Context(), c.ID); err != nil {
		t.Errorf("the last that may: %v", err)
	}
	for range 30 {
		_, _ = w.Prove(t.Context(), other.ID)
	}
	asked := len(w.gh.Requests())
	w.attach(other)
	_, err := w.Prove(t.Context(), other.ID)
	w.refused(err, fault.NotFound, "unknown_claim")
	if got := len(w.gh.Requests()); got != asked {
		t.Errorf("the forge was asked %d times more", got-asked)
	}
	next := w.claim()
	w.attach(next)
	if _, err := w.Prove(t.Context(), next.ID); err != nil {
		t.Errorf("another claim: %v", err)
	}
}

func TestClaimsExpire(t *testing.T) {
	w := newWorld(t, forks.Options{}, forgetest.Token)
	c := w.claim()
	w.attach(c)
	w.Pass(11 * time.Minute)
	_, err := w.Prove(t.Context(), c.ID)
	w.refused(err, fault.NotFound, "unknown_claim")
	for _, id := range []string{"", "x", strings.Repeat("x", 5000), "a\x00b"} {
		_, err := w.Prove(t.Context(), id)
		w.refused(err, fault.NotFound, "unknown_claim")
	}
}

func TestTheManifest(t *testing.T) {
	w := newWorld(t, forks.Options{}, forgetest.Token)
	c := w.claim()
	var m map[string]any
	if err := json.Unmarshal(c.Manifest, &m); err != nil {
		t.Fatal(err)
	}
	if m["sha"] != head || m["pull"] != 7.0 || m["runId"] != 77.0 || len(m["packages"].([]any)) != 2 {
		t.Errorf("claim.json is %s", c.Manifest)
	}
	claim := theClaim()
	claim.Packages = nil
	for n := range 900 {
		claim.Packages = append(claim.Packages, pack(fmt.Sprintf("@acme/%0100d", n), 1))
	}
	w.opt.Packages = []string{"@acme/*"}
	_, err := w.another().Claim(t.Context(), claim)
	if e, ok := fault.Public(err); !ok || e.Kind != fault.TooLarge {
		t.Errorf("a manifest of many long names: %v, want fault.TooLarge", err)
	}
	claim.Packages = []forks.Package{pack("@acme/new", 1)}
	if _, err := w.another().Claim(t.Context(), claim); err != nil {
		t.Errorf("a name that the operator lets them: %v", err)
	}
}

func TestNewRefuses(t *testing.T) {
	for _, o := range []forks.Options{{Repositories: []string{"acme"}}, {Repositories: []string{"https://github.com/acme/ws"}}, {Repositories: []string{"*/ws"}}, {Packages: []string{"@acme"}}, {Packages: []string{"a b"}}} {
		if _, err := forks.New(nil, forks.Needs{}, o); err == nil {
			t.Errorf("New(%+v) = nil", o)
		}
	}
	for _, o := range []forks.Options{{}, {Repositories: []string{"*", "acme/*", "acme/ws"}, Packages: []string{"*", "@acme/*", "tool-*", "a"}}} {
		if _, err := forks.New(nil, forks.Needs{}, o); err != nil {
			t.Errorf("New(%+v) = %v", o, err)
		}
	}
}
