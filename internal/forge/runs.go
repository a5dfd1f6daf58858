package forge

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/google/go-github/v60/github"

	"github.com/org/registry-action/internal/fault"
)

// Run is a run of a workflow, as GitHub knows it.
type Run struct {
	ID, Attempt      int64
	RepositoryID     int64 // whose workflow it is
	Event            string
	Status           string // "queued", "in_progress", "completed", …
	HeadSHA          string
	HeadBranch       string
	HeadRepositoryID int64  // another than RepositoryID if a fork's commit runs
	HeadRepository   string // owner/name
	Number           int64  // counts the runs of the workflow
	ActorID          int64  // who began the first attempt
	TriggeredByID    int64  // who began this attempt
	StartedAt        time.Time
	URL              string
}

// InProgress reports whether the run has begun and not ended.
func (r Run) InProgress() bool { return r.Status == "in_progress" }

// Completed reports whether the run has ended, in whatever way.
func (r Run) Completed() bool { return r.Status == "completed" }

// Fork reports whether the commit is another repository's.
func (r Run) Fork() bool { return r.HeadRepositoryID != r.RepositoryID }

// Run returns a run of the repository.
func (c *Client) Run(ctx context.Context, id int64) (Run, error) {
	r, _, err := c.gh.Actions.GetWorkflowRunByID(ctx, c.owner, c.repo, id)
	if err != nil {
		return Run{}, fmt.Errorf("reading run %d: %w", id, classify(err))
	}
	return runOf(r), nil
}

// maxRuns is how many runs in progress are looked at.
const maxRuns = 300

// RunsInProgress returns the runs of the repository that have begun and not ended, the newest first.
func (c *Client) RunsInProgress(ctx context.Context) ([]Run, error) {
	var runs []Run
	opts := github.ListWorkflowRunsOptions{Status: "in_progress", ListOptions: github.ListOptions{PerPage: perPage}}
	for len(runs) < maxRuns {
		page, resp, err := c.gh.Actions.ListRepositoryWorkflowRuns(ctx, c.owner, c.repo, &opts)
		if err != nil {
			return nil, fmt.Errorf("listing the runs in progress: %w", classify(err))
		}
		for _, r := range page.WorkflowRuns {
			runs = append(runs, runOf(r))
		}
		if opts.Page = resp.NextPage; opts.Page == 0 {
			break
		}
	}
	return runs, nil
}

func runOf(r *github.WorkflowRun) Run {
	return Run{
		ID: r.GetID(), Attempt: int64(r.GetRunAttempt()), RepositoryID: r.GetRepository().GetID(), Event: r.GetEvent(), Status: r.GetStatus(),
		HeadSHA: r.GetHeadSHA(), HeadBranch: r.GetHeadBranch(), HeadRepositoryID: r.GetHeadRepository().GetID(), HeadRepository: r.GetHeadRepository().GetFullName(),
		Number:  int64(r.GetRunNumber()),
		ActorID: r.GetActor().GetID(), TriggeredByID: r.GetTriggeringActor().GetID(), StartedAt: r.GetRunStartedAt().Time, URL: r.GetHTMLURL(),
	}
}

// Artifact is what a job has attached to its run.
type Artifact struct {
	ID, RunID        int64
	Name             string
	Size             int64 // bytes
	HeadSHA          string
	HeadRepositoryID int64
	CreatedAt        time.Time
	Expired          bool
}

// maxArtifactPages is how many pages of artifacts of one name are looked at: a name is used once in an attempt.
const maxArtifactPages = 3

// Artifacts returns those of a run that have the name.
func (c *Client) Artifacts(ctx context.Context, run int64, name string) ([]Artifact, error) {
	var found []Artifact
	for page := 1; page != 0 && page <= maxArtifactPages; {
		// This version of go-github can't ask for a name.
		q := url.Values{"name": {name}, "per_page": {strconv.Itoa(perPage)}, "page": {strconv.Itoa(page)}}
		req, err := c.gh.NewRequest(http.MethodGet, fmt.Sprintf("repos/%s/%s/actions/runs/%d/artifacts?%s", c.owner, c.repo, run, q.Encode()), nil)
		if err != nil {
			return nil, err
		}
		var list github.ArtifactList
		resp, err := c.gh.Do(ctx, req, &list)
		if err != nil {
			return nil, fmt.Errorf("listing the artifacts of run %d: %w", run, classify(err))
		}
		for _, a := range list.Artifacts {
			if a.GetName() == name { // a forge that does not know the parameter lists all
				found = append(found, artifactOf(a))
			}
		}
		page = resp.NextPage
	}
	return found, nil
}

func artifactOf(a *github.Artifact) Artifact {
	w := a.GetWorkflowRun()
	return Artifact{
		ID: a.GetID(), RunID: w.GetID(), Name: a.GetName(), Size: a.GetSizeInBytes(), HeadSHA: w.GetHeadSHA(),
		HeadRepositoryID: w.GetHeadRepositoryID(), CreatedAt: a.GetCreatedAt().Time, Expired: a.GetExpired(),
	}
}

// ArtifactFile downloads an artifact and returns the content of the one file in it, which
// has at most limit bytes, as its archive has.
func (c *Client) ArtifactFile(ctx context.Context, id, limit int64) ([]byte, error) {
	u, resp, err := c.gh.Actions.DownloadArtifact(ctx, c.owner, c.repo, id, 0)
	if err != nil && resp != nil { // go-github does not read refusals here
		err = &github.ErrorResponse{Response: resp.Response}
	}
	if err != nil {
		return nil, fmt.Errorf("finding artifact %d: %w", id, classify(err))
	}
	if u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fault.New(fault.Upstream, "GitHub names no address of artifact %d", id)
	}
	archive, err := c.transport.fetch(ctx, u, limit)
	if err != nil {
		return nil, fmt.Errorf("downloading artifact %d: %w", id, err)
	}
	return onlyFile(archive, limit)
}

func onlyFile(archive []byte, limit int64) ([]byte, error) {
	bad := func(err error) error {
		return fault.Wrap(err, fault.Invalid, "the artifact is not a zip of one file of at most %d bytes", limit)
	}
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil || len(z.File) != 1 {
		return nil, bad(err)
	}
	f, err := z.File[0].Open()
	if err != nil {
		return nil, bad(err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil || int64(len(text)) > limit {
		return nil, bad(err)
	}
	return text, nil
}
