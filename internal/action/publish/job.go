package publish

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/org/registry-action/internal/action/artifact"
	"github.com/org/registry-action/internal/action/pack"
	"github.com/org/registry-action/internal/action/regclient"
	"github.com/org/registry-action/internal/action/runner"
	"github.com/org/registry-action/internal/action/workspace"
	"github.com/org/registry-action/internal/forge"
	"github.com/org/registry-action/internal/pause"
	"github.com/org/registry-action/internal/wire"
)

// job is one run of publish-commit, filled in step by step.
type job struct {
	opt     Options
	streams Streams
	runner  *runner.Runner
	event   runner.Context
	source  source
	temp    string // folder for what is packed

	workspace *workspace.Workspace // once it has been opened
	registry  *regclient.Client    // nil if no registry is named
	auth      Auth                 // never AuthAuto
	artifacts *artifact.Service    // for AuthFork
	minted    string               // the registry's token for this run, to be revoked
	wait      func(context.Context, time.Duration) error

	packages  []*pack.Package
	skipped   skipped // what is not published, for it has not changed
	published wire.Published
	commentID int64
	warnings  []string
}

type step struct {
	name string
	do   func(context.Context) error
}

// Publish packs and publishes, and tells people. An error means that nothing
// was published, or that it was and could not be told: its text says which.
func Publish(ctx context.Context, opt Options, s Streams) error {
	j, cleanup, err := newJob(opt, s)
	if err != nil {
		return err
	}
	defer cleanup()
	return j.publish(ctx)
}

func (j *job) publish(ctx context.Context) error {
	opt := j.opt
	j.runner.AddMask(opt.Token)
	if err := j.run(ctx, []step{{"checking the registry's address", j.connect}, {"identifying the commit", j.identify}}); err != nil {
		return err
	}
	if j.source.Deleted {
		j.say("the event removed a branch or tag: there is nothing to publish")
		return nil
	}
	if !opt.DryRun {
		if err := j.run(ctx, []step{{"choosing how to authenticate", j.chooseAuth}}); err != nil {
			return j.orNeutral(ctx, err)
		}
	}
	if err := j.run(ctx, []step{{"checking the tree", j.checkTree}, {"packing", j.pack}}); err != nil {
		return err
	}
	if opt.DryRun {
		return j.dryRun(ctx)
	}
	defer j.endToken(ctx)
	err := j.run(ctx, []step{
		{"authenticating", j.authenticate}, {"comparing with the base", j.leaveUnchanged}, {"asking for the head again", j.checkHead},
		{"claiming what is left", j.authenticateFork}, {"publishing", j.upload},
	})
	if err != nil {
		return j.orNeutral(ctx, err)
	}
	return j.run(ctx, []step{{"reporting", j.announce}})
}

// dryRun asks for the base alone, if it has to.
func (j *job) dryRun(ctx context.Context) error {
	if j.registry != nil {
		if err := j.registry.Authenticate(j.opt.Token, nil); err != nil {
			return err
		}
	}
	if err := j.run(ctx, []step{{"comparing with the base", j.leaveUnchanged}}); err != nil {
		return err
	}
	return j.showPlan()
}

func newJob(opt Options, s Streams) (*job, func(), error) {
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	temp, err := os.MkdirTemp("", "publish-commit-*")
	if err != nil {
		return nil, nil, err
	}
	j := &job{opt: opt, streams: s, temp: temp, wait: pause.For, runner: runner.New(runner.Options{Getenv: s.Getenv, Stdout: commandStream(opt, s)})}
	return j, func() { _ = os.RemoveAll(temp) }, nil
}

func (j *job) run(ctx context.Context, steps []step) error {
	for _, s := range steps {
		j.streams.Log.DebugContext(ctx, s.name)
		if err := s.do(ctx); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("stopped while %s: %w", s.name, context.Cause(ctx))
		}
	}
	return nil
}

// say prints a line of progress.
func (j *job) say(format string, args ...any) {
	fmt.Fprintf(j.streams.Stderr, format+"\n", args...)
}

// warn tells of something that did not work and does not matter enough to fail:
// as an annotation in CI, as a line at a desk.
func (j *job) warn(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	j.warnings = append(j.warnings, text)
	if j.runner.InActions() {
		j.runner.Warningf("%s", text)
		return
	}
	j.say("warning: %s", text)
}

// forge returns a client of the forge that runs us.
func (j *job) forge() (*forge.Client, error) {
	owner, repo, _ := strings.Cut(j.event.Repository, "/")
	if j.opt.GitHubToken == "" || repo == "" {
		return nil, errors.New("there is no GitHub token, or no repository")
	}
	return forge.New(forge.Options{
		APIURL: j.event.APIURL, Token: j.opt.GitHubToken, Owner: owner, Repo: repo, UserAgent: j.userAgent(),
	})
}

func (j *job) userAgent() string { return "publish-commit/" + j.opt.Version }

// commandStream is where workflow commands go; the runner reads both streams,
// and JSON on standard output must stay JSON.
func commandStream(opt Options, s Streams) io.Writer {
	if opt.JSONFile == "-" {
		return s.Stderr
	}
	return s.Stdout
}
