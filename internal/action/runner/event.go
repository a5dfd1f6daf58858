package runner

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/org/registry-action/internal/fault"
)

// maxEvent bounds the event's payload, in bytes. GitHub's own cap is 25 MB.
const maxEvent = 32 << 20

// Context is what a run is about: which commit, under which names, for whom.
type Context struct {
	EventName  string // "pull_request", "push", …
	Repository string // owner/name
	ServerURL  string // of the forge's pages, no trailing slash
	APIURL     string // of its REST API as given, no trailing slash; GHES has /api/v3 in it
	RunID      int64
	RunAttempt int64  // from 1
	RunNumber  int64  // counts the runs of one workflow
	Actor      string // the login of who is the cause of the run

	// HeadSHA is the commit that people know: the head of a pull request, not
	// the merge commit. Empty when only the forge's API knows it
	// (issue_comment on a pull request) and when there is none (Deleted).
	HeadSHA  string
	MergeSHA string // pull_request: the merge commit that is checked out by default
	BaseRef  string // the branch that the pull request or merge group goes to
	BaseSHA  string // where that branch was; for a merge group, what it is put on top of
	Before   string // push: where the branch was before; empty if it is new

	DefaultBranch string // of the repository

	// Refs are the typed names that the commit may move: "pr/7",
	// "branch/main", "tag/v1". A fork's branch is never among them.
	Refs []string
	PR   int // the pull request; 0 if there is none or only the API knows it
	// MorePulls are further pull requests with the same head, which may go to other branches.
	MorePulls []Pull
	Fork      bool // the commit comes from a fork (or from one deleted since)

	// Source is the run of a fork's pull request that this run comes after, by workflow_run; nil if it comes after another.
	Source *Source

	// Deleted: the event removes a ref, there is no commit to publish.
	Deleted bool
	// Comment: the event may be answered on a pull request; if PR is 0, on
	// those that the API lists for HeadSHA.
	Comment bool
}

// Source is a run of a fork's pull request. GitHub does not say of which: it is one from that branch.
type Source struct {
	ID, Attempt, Number int64
	Owner               string // whose repository has the branch; empty if it is gone
	Branch              string
}

// Pull is a pull request, and where it goes.
type Pull struct {
	Number  int
	BaseRef string
	BaseSHA string
}

// Event reads what started the run from the environment and, bounded, from
// the payload at GITHUB_EVENT_PATH. A payload that does not say what its
// event must say is fault.Invalid.
func (r *Runner) Event() (Context, error) {
	c := Context{
		EventName:  r.getenv("GITHUB_EVENT_NAME"),
		Repository: r.getenv("GITHUB_REPOSITORY"),
		ServerURL:  r.url("GITHUB_SERVER_URL", "https://github.com"),
		APIURL:     r.url("GITHUB_API_URL", "https://api.github.com"),
		Actor:      r.getenv("GITHUB_ACTOR"),
	}
	var err error
	for _, v := range []struct {
		name string
		to   *int64
	}{{"GITHUB_RUN_ID", &c.RunID}, {"GITHUB_RUN_ATTEMPT", &c.RunAttempt}, {"GITHUB_RUN_NUMBER", &c.RunNumber}} {
		if *v.to, err = r.number(v.name); err != nil {
			return Context{}, err
		}
	}
	p, err := r.payload()
	if err != nil {
		return Context{}, err
	}
	if c.Repository == "" {
		c.Repository = p.Repository.FullName
	}
	c.DefaultBranch = p.Repository.DefaultBranch
	if err := c.apply(p, r.getenv("GITHUB_SHA"), r.getenv("GITHUB_REF")); err != nil {
		return Context{}, err
	}
	return c, nil
}

// Dependabot reports whether it is the cause of the run, which then has no more rights than a fork's.
func (c Context) Dependabot() bool { return c.Actor == "dependabot[bot]" }

func (r *Runner) url(name, otherwise string) string {
	if v := r.getenv(name); v != "" {
		return strings.TrimRight(v, "/")
	}
	return otherwise
}

func (r *Runner) number(name string) (int64, error) {
	v := r.getenv(name)
	if v == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil {
		return 0, fault.New(fault.Invalid, "%s is %q, not a number", name, v)
	}
	return n, nil
}

func (r *Runner) payload() (*payload, error) {
	path := r.getenv("GITHUB_EVENT_PATH")
	if path == "" {
		return &payload{}, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading the event: %w", err)
	}
	defer f.Close()
	p, err := readPayload(f)
	if err != nil {
		return nil, fmt.Errorf("reading the event %s: %w", path, err)
	}
	return p, nil
}

func readPayload(r io.Reader) (*payload, error) {
	lr := &io.LimitedReader{R: r, N: maxEvent + 1}
	data, err := io.ReadAll(lr)
	if err != nil {
		return nil, err
	}
	if len(data) > maxEvent {
		return nil, fault.New(fault.TooLarge, "the event is larger than %d bytes", maxEvent)
	}
	var p payload
	if err := json.Unmarshal(data, &p); err != nil {
		if _, ok := errors.AsType[*json.SyntaxError](err); ok {
			return nil, fault.Wrap(err, fault.Invalid, "the event is not JSON")
		}
		return nil, fault.Wrap(err, fault.Invalid, "the event is not one of GitHub's")
	}
	return &p, nil
}
