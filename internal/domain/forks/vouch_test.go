package forks_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/domain/forks"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/forge/forgetest"
	"github.com/org/registry-action/internal/format/provenance"
)

func theVoucher() forks.Voucher {
	return forks.Voucher{RepositoryID: forgetest.ID("acme/ws"), Ref: "refs/heads/main"}
}

// over has the run of the fork end.
func over(r *forgetest.Run) { r.Status = "completed" }

// A run of the repository vouches for a fork's run, which may be over.
func TestVouched(t *testing.T) {
	for name, run := range map[string]func(*forgetest.Run){"over": over, "in progress": nil, "after a long wait": func(r *forgetest.Run) {
		r.Status, r.StartedAt = "completed", time.Now().Add(-11*time.Hour)
	}} {
		w := newWorld(t, forks.Options{}, forgetest.Token)
		w.change(change{run: run}, nil)
		got, err := w.Vouched(t.Context(), theClaim(), theVoucher())
		if err != nil || got.Token != "token 1" || got.SHA != head || got.Ref != "pr/7" {
			t.Fatalf("%s: Vouched = %+v, %v", name, got, err)
		}
		g := w.grants[0]
		if g.Proof.Tier != provenance.Fork || g.Proof.RunID != runID || g.Proof.Event != "pull_request" || g.Proof.Author != "mallory" || g.Ref != "pr/7" || g.Expires > 15*time.Minute {
			t.Errorf("%s: the grant is %+v", name, g)
		}
		if diff := cmp.Diff(theClaim().Packages, g.Packages); diff != "" {
			t.Errorf("%s: the packages (-want +got):\n%s", name, diff)
		}
	}
}

// All that a claim is refused for, but the end of the run.
func TestVouchedRefuses(t *testing.T) {
	w := newWorld(t, forks.Options{}, forgetest.Token)
	all := attacks()
	delete(all, "a finished run")
	delete(all, "an old run")
	all["a run that waits"] = change{run: func(r *forgetest.Run) { r.Status = "queued" }, code: "run_mismatch", field: "status"}
	all["a run of another day"] = change{run: func(r *forgetest.Run) { r.StartedAt = time.Now().Add(-13 * time.Hour) }, code: "run_mismatch", field: "startedAt"}
	all["a push"] = change{run: func(r *forgetest.Run) { r.Event = "push" }, code: "run_mismatch", field: "event"}
	for name, a := range all {
		t.Run(name, func(t *testing.T) {
			w.t = t
			run := a.run
			a.run = func(r *forgetest.Run) {
				over(r)
				if run != nil {
					run(r)
				}
			}
			c := theClaim()
			w.change(a, &c)
			_, err := w.Vouched(t.Context(), c, theVoucher())
			if e := w.refused(err, fault.Forbidden, a.code); e.Details["field"] != a.field || e.Details["expected"] == "" || e.Details["got"] == "" {
				t.Errorf("the refusal says %v, want the field %s, what was expected and what came", e.Details, a.field)
			}
			w.wantGrants(0)
		})
	}
}

// The word of another repository, or of a branch that others may push to, counts for nothing.
func TestVouchers(t *testing.T) {
	w := newWorld(t, forks.Options{}, forgetest.Token)
	for name, tt := range map[string]struct {
		change      func(*forks.Voucher)
		code, field string
	}{
		"another repository": {func(v *forks.Voucher) { v.RepositoryID = 75 }, "run_mismatch", "repositoryId"},
		"the fork":           {func(v *forks.Voucher) { v.RepositoryID = forgetest.ID(fork) }, "run_mismatch", "repositoryId"},
		"nobody":             {func(v *forks.Voucher) { *v = forks.Voucher{} }, "run_mismatch", "repositoryId"},
		"another branch":     {func(v *forks.Voucher) { v.Ref = "refs/heads/topic" }, "wrong_ref", "ref"},
		"a tag of its name":  {func(v *forks.Voucher) { v.Ref = "refs/tags/main" }, "wrong_ref", "ref"},
		"a pull request":     {func(v *forks.Voucher) { v.Ref = "refs/pull/7/merge" }, "wrong_ref", "ref"},
		"no ref":             {func(v *forks.Voucher) { v.Ref = "" }, "wrong_ref", "ref"},
	} {
		by := theVoucher()
		tt.change(&by)
		_, err := w.Vouched(t.Context(), theClaim(), by)
		if e := w.refused(err, fault.Forbidden, tt.code); e.Details["field"] != tt.field {
			t.Errorf("%s: the refusal says %v, want the field %s", name, e.Details, tt.field)
		}
	}
	w.wantGrants(0)
}

// What is vouched for counts as what is claimed does: in the quota of the pull request, in rates, and by its repository's id.
func TestVouchedIsCounted(t *testing.T) {
	w := newWorld(t, forks.Options{Bytes: 5000}, forgetest.Token)
	w.change(change{run: over}, nil)
	if _, err := w.Vouched(t.Context(), theClaim(), theVoucher()); err != nil {
		t.Fatal(err)
	}
	_, err := w.Vouched(t.Context(), theClaim(), theVoucher())
	w.refused(err, fault.Forbidden, "quota")
	for range 60 {
		_, err = w.Vouched(t.Context(), theClaim(), theVoucher())
	}
	w.refused(err, fault.Unavailable, "rate_limited")
	w.wantGrants(1)
}

func TestVouchedInAnOutage(t *testing.T) {
	for _, route := range []string{forgetest.GetRun, forgetest.GetPull, forgetest.GetRepository} {
		w := newWorld(t, forks.Options{}, forgetest.Token)
		w.gh.Fail(forgetest.Fault{Route: route, Status: 502})
		_, err := w.Vouched(t.Context(), theClaim(), theVoucher())
		w.refused(err, fault.Unavailable, "upstream_unavailable")
		w.wantGrants(0)
	}
}
