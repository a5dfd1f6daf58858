package publish

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/org/registry-action/internal/action/pack"
	"github.com/org/registry-action/internal/action/runner"
	"github.com/org/registry-action/internal/action/workspace"
	"github.com/org/registry-action/internal/forge"
	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/report"
	"github.com/org/registry-action/internal/wire"
)

// announce tells what was published: outputs, summary, comments, status, JSON, text.
func (j *job) announce(ctx context.Context) error {
	r := j.report(ctx, j.firstPull())
	failed := j.comments(ctx, r)
	if err := j.mark(ctx, forge.Status{State: "success", Description: report.Line(r), URL: r.Page()}); err != nil {
		failed = errors.Join(failed, fmt.Errorf("the packages are published, but the commit's status could not be set: %w", err))
	}
	out := j.result(r)
	// Later steps can use what is published also if the comment failed.
	if err := errors.Join(j.setOutputs(out), j.runner.AddStepSummary(report.Summary(r)), j.writeJSON(out)); err != nil {
		failed = errors.Join(failed, fmt.Errorf("the packages are published, but could not be reported: %w", err))
	}
	if failed != nil {
		return failed
	}
	if j.opt.ShowComment {
		fmt.Fprintln(j.streams.Stdout, report.Comment(r))
		return nil
	}
	if j.opt.JSONFile == "-" {
		return nil
	}
	return report.Text(r, j.streams.Stdout)
}

// report is what there is to tell, on a pull request, or the zero pull for none.
func (j *job) report(ctx context.Context, of pull) report.Report {
	forge, path := forgeOf(j.published.Repository)
	r := report.Report{
		Repository: path, SHA: j.published.SHA, MergeSHA: j.source.MergeSHA, ServerURL: forge,
		RegistryURL: strings.TrimRight(j.opt.RegistryURL, "/"), Previews: j.published.PreviewRegistry, ExpiresAt: j.published.ExpiresAt,
		PR: of.Number, Tag: j.tag(of.Number), Managers: j.opt.Managers,
	}
	if j.source.Run != nil {
		r.JobURL = j.source.Run.URL
	}
	packed := map[string]*pack.Package{}
	for _, p := range j.packages {
		packed[p.Name] = p
	}
	for _, p := range j.published.Packages {
		if p.Kept {
			r.MergeSHA = "" // what is shown was not packed from it
		}
		rp := describePackage(p.CommitPackage)
		if own := packed[p.Name]; own != nil {
			rp.Bins = own.Bins
			if rp.Linked = own.ByURL; !rp.Linked {
				rp.Needs = own.Siblings
			}
		}
		r.Packages = append(r.Packages, rp)
	}
	j.addChanges(ctx, &r, of)
	return r
}

// describePackage is a package as the registry tells of it.
func describePackage(p wire.CommitPackage) report.Package {
	rp := report.Package{Name: p.Name, Version: p.Version, URL: p.URL, InstallURL: p.InstallURL, Size: p.Size}
	if z := p.ZigPackage; z != nil {
		rp.Zig = &report.Zig{Name: strings.TrimPrefix(p.Name, workspace.Zig.Prefix()), Hash: z.Hash, Legacy: z.LegacyHash, Compilers: z.Zig}
	}
	if l := p.LumenPackage; l != nil {
		rp.Lumen = &report.Lumen{Name: strings.TrimPrefix(p.Name, workspace.Lumen.Prefix()), ContentHash: l.ContentHash, Hash: p.SHA256.String()}
	}
	return rp
}

// tag is the dist-tag of the ref by which people know the commit best: of the pull request that reads it, if there is one.
func (j *job) tag(pr int) string {
	if slices.Contains(j.source.Refs, fmt.Sprintf("pr/%d", pr)) {
		return npm.PreviewTag("pr", strconv.Itoa(pr))
	}
	for _, kind := range []string{"pr", "branch", "tag"} {
		for _, ref := range slices.Concat(j.source.Refs, j.opt.Refs) {
			rest, ok := strings.CutPrefix(ref, kind)
			if ok && len(rest) > 1 && strings.Contains("/-:", rest[:1]) {
				return npm.PreviewTag(kind, rest[1:])
			}
		}
	}
	return ""
}

