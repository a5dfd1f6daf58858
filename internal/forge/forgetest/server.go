// Package forgetest is a stand-in for GitHub's REST API: it keeps comments, pull
// requests, runs and their artifacts of one repository, and checks every request and every answer
// against GitHub's own OpenAPI description. What the description does not
// allow fails the test.
package forgetest

import (
	"cmp"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"github.com/org/registry-action/internal/forge/forgetest/ghspec"
)

// The repository that a Server has, and a token that may write to it in the
// name of github-actions[bot], as a workflow's GITHUB_TOKEN.
const (
	Owner = "acme"
	Repo  = "ws"
	Token = "workflow-token"
)

// The routes, for Fault and Request.
const (
	GetUser        = "GET /user"
	ListPulls      = "GET /repos/{owner}/{repo}/commits/{commit_sha}/pulls"
	ListFrom       = "GET /repos/{owner}/{repo}/pulls"
	GetCommit      = "GET /repos/{owner}/{repo}/commits/{ref}"
	GetPull        = "GET /repos/{owner}/{repo}/pulls/{pull_number}"
	ListComments   = "GET /repos/{owner}/{repo}/issues/{issue_number}/comments"
	CreateComment  = "POST /repos/{owner}/{repo}/issues/{issue_number}/comments"
	GetComment     = "GET /repos/{owner}/{repo}/issues/comments/{comment_id}"
	UpdateComment  = "PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}"
	DeleteComment  = "DELETE /repos/{owner}/{repo}/issues/comments/{comment_id}"
	GetRepository  = "GET /repos/{owner}/{repo}"
	CompareCommits = "GET /repos/{owner}/{repo}/compare/{basehead}"
	CreateStatus   = "POST /repos/{owner}/{repo}/statuses/{sha}"

	ListRuns         = "GET /repos/{owner}/{repo}/actions/runs"
	GetRun           = "GET /repos/{owner}/{repo}/actions/runs/{run_id}"
	ListArtifacts    = "GET /repos/{owner}/{repo}/actions/runs/{run_id}/artifacts"
	DownloadArtifact = "GET /repos/{owner}/{repo}/actions/artifacts/{artifact_id}/{archive_format}"

	GetApp                  = "GET /app"
	GetInstallation         = "GET /repos/{owner}/{repo}/installation"
	CreateInstallationToken = "POST /app/installations/{installation_id}/access_tokens"
)

// Account is who a token stands for.
type Account struct {
	Login string
	// Installation tokens (GITHUB_TOKEN among them) may not ask GET /user.
	Installation bool
	ReadOnly     bool
	NoStatuses   bool // it has no statuses: write
}

// Pull is a pull request.
type Pull struct {
	Number   int
	State    string // default "open"
	HeadSHA  string
	HeadRef  string
	HeadRepo string // owner/name
	BaseRef  string
	BaseSHA  string // default BaseSHA
	Author   string // default "octocat"
}

// BaseSHA is where a base branch is unless a Pull says otherwise.
const BaseSHA = "2222222222222222222222222222222222222222"

// Comment is a comment on a pull request.
type Comment struct {
	ID    int64
	PR    int
	Login string
	Body  string
}

// Request is a request on its way in.
type Request struct {
	Route string // one of the routes above
	Token string
	N     int // counts the requests of this route, from 1
}

// Server is the stand-in. Its methods are safe for concurrent use.
type Server struct {
	URL string // of the API's root, as GITHUB_API_URL would be

	t        testing.TB
	storeURL string // of the artifacts' bytes
	doc      *openapi3.T
	router   routers.Router

	mu        sync.Mutex
	accounts  map[string]Account
	pulls     []Pull
	comments  []Comment
	refs      map[string]string
	runs      []Run
	artifacts []Artifact
	statuses  []Status
	bases     map[string]string // merge bases, by base...head
	app       *App
	lastID    int64
	faults    []Fault
	hook      func(Request)
	requests  []Request
}

// New starts a Server that lives as long as the test.
func New(t testing.TB) *Server {
	t.Helper()
	return NewAt(t, "")
}

// NewAt is New with the API under a path, "/api/v3" as on GitHub Enterprise
// Server.
func NewAt(t testing.TB, prefix string) *Server {
	t.Helper()
	doc, err := ghspec.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{
		t: t, doc: doc,
		accounts: map[string]Account{Token: {Login: "github-actions[bot]", Installation: true}},
	}
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	s.URL = srv.URL + prefix
	store := httptest.NewServer(http.HandlerFunc(s.store))
	t.Cleanup(store.Close)
	s.storeURL = store.URL
	doc.Servers = openapi3.Servers{{URL: s.URL}}
	if s.router, err = gorillamux.NewRouter(doc); err != nil {
		t.Fatal(err)
	}
	return s
}

// Grant makes a token known.
func (s *Server) Grant(token string, a Account) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accounts[token] = a
}

// AddPull adds a pull request.
func (s *Server) AddPull(p Pull) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p.State, p.BaseSHA = cmp.Or(p.State, "open"), cmp.Or(p.BaseSHA, BaseSHA)
	s.pulls = append(s.pulls, p)
}

// MovePull has a pull request's head move, as a push would.
func (s *Server) MovePull(number int, sha string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.pulls {
		if s.pulls[i].Number == number {
			s.pulls[i].HeadSHA = sha
		}
	}
}

// AddComment adds a comment by anybody and returns its id.
func (s *Server) AddComment(pr int, login, body string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.add(Comment{PR: pr, Login: login, Body: body}).ID
}

// RemoveComment deletes a comment, as a person would. It reports whether it
// was there.
func (s *Server) RemoveComment(id int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.comments)
	s.comments = slices.DeleteFunc(s.comments, func(c Comment) bool { return c.ID == id })
	return len(s.comments) < n
}

// add gives a comment its id; s.mu is held.
func (s *Server) add(c Comment) Comment {
	s.lastID++
	c.ID = s.lastID
	s.comments = append(s.comments, c)
	return c
}

// Comments returns what stands on a pull request, by id.
func (s *Server) Comments(pr int) []Comment {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(func(yield func(Comment) bool) {
		for _, c := range s.comments {
			if c.PR == pr && !yield(c) {
				return
			}
		}
	})
}

// Hook has f called with every request before it takes effect, from the
// request's own goroutine: f may block it or make other requests.
func (s *Server) Hook(f func(Request)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hook = f
}

// Requests returns the routes that were asked for, in order.
func (s *Server) Requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	routes := make([]string, len(s.requests))
	for i, r := range s.requests {
		routes[i] = r.Route
	}
	return routes
}

// arrive counts a request and returns it with the hook to call.
func (s *Server) arrive(route, token string) (Request, func(Request)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := Request{Route: route, Token: token, N: 1}
	for _, earlier := range s.requests {
		if earlier.Route == route {
			r.N++
		}
	}
	s.requests = append(s.requests, r)
	return r, s.hook
}
