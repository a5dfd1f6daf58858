package pkgprnew

import (
	"context"
	"errors"
	"net/netip"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/forge"
	"github.com/org/registry-action/internal/pause"
	"github.com/org/registry-action/internal/store/kv"
)

const (
	checkTries = 4                // with listEvery in between
	askFor     = 25 * time.Second // of all that is asked of the forge for one request
	keyFor     = 6 * time.Hour    // what a check has found is remembered
)

// Ask is what the CLI says of the run that it is in.
type Ask struct {
	Owner, Repo string // as CI writes them
	Key         string
	From        netip.Addr // who asks
}

// Run is a run that was found by its key.
type Run struct {
	forge.Run
	Repository string // owner/repo, as CI writes it
	Key        string
}

// names are what a repository's owner and name have on GitHub.
var names = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,100}$`)

func (a Ask) check() error {
	switch {
	case !names.MatchString(a.Owner) || !names.MatchString(a.Repo) || strings.Trim(a.Owner, ".") == "" || strings.Trim(a.Repo, ".") == "":
		return fault.New(fault.Invalid, "%.120q is not a repository: expected an owner and a repo, as in GITHUB_REPOSITORY", a.Owner+"/"+a.Repo).WithCode("invalid_repository")
	case !wellFormed.MatchString(a.Key):
		return fault.New(fault.Invalid, "%.40q is not a key of pkg-pr-new: it has %d letters and digits", a.Key, keyLength).WithCode("invalid_key")
	}
	return nil
}

// Check finds the run in progress that has a key, and remembers it for Admit. It waits a little: a forge lists a run
// somewhat later than its first job begins.
func (s *Service) Check(ctx context.Context, a Ask) (Run, error) {
	if err := a.check(); err != nil {
		return Run{}, err
	}
	if !s.opt.Enrolled(s.url(a.Owner + "/" + a.Repo)) {
		return Run{}, notEnrolled(a.Owner + "/" + a.Repo)
	}
	failures := s.failures(a.From)
	if failures.Load() >= maxFailures {
		return Run{}, fault.New(fault.Forbidden, "too many keys that no run has came from this address; wait %s", failuresFor).WithCode("too_many_attempts")
	}
	select {
	case s.checks <- struct{}{}:
		defer func() { <-s.checks }()
	default:
		e := fault.New(fault.Unavailable, "too many runs are being looked for; send the request again").WithCode("busy")
		e.Wait = listEvery
		return Run{}, e
	}
	run, err := s.find(ctx, a)
	if errors.Is(err, fault.NotFound) {
		failures.Add(1)
	}
	if err != nil {
		return Run{}, err
	}
	row := kv.JSON(runKey(a.Key), found{Repository: run.Repository, ID: run.ID})
	row.Expires = s.now().Add(keyFor)
	return run, s.db.Apply(ctx, kv.Put(row))
}

// found is the row of a key.
type found struct {
	Repository string `json:"repository"`
	ID         int64  `json:"id"`
}

func (s *Service) url(repository string) string { return s.opt.URL + "/" + repository }

func notEnrolled(repository string) error {
	return fault.New(fault.Forbidden, "this server takes nothing from pkg-pr-new for %s; its operator can enrol the repository with PKG_PR_NEW=%[1]s, "+
		"or publish with the action of the server, which has a token", repository).WithCode("not_enrolled")
}

// find looks for the run until there is one, or for long enough.
func (s *Service) find(ctx context.Context, a Ask) (Run, error) {
	ctx, cancel := s.patience(ctx)
	defer cancel()
	client, err := s.opt.Open(ctx, a.Owner, a.Repo)
	if err != nil {
		return Run{}, asked(a.Owner+"/"+a.Repo, err)
	}
	for try := range checkTries {
		if try > 0 {
			if err := pause.For(ctx, listEvery); err != nil {
				return Run{}, err
			}
		}
		runs, err := s.inProgress(ctx, a.Owner+"/"+a.Repo, client)
		if err != nil {
			return Run{}, asked(a.Owner+"/"+a.Repo, err)
		}
		for _, r := range runs {
			if hasKey(r, a.Owner, a.Repo, a.Key) {
				run := Run{Run: r, Repository: a.Owner + "/" + a.Repo, Key: a.Key}
				return run, run.admissible()
			}
		}
	}
	return Run{}, fault.New(fault.NotFound, "no run of %s that is in progress has the key %s: the run is over, was started anew, or this is not one of its jobs. "+
		"Publish from a job of the workflow itself, with the environment that GitHub Actions gives it", a.Owner+"/"+a.Repo, a.Key).WithCode("no_run")
}

// patience bounds what one request asks of the forge.
func (s *Service) patience(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, askFor, fault.New(fault.Unavailable, "GitHub does not answer in time; send the request again").WithCode("forge_unavailable"))
}

// asked says what it means that the forge did not answer. Whatever it is, nobody is admitted.
func asked(repository string, err error) error {
	if e, ok := fault.Public(err); ok && e.Code != "" { // it is said already
		return err
	}
	if errors.Is(err, fault.NotFound) || errors.Is(err, fault.Forbidden) {
		return fault.Wrap(err, fault.NotFound, "GitHub shows this server no runs of %s: its App is not installed there, or its token may not read them", repository).WithCode("repository_hidden")
	}
	e := fault.Wrap(err, fault.Unavailable, "GitHub could not be asked about %s; send the request again", repository).WithCode("forge_unavailable")
	e.Wait = max(fault.Wait(err), listEvery)
	return e
}

// listing is what the forge has said of a repository's runs.
type listing struct {
	runs []forge.Run
	err  error
}

// inProgress lists the runs of a repository. Those who want to know at about the same time get one answer.
func (s *Service) inProgress(ctx context.Context, repository string, client Forge) ([]forge.Run, error) {
	name := strings.ToLower(repository)
	done, err := s.turns.Take(ctx, name)
	if err != nil {
		return nil, context.Cause(ctx)
	}
	defer done()
	l, ok := s.listed.Get(name)
	if !ok {
		l.runs, l.err = client.RunsInProgress(ctx)
		if ctx.Err() != nil { // who has gone away says nothing of the forge
			return nil, context.Cause(ctx)
		}
		s.listed.Put(name, l, listEvery)
	}
	return l.runs, l.err
}

// failures counts the checks of an address that found nothing. Loopback does not count: it is a proxy on this machine,
// and so everybody. An IPv6 customer has a whole /64.
func (s *Service) failures(from netip.Addr) *atomic.Int32 {
	from = from.Unmap().WithZone("")
	if !from.IsValid() || from.IsLoopback() {
		return &atomic.Int32{}
	}
	place := from.String()
	if from.Is6() {
		place = netip.PrefixFrom(from, 64).Masked().String()
	}
	n, ok := s.strangers.Get(place)
	if !ok {
		n = &atomic.Int32{}
		s.strangers.Put(place, n, failuresFor)
	}
	return n
}
