package publish

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/org/registry-action/internal/action/forge"
	"github.com/org/registry-action/internal/action/pack"
	"github.com/org/registry-action/internal/action/report"
	"github.com/org/registry-action/internal/action/runner"
	"github.com/org/registry-action/internal/wire"
)

// announce tells what was published: outputs, summary, comment, JSON, text.
func (j *job) announce(ctx context.Context) error {
	r := j.report()
	failed := j.comment(ctx, r)
	if failed != nil {
		failed = fmt.Errorf("the packages are published, but the comment on pull request %d could not be written: %w", j.source.PR, failed)
	}
	// Later steps can use what is published also if the comment failed.
	if err := errors.Join(j.setOutputs(), j.runner.AddStepSummary(report.Summary(r)), j.writeJSON(j.result())); err != nil {
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
		PR: j.source.PR, Managers: j.opt.Managers,
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
		r.Packages = append(r.Packages, rp)
	}
	return r
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

// outputs are the outputs of the action; action.yml names them.
func (j *job) setOutputs() error {
	urls := make([]string, 0, len(j.published.Packages))
	for _, p := range j.published.Packages {
		urls = append(urls, p.URL)
	}
	urlsJSON, err := json.Marshal(urls)
	if err != nil {
		return err
	}
	packagesJSON, err := json.Marshal(j.published.Packages)
	if err != nil {
		return err
	}
	comment := ""
	if j.commentID != 0 {
		comment = strconv.FormatInt(j.commentID, 10)
	}
	return errors.Join(
		j.runner.SetOutput("urls", string(urlsJSON)),
		j.runner.SetOutput("packages", string(packagesJSON)),
		j.runner.SetOutput("sha", j.published.SHA),
		j.runner.SetOutput("comment-id", comment),
	)
}

// result is the JSON form of what was published.
type result struct {
	wire.Published
	Registry  string   `json:"registry"`
	PR        int      `json:"pullRequest,omitempty"`
	CommentID int64    `json:"commentId,omitempty"`
	Warnings  []string `json:"warnings,omitempty"`
}

func (j *job) result() result {
	return result{Published: j.published, Registry: j.opt.RegistryURL, PR: j.source.PR, CommentID: j.commentID, Warnings: j.warnings}
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
