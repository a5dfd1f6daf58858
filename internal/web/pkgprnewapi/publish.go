package pkgprnewapi

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/org/registry-action/internal/domain/commits"
	"github.com/org/registry-action/internal/domain/pkgprnew"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/web/httpkit"
)

// publish takes in the packages of a run. It may be repeated: a run that publishes the same again gets the same answer,
// and what its commit has with other bytes stays.
func (a *API) publish(w http.ResponseWriter, r *http.Request) error {
	httpkit.Audit(r, "publish with pkg-pr-new", "a commit", "")
	h := r.Header
	run, err := a.Runs.Admit(r.Context(), pkgprnew.Claim{Key: h.Get("Sb-Key"), Run: h.Get("Sb-Run-Id"), SHA: h.Get("Sb-Sha")})
	if err != nil {
		return err
	}
	who, err := a.who(r, run)
	if err != nil {
		return err
	}
	f := form{api: a, run: run, who: who}
	if err := json.Unmarshal([]byte(h.Get("Sb-Shasums")), &f.shasums); err != nil {
		return httpkit.JSONError("the header sb-shasums is missing, or not a JSON object of texts", err)
	}
	defer f.close()
	if err := f.read(w, r); err != nil {
		return err
	}
	p, notes, err := f.publication()
	if err != nil {
		return err
	}
	res, err := a.Commits.Publish(r.Context(), who, p)
	if err != nil {
		return err
	}
	id, note := a.comment(r.Context(), h, f, p)
	if note != "" {
		notes = append(notes, note)
	}
	out := a.answer(run, f, p, res, notes)
	if id != 0 {
		out["commentId"] = id
	}
	return httpkit.JSON(w, r, http.StatusOK, out)
}

// answer is what the CLI reads, which needs an address for each package in the order of the form, and prints debug.
func (a *API) answer(run pkgprnew.Admission, f form, p commits.Publication, res commits.Result, notes []string) map[string]any {
	urls := make([]string, len(f.packages))
	for i, pkg := range f.packages {
		urls[i] = a.BaseURL + "/" + p.Repository.Path + "/" + strings.ReplaceAll(url.PathEscape(pkg.Name), "%2F", "/") + "@" + p.SHA
	}
	if kept := slices.Sorted(maps.Keys(res.Kept)); len(kept) > 0 {
		notes = append(notes, fmt.Sprintf("commit %.7s has %s already, with other bytes, which stay", p.SHA, strings.Join(kept, ", ")))
	}
	if f.templates > 0 {
		notes = append(notes, fmt.Sprintf("%d files of templates were left out: this server has none", f.templates))
	}
	refs := []string{}
	for _, ref := range p.Refs {
		refs = append(refs, ref.String())
	}
	return map[string]any{
		"ok": true, "urls": urls,
		"debug": map[string]any{
			"repository": p.Repository.String(), "sha": p.SHA, "refs": refs, "run": run.ID, "attempt": run.Attempt, "tier": run.Proof.Tier,
			"unchanged": slices.Sorted(maps.Keys(res.Unchanged)), "notes": notes,
		},
	}
}

// publication is what the commit domain is asked for.
func (f *form) publication() (p commits.Publication, notes []string, err error) {
	repository, err := commits.ParseRepository(f.run.URL)
	if err != nil {
		return p, nil, err
	}
	sha, err := commits.ParseSHA(f.run.HeadSHA)
	if err != nil {
		return p, nil, err
	}
	p = commits.Publication{SHA: sha, Repository: repository, Run: f.run.ID, Keep: true, Packages: f.packages}
	for _, text := range f.run.Refs {
		ref, err := commits.ParseRef(text)
		if err != nil { // a branch may have a longer name than is kept here
			notes = append(notes, fmt.Sprintf("%.100q is not followed: %s", text, refusal(err)))
			continue
		}
		p.Refs = append(p.Refs, ref)
	}
	if len(f.run.Refs) == 0 {
		notes = append(notes, fmt.Sprintf("no pull request, branch or tag is at commit %.7s now, so it is found by its SHA only", sha))
	}
	return p, notes, nil
}

func refusal(err error) string {
	if e, ok := fault.Public(err); ok {
		return e.Message
	}
	return "the server's log says why"
}
