package registry

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/org/registry-action/internal/domain/commits"
	"github.com/org/registry-action/internal/domain/forks"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/forge"
	"github.com/org/registry-action/internal/forge/connector"
	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/format/provenance"
	"github.com/org/registry-action/internal/pause"
	"github.com/org/registry-action/internal/report"
)

// A run of a fork may not comment, so this server does, with its GitHub App. It says what is stored here and no word of
// the run's, which could say anything.

const (
	maxComments  = 200             // that wait
	commentFor   = 2 * time.Minute // one takes
	maxCommented = 200             // packages in a comment
)

// commenter writes the comments of forks, one at a time.
type commenter struct {
	forks   *forks.Service
	commits *commits.Service
	forge   *connector.Connector
	config  Config

	jobs   chan pullRequest
	cancel context.CancelFunc
	done   sync.WaitGroup
}

type pullRequest struct {
	path   string
	number int
}

// startComments begins to write comments; nil if there is no App. Who starts it closes it.
func (r *Registry) startComments() *commenter {
	if !r.forge.CanWrite() {
		return nil
	}
	ctx, cancel := context.WithCancel(context.Background())
	c := &commenter{forks: r.forks, commits: r.commits, forge: r.forge, config: r.config, jobs: make(chan pullRequest, maxComments), cancel: cancel}
	c.done.Go(func() { c.run(ctx) })
	return c
}

func (c *commenter) close() {
	if c != nil {
		c.cancel()
		c.done.Wait()
	}
}

// published has the comment on a pull request of a fork written, and reports whether it will be. It does not wait for it.
func (c *commenter) published(_ commits.Commit, proof provenance.Proof) bool {
	return proof.Tier == provenance.Fork && c.ask(proof.Repository, proof.Pull)
}

// ask reports whether a comment will be written.
func (c *commenter) ask(path string, pull int) bool {
	if c == nil {
		return false
	}
	select {
	case c.jobs <- pullRequest{path, pull}:
		return true
	default:
		c.config.Log.Warn("too many comments of forks wait; one is left out", "repository", path, "pull", pull)
		return false
	}
}

func (c *commenter) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case p := <-c.jobs:
			within, cancel := context.WithTimeout(ctx, commentFor)
			err := c.forks.Alone(within, p.path, p.number, pause.For, func(ctx context.Context) error { return c.write(ctx, p) })
			cancel()
			if err != nil && ctx.Err() == nil {
				c.config.Log.Warn("the comment of a fork could not be written", "repository", p.path, "pull", p.number, "err", err)
			}
		}
	}
}

// write makes the comment say what is stored now.
func (c *commenter) write(ctx context.Context, p pullRequest) error {
	body, proof, err := c.render(ctx, p)
	if errors.Is(err, fault.NotFound) {
		return nil // it has expired, or the repository has published it itself
	}
	if err != nil {
		return err
	}
	gh, err := c.forge.Client(ctx, "", p.path)
	if err != nil {
		return err
	}
	_, err = gh.Upsert(ctx, forge.Comment{
		PR: p.number, Key: "fork", Body: body, State: forge.State{RunID: proof.RunID, Attempt: proof.RunAttempt, SHA: proof.SHA},
	})
	return err
}

func (c *commenter) render(ctx context.Context, p pullRequest) (body string, proof provenance.Proof, err error) {
	ref := commits.Ref{Kind: commits.PR, Name: strconv.Itoa(p.number)}
	h, err := c.commits.History(ctx, p.path, ref)
	if err != nil {
		return "", proof, err
	}
	commit, err := c.commits.Commit(ctx, h.SHA)
	if err != nil {
		return "", proof, err
	}
	r := report.Report{
		Repository: p.path, SHA: commit.SHA, ServerURL: c.forge.URL(), RegistryURL: c.config.BaseURL, PR: p.number, ExpiresAt: commit.ExpiresAt,
		Tag: npm.PreviewTag(string(ref.Kind), ref.Name), Previews: c.config.BaseURL + npm.PreviewPath(commits.PlaceOf(p.path, p.number)), Managers: []string{"npm", "pnpm", "yarn", "bun"},
	}
	var scripts []string
	for _, pkg := range commits.Of(commits.PlaceOf(p.path, p.number), commit.Packages) {
		if pkg.Proof == nil || len(r.Packages) == maxCommented {
			continue
		}
		proof, r.JobURL = *pkg.Proof, pkg.Proof.RunURL
		at := c.config.BaseURL + "/commits/" + pkg.SHA + "/" + pkg.Name
		r.Packages = append(r.Packages, report.Package{Name: pkg.Name, Version: pkg.Version, URL: at, InstallURL: at + "/tarball", Size: pkg.Artifact.Size})
		if len(pkg.InstallScripts()) > 0 {
			scripts = append(scripts, pkg.Name)
		}
	}
	if len(r.Packages) == 0 {
		return "", proof, fault.New(fault.NotFound, "nothing of pull request #%d of %s is here", p.number, p.path)
	}
	return report.Unreviewed(proof.Author, scripts) + report.Comment(r), proof, nil
}
