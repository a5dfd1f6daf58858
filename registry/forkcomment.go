package registry

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/org/registry-action/internal/domain/commits"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/forge"
	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/format/provenance"
	"github.com/org/registry-action/internal/report"
)

const (
	maxComments  = 200             // of forks that wait
	commentFor   = 2 * time.Minute // one takes
	lastComments = 5 * time.Second // all take that are left when the server ends
)

// commenter writes the comments of forks with the server's GitHub App, one at a time.
type commenter struct {
	write func(context.Context, pullRequest) error
	log   *slog.Logger

	jobs     chan pullRequest
	stopping chan struct{}
	cancel   context.CancelFunc
	done     sync.WaitGroup
}

// startComments begins to write comments; nil if there is no App. Who starts it closes it.
func (r *Registry) startComments() *commenter {
	if !r.forge.CanWrite() {
		return nil
	}
	return newCommenter(r.writeForkComment, r.config.Log)
}

func newCommenter(write func(context.Context, pullRequest) error, log *slog.Logger) *commenter {
	ctx, cancel := context.WithCancel(context.Background())
	c := &commenter{write: write, log: log, jobs: make(chan pullRequest, maxComments), stopping: make(chan struct{}), cancel: cancel}
	c.done.Go(func() { c.run(ctx) })
	return c
}

// close writes what waits, for a while: nobody asks for it again before the fork's next push. Nothing is asked for any more.
func (c *commenter) close() {
	if c == nil {
		return
	}
	if n := len(c.jobs); n > 0 {
		c.log.Info("stopping: writing the comments of forks that wait", "comments", n, "within", lastComments)
	}
	close(c.stopping)
	late := time.AfterFunc(lastComments, c.cancel)
	c.done.Wait()
	late.Stop()
	c.cancel()
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
		c.log.Warn("too many comments of forks wait; one is left out", "repository", path, "pull", pull)
		return false
	}
}

func (c *commenter) run(ctx context.Context) {
	for {
		select {
		case p := <-c.jobs:
			c.one(ctx, p)
		case <-c.stopping:
			for len(c.jobs) > 0 { // nobody else takes any, and when ctx is done each ends at once
				c.one(ctx, <-c.jobs)
			}
			return
		}
	}
}

func (c *commenter) one(ctx context.Context, p pullRequest) {
	ctx, cancel := context.WithTimeout(ctx, commentFor)
	defer cancel()
	if err := c.write(ctx, p); err != nil && !errors.Is(err, errNothing) {
		c.log.Warn("the comment of a fork could not be written", "repository", p.path, "pull", p.number, "err", err)
	}
}

func (r *Registry) writeForkComment(ctx context.Context, p pullRequest) error {
	_, err := r.comment(ctx, p, func(ctx context.Context) (*forge.Client, forge.Comment, error) { return r.forkComment(ctx, p) })
	return err
}

// errNothing is why there is no comment of a fork: it has expired, or the repository has published it itself.
var errNothing = errors.New("nothing of the pull request is here")

// forkComment says what is stored now.
func (r *Registry) forkComment(ctx context.Context, p pullRequest) (*forge.Client, forge.Comment, error) {
	ref := commits.Ref{Kind: commits.PR, Name: strconv.Itoa(p.number)}
	place := commits.PlaceOf(p.path, p.number)
	commit, err := r.commitAt(ctx, p.path, ref)
	if errors.Is(err, fault.NotFound) {
		return nil, forge.Comment{}, errNothing
	}
	if err != nil {
		return nil, forge.Comment{}, err
	}
	to := r.about(p, commit)
	to.Tag, to.Previews, to.Managers = npm.PreviewTag(string(ref.Kind), ref.Name), r.config.BaseURL+npm.PreviewPath(place), []string{"npm", "pnpm", "yarn", "bun"}
	var proof provenance.Proof
	var scripts []string
	for _, pkg := range commits.Of(place, commit.Packages) {
		if pkg.Proof == nil || len(to.Packages) == maxCommented {
			continue
		}
		proof, to.JobURL = *pkg.Proof, pkg.Proof.RunURL
		at := r.config.BaseURL + "/commits/" + pkg.SHA + "/" + pkg.Name
		to.Packages = append(to.Packages, report.Package{Name: pkg.Name, Version: pkg.Version, URL: at, InstallURL: at + "/tarball", Size: pkg.Artifact.Size})
		if len(pkg.InstallScripts()) > 0 {
			scripts = append(scripts, pkg.Name)
		}
	}
	if len(to.Packages) == 0 {
		return nil, forge.Comment{}, errNothing
	}
	gh, err := r.forge.Client(ctx, "", p.path)
	if err != nil {
		return nil, forge.Comment{}, err
	}
	if head, err := gh.HeadOfPull(ctx, p.number); err == nil {
		r.compare(ctx, gh, &to, proof.Event, head)
	}
	return gh, forge.Comment{
		Key: "fork", Body: report.Unreviewed(proof.Author, scripts) + report.Comment(to),
		State: forge.State{RunID: proof.RunID, Attempt: proof.RunAttempt, SHA: proof.SHA},
	}, nil
}

// commitAt is the commit that a ref points at.
func (r *Registry) commitAt(ctx context.Context, path string, ref commits.Ref) (commits.Commit, error) {
	h, err := r.commits.History(ctx, path, ref)
	if err != nil {
		return commits.Commit{}, err
	}
	return r.commits.Commit(ctx, h.SHA)
}
