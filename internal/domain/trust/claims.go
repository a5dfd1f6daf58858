package trust

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/golang-jwt/jwt/v5"

	"github.com/org/registry-action/internal/fault"
)

// Claims are what a token has proven of a run, by the names that GitHub's tokens have for it.
type Claims struct {
	Issuer       Issuer
	ID           string // jti
	Expires      time.Time
	Repository   string // owner/name
	RepositoryID int64
	OwnerID      int64
	Ref          string // refs/heads/main, refs/tags/v1, refs/pull/7/merge
	SHA          string
	Event        string
	Workflow     string // workflow_ref: owner/name/.github/workflows/file.yml@ref, of what was started
	JobWorkflow  string // job_workflow_ref: the same, of what has the job
	Environment  string
	RunID        int64
	RunAttempt   int64
	SelfHosted   bool
}

// raw are the claims as they are sent.
type raw struct {
	jwt.RegisteredClaims
	Repository   string `json:"repository"`
	RepositoryID id     `json:"repository_id"`
	OwnerID      id     `json:"repository_owner_id"`
	Ref          string `json:"ref"`
	SHA          string `json:"sha"`
	Event        string `json:"event_name"`
	Workflow     string `json:"workflow_ref"`
	JobWorkflow  string `json:"job_workflow_ref"`
	Environment  string `json:"environment"`
	RunID        id     `json:"run_id"`
	RunAttempt   id     `json:"run_attempt"`
	Runner       string `json:"runner_environment"`
}

// id is a number, which GitHub writes as a text.
type id int64

// UnmarshalJSON reads a number or the text of one.
func (i *id) UnmarshalJSON(b []byte) error {
	text := strings.Trim(string(b), `"`)
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return fmt.Errorf("%.40q is no id", text)
	}
	*i = id(n)
	return nil
}

var (
	repositoryName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}$`)
	commitSHA      = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)
	eventName      = regexp.MustCompile(`^[a-z_]{1,64}$`)
	workflowRef    = regexp.MustCompile(`^([A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100})/((?:[^@]{1,200}/)?([^/@]{1,200}))@(.{1,300})$`)
)

const maxText = 512 // bytes of a claim

// claims checks that all that policies look at is there and has its form.
func (r raw) claims(i Issuer) (Claims, error) {
	c := Claims{
		Issuer: i, ID: r.RegisteredClaims.ID, Expires: r.ExpiresAt.Time, Repository: r.Repository, RepositoryID: int64(r.RepositoryID), OwnerID: int64(r.OwnerID),
		Ref: r.Ref, SHA: r.SHA, Event: r.Event, Workflow: r.Workflow, JobWorkflow: r.JobWorkflow, Environment: r.Environment,
		RunID: int64(r.RunID), RunAttempt: int64(r.RunAttempt), SelfHosted: r.Runner != "github-hosted",
	}
	if c.JobWorkflow == "" { // an issuer without reusable workflows
		c.JobWorkflow = c.Workflow
	}
	for _, f := range []struct {
		name, expected, got string
		ok                  bool
	}{
		{"jti", "an id of the token", c.ID, c.ID != ""},
		{"repository", "owner/name", c.Repository, repositoryName.MatchString(c.Repository)},
		{"repository_id", "a number above 0", strconv.FormatInt(c.RepositoryID, 10), c.RepositoryID > 0},
		{"repository_owner_id", "a number above 0", strconv.FormatInt(c.OwnerID, 10), c.OwnerID > 0},
		{"sha", "the digits of a commit", c.SHA, commitSHA.MatchString(c.SHA)},
		{"event_name", "the name of an event", c.Event, eventName.MatchString(c.Event)},
		{"ref", "a full ref, such as refs/heads/main", c.Ref, strings.HasPrefix(c.Ref, "refs/")},
		{"workflow_ref", "owner/name/.github/workflows/FILE@REF", c.Workflow, workflowRef.MatchString(c.Workflow)},
		{"job_workflow_ref", "owner/name/.github/workflows/FILE@REF", c.JobWorkflow, workflowRef.MatchString(c.JobWorkflow)},
		{"environment", "the name of an environment", c.Environment, true},
		{"run_id", "a number above 0", strconv.FormatInt(c.RunID, 10), c.RunID > 0},
	} {
		if !f.ok || len(f.got) > maxText || strings.ContainsFunc(f.got, notPrintable) {
			return Claims{}, refuse(fault.Unauthenticated, "invalid_id_token", f.name, f.expected, f.got)
		}
	}
	return c, nil
}

func notPrintable(r rune) bool { return !unicode.IsPrint(r) }

// Who names the run, for audit lines; empty if nothing was proven.
func (c Claims) Who() string {
	if c.Repository == "" {
		return ""
	}
	return fmt.Sprintf("%s run %d", c.Repository, c.RunID)
}

// String names what matters of a run, for logs.
func (c Claims) String() string {
	b, err := json.Marshal(map[string]any{
		"iss": c.Issuer.URL, "repository": c.Repository, "repository_id": c.RepositoryID, "repository_owner_id": c.OwnerID, "ref": c.Ref, "sha": c.SHA,
		"event_name": c.Event, "workflow_ref": c.Workflow, "job_workflow_ref": c.JobWorkflow, "environment": c.Environment,
		"run_id": c.RunID, "run_attempt": c.RunAttempt, "self_hosted": c.SelfHosted,
	})
	if err != nil {
		return c.Repository
	}
	return string(b)
}

// workflow is a workflow_ref taken apart.
type workflow struct{ Repository, File, Ref string }

func parseWorkflow(text string) workflow {
	m := workflowRef.FindStringSubmatch(text)
	if m == nil {
		return workflow{}
	}
	return workflow{m[1], m[3], m[4]}
}

var pullRef = regexp.MustCompile(`^refs/pull/([1-9][0-9]{0,9})/merge$`)

// pull is the number of the pull request that the run tests; 0 if it tests none.
func (c Claims) pull() int {
	m := pullRef.FindStringSubmatch(c.Ref)
	if m == nil {
		return 0
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		return 0
	}
	return n
}

// refs are the typed refs that the run may move.
func (c Claims) refs() []string {
	if n := c.pull(); n > 0 {
		return []string{"pr/" + strconv.Itoa(n)}
	}
	if name, ok := strings.CutPrefix(c.Ref, "refs/heads/"); ok {
		return []string{"branch/" + name}
	}
	if name, ok := strings.CutPrefix(c.Ref, "refs/tags/"); ok {
		return []string{"tag/" + name}
	}
	return nil
}