// forgeOf splits a repository's URL.
func forgeOf(repository string) (forge, path string) {
	u, err := url.Parse(repository)
	if err != nil || u.Host == "" {
		return "", repository
	}
	return u.Scheme + "://" + u.Host, strings.Trim(u.Path, "/")
}

// setOutputs sets the outputs of the action; action.yml names them.
func (j *job) setOutputs(out result) error {
	urls := make([]string, 0, len(out.Packages))
	for _, p := range out.Packages {
		urls = append(urls, p.URL)
	}
	urlsJSON, err := json.Marshal(urls)
	if err != nil {
		return err
	}
	packagesJSON, err := json.Marshal(out.Packages)
	if err != nil {
		return err
	}
	comment := ""
	if out.CommentID != 0 {
		comment = strconv.FormatInt(out.CommentID, 10)
	}
	return errors.Join(
		j.runner.SetOutput("urls", string(urlsJSON)),
		j.runner.SetOutput("packages", string(packagesJSON)),
		j.runner.SetOutput("sha", out.SHA),
		j.runner.SetOutput("comment-id", comment),
	)
}

// result is the JSON form of what was published.
type result struct {
	wire.Published
	Packages  []announced `json:"packages"`
	Changes   *changes    `json:"changes,omitempty"`         // nil: they are not known
	Registry  string      `json:"registry"`                  // the server's URL
	Previews  string      `json:"previewRegistry,omitempty"` // the root that a client asks for specs
	PR        int         `json:"pullRequest,omitempty"`
	CommentID int64       `json:"commentId,omitempty"`
	Warnings  []string    `json:"warnings,omitempty"`
}

// changes is what became of the packages since a commit.
type changes struct {
	Base         wire.Base            `json:"base"`
	Packages     []wire.PackageChange `json:"packages"`
	Removed      []string             `json:"removed,omitempty"`
	NotPublished []wire.CommitPackage `json:"notPublished,omitempty"` // with changed-only: as they are at the base
}

// announced is a package and what a client of the preview registry installs it by.
type announced struct {
	wire.PublishedPackage
	Kind string `json:"kind"` // "npm", "zig" or "lumen"
	Spec string `json:"spec,omitempty"`
}

func (j *job) result(r report.Report) result {
	out := result{
		Published: j.published, Packages: make([]announced, len(r.Packages)),
		Registry: j.opt.RegistryURL, Previews: r.PreviewRegistry(), PR: j.source.PR, CommentID: j.commentID, Warnings: j.warnings,
	}
	if r.Base != nil {
		out.Changes = &changes{Base: *r.Base, Packages: []wire.PackageChange{}, Removed: r.Removed, NotPublished: j.skipped.packages}
		for _, p := range r.Packages {
			if p.Change != nil {
				out.Changes.Packages = append(out.Changes.Packages, *p.Change)
			}
		}
	}
	for i, p := range j.published.Packages {
		out.Packages[i] = announced{p, kindOf(p.CommitPackage), r.Spec(r.Packages[i])}
	}
	return out
}

// kindOf does not ask p.Kind, which servers of before had not.
func kindOf(p wire.CommitPackage) string {
	switch {
	case p.ZigPackage != nil:
		return string(workspace.Zig)
	case p.LumenPackage != nil:
		return string(workspace.Lumen)
	}
	return "npm"
}

// writeJSON writes to where the options want JSON, if they do.
func (j *job) writeJSON(out any) error {
	if j.opt.JSONFile == "" {
		return nil
	}
	if j.opt.JSONFile == "-" {
		return writeJSON(j.streams.Stdout, out)
	}
	f, err := os.Create(j.opt.JSONFile)
	if err != nil {
		return err
	}
	return errors.Join(writeJSON(f, out), f.Close())
}

// Annotate shows a failure where the CI run's reader looks first. It belongs on
// standard error, which the runner reads as well: standard output may be piped.
func Annotate(getenv func(string) string, stderr io.Writer, text string) {
	runner.New(runner.Options{Getenv: getenv, Stdout: stderr}).Errorf("%s", text)
}
