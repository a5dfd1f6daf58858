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
	"github.com/org/registry-action/internal/action/report"
	"github.com/org/registry-action/internal/action/runner"
	"github.com/org/registry-action/internal/action/workspace"
	"github.com/org/registry-action/internal/forge"
	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/wire"
)

// announce tells what was published: outputs, summary, comment, JSON, text.
func (j *job) announce(ctx context.Context) error {
	r := j.report()
	failed := j.comment(ctx, r)
	if failed != nil {
		failed = fmt.Errorf("the packages are published, but the comment on pull request %d could not be written: %w", j.source.PR, failed)
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

func (j *job) report() report.Report {
	forge, path := forgeOf(j.published.Repository)
	r := report.Report{
		Repository: path, SHA: j.published.SHA, MergeSHA: j.source.MergeSHA, ServerURL: forge,
		RegistryURL: strings.TrimRight(j.opt.RegistryURL, "/"), ExpiresAt: j.published.ExpiresAt,
		PR: j.source.PR, Tag: j.tag(), Managers: j.opt.Managers,
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
		rp := report.Package{Name: p.Name, Version: p.Version, URL: p.URL, InstallURL: p.InstallURL, Size: p.Size}
		if own := packed[p.Name]; own != nil {
			rp.Bins = own.Bins
			if rp.Linked = j.opt.Siblings == URL && len(own.Siblings) > 0; !rp.Linked {
				rp.Needs = own.Siblings
			}
		}
		if z := p.ZigPackage; z != nil {
			rp.Zig = &report.Zig{Name: strings.TrimPrefix(p.Name, workspace.Zig.Prefix()), Hash: z.Hash, Legacy: z.LegacyHash, Compilers: z.Zig}
		}
		if l := p.LumenPackage; l != nil {
			rp.Lumen = &report.Lumen{Name: strings.TrimPrefix(p.Name, workspace.Lumen.Prefix()), ContentHash: l.ContentHash, Hash: p.SHA256.String()}
		}
		r.Packages = append(r.Packages, rp)
	}
	return r
}

// tag is the dist-tag of the ref by which people know the commit best.
func (j *job) tag() string {
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

// comment keeps the comment on the pull request. A token that may not write,
// as a fork's, is no failure: the summary tells the same.
func (j *job) comment(ctx context.Context, r report.Report) error {
	if j.opt.Comment == CommentOff || j.source.PR == 0 || !j.source.Comment {
		return nil
	}
	if j.opt.GitHubToken == "" {
		j.warn("there is no github-token, so pull request %d gets no comment; the job summary has the install lines", j.source.PR)
		return nil
	}
	client, err := j.forge()
	if err != nil {
		return err
	}
	res, err := client.Upsert(ctx, forge.Comment{
		PR: j.source.PR, Key: j.opt.CommentKey, Body: report.Comment(r), Mode: forge.Mode(j.opt.Comment), State: j.state(),
	})
	if errors.Is(err, forge.ErrReadOnly) {
		j.warn("the GitHub token may not write comments here (runs of forks get a read-only token; other runs need permissions: pull-requests: write), so pull request %d gets none; the job summary has the install lines", j.source.PR)
		return nil
	}
	if err != nil {
		return err
	}
	j.commentID = res.ID
	j.say("comment %s: %s", res.Action, res.URL)
	return nil
}

func (j *job) state() forge.State {
	s := forge.State{SHA: j.published.SHA, RunNumber: j.source.RunNumber}
	if j.source.Run != nil {
		s.RunID, s.Attempt = j.source.Run.ID, j.source.Run.Attempt
	}
	return s
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
	Registry  string      `json:"registry"`                  // the server's URL
	Previews  string      `json:"previewRegistry,omitempty"` // the root that a client asks for specs
	PR        int         `json:"pullRequest,omitempty"`
	CommentID int64       `json:"commentId,omitempty"`
	Warnings  []string    `json:"warnings,omitempty"`
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
