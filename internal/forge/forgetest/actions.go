package forgetest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Run is a run of a workflow of the repository.
type Run struct {
	ID        int64
	Attempt   int    // default 1
	Event     string // default "pull_request"
	Status    string // default "in_progress"
	HeadSHA   string
	HeadRef   string
	HeadRepo  string    // owner/name; default the repository
	Path      string    // of the workflow; default ".github/workflows/preview.yml"
	Actor     string    // who began this attempt
	Beginner  string    // who began the first one; default Actor
	StartedAt time.Time // default now
}

// Artifact is what a job has attached to its run.
type Artifact struct {
	ID        int64
	RunID     int64
	Name      string
	Zip       []byte
	CreatedAt time.Time // default now
	Size      int64     // that is told; default that of Zip
	Expired   bool
}

// ID is that of a repository or a person, which comes from the name.
func ID(name string) int64 { return int64(hash(name)) }

// PutRun adds a run, or says what became of it.
func (s *Server) PutRun(r Run) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.Attempt = cmp.Or(r.Attempt, 1)
	r.Event, r.Status = cmp.Or(r.Event, "pull_request"), cmp.Or(r.Status, "in_progress")
	r.HeadRepo, r.HeadRef = cmp.Or(r.HeadRepo, Owner+"/"+Repo), cmp.Or(r.HeadRef, "fix")
	r.Path, r.Actor = cmp.Or(r.Path, ".github/workflows/preview.yml"), cmp.Or(r.Actor, "octocat")
	if r.StartedAt.IsZero() {
		r.StartedAt = time.Now()
	}
	s.runs = slices.DeleteFunc(s.runs, func(o Run) bool { return o.ID == r.ID })
	s.runs = append(s.runs, r)
}

// AddArtifact attaches an artifact to a run and returns its id.
func (s *Server) AddArtifact(a Artifact) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastID++
	a.ID = s.lastID
	a.Size = cmp.Or(a.Size, int64(len(a.Zip)))
	if a.CreatedAt.IsZero() {
		a.CreatedAt = time.Now()
	}
	s.artifacts = append(s.artifacts, a)
	return a.ID
}

// SetPull changes a pull request that was added.
func (s *Server) SetPull(p Pull) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p.State = cmp.Or(p.State, "open")
	s.pulls = slices.DeleteFunc(s.pulls, func(o Pull) bool { return o.Number == p.Number })
	s.pulls = append(s.pulls, p)
}

// Store gives the bytes of artifacts by signed addresses, as GitHub's does on another host than the API's. It takes no token.
func (s *Server) store(w http.ResponseWriter, r *http.Request) {
	if got := r.Header.Get("Authorization"); got != "" {
		s.t.Errorf("the store of artifacts is sent the token %q, want none", got)
	}
	s.mu.Lock()
	i := slices.IndexFunc(s.artifacts, func(a Artifact) bool { return r.URL.Path == fmt.Sprintf("/%d.zip", a.ID) })
	if i < 0 || r.URL.Query().Get("sig") == "" {
		s.mu.Unlock()
		http.NotFound(w, r)
		return
	}
	data := s.artifacts[i].Zip
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/zip")
	_, _ = w.Write(data) // a client that has enough hangs up
}

func (s *Server) listRuns(w *httptest.ResponseRecorder, r *http.Request) {
	found := []any{}
	for _, run := range slices.Backward(s.runs) {
		if status := r.URL.Query().Get("status"); status == "" || status == run.Status {
			found = append(found, s.run(run))
		}
	}
	s.pageOf(w, r, found, "workflow_runs")
}

func (s *Server) getRun(w *httptest.ResponseRecorder, id int64) {
	for _, run := range s.runs {
		if run.ID == id {
			answer(w, http.StatusOK, s.run(run))
			return
		}
	}
	refuse(w, http.StatusNotFound, "Not Found")
}

func (s *Server) run(r Run) object {
	o := s.example("workflow-run")
	o["id"], o["run_attempt"], o["event"], o["status"] = r.ID, r.Attempt, r.Event, r.Status
	o["head_sha"], o["head_branch"], o["path"] = r.HeadSHA, r.HeadRef, r.Path
	o["run_started_at"] = r.StartedAt.UTC().Format(time.RFC3339)
	o["html_url"] = fmt.Sprintf("https://github.com/%s/%s/actions/runs/%d", Owner, Repo, r.ID)
	actor, trigger := o["actor"].(object), o["triggering_actor"].(object)
	actor["login"], actor["id"] = cmp.Or(r.Beginner, r.Actor), ID(cmp.Or(r.Beginner, r.Actor))
	trigger["login"], trigger["id"] = r.Actor, ID(r.Actor)
	if r.Status == "completed" {
		o["conclusion"] = "success"
	}
	repository(o, Owner+"/"+Repo)
	head := object{"repo": o["head_repository"]}
	name(head["repo"].(object), r.HeadRepo)
	return o
}

func (s *Server) listArtifacts(w *httptest.ResponseRecorder, r *http.Request, run int64) {
	found := []any{}
	for _, a := range s.artifacts {
		if want := r.URL.Query().Get("name"); a.RunID == run && (want == "" || want == a.Name) {
			found = append(found, s.artifact(a))
		}
	}
	s.pageOf(w, r, found, "artifacts")
}

func (s *Server) artifact(a Artifact) object {
	o := s.example("artifact-paginated")["artifacts"].([]any)[0].(object)
	o["id"], o["name"], o["size_in_bytes"], o["expired"] = a.ID, a.Name, a.Size, a.Expired
	o["created_at"] = a.CreatedAt.UTC().Format(time.RFC3339)
	about := o["workflow_run"].(object)
	about["id"], about["repository_id"] = a.RunID, ID(Owner+"/"+Repo)
	for _, r := range s.runs {
		if r.ID == a.RunID {
			about["head_sha"], about["head_branch"], about["head_repository_id"] = r.HeadSHA, r.HeadRef, ID(r.HeadRepo)
		}
	}
	return o
}

func (s *Server) download(w *httptest.ResponseRecorder, id int64, token string) {
	i := slices.IndexFunc(s.artifacts, func(a Artifact) bool { return a.ID == id })
	switch {
	case token == "":
		refuse(w, http.StatusUnauthorized, "Requires authentication") // of public repositories too
	case i < 0:
		refuse(w, http.StatusNotFound, "Not Found")
	case s.artifacts[i].Expired:
		refuse(w, http.StatusGone, "Artifact has expired")
	default:
		w.Header().Set("Location", fmt.Sprintf("%s/%d.zip?sig=signature", s.storeURL, id))
		w.WriteHeader(http.StatusFound)
	}
}

func (s *Server) createStatus(w *httptest.ResponseRecorder, r *http.Request, sha string) {
	var in Status
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		refuse(w, http.StatusUnprocessableEntity, "Problems parsing JSON")
		return
	}
	if utf8.RuneCountInString(in.Description) > maxDescription {
		refuse(w, http.StatusUnprocessableEntity, "Validation Failed: description is too long (maximum is 140 characters)")
		return
	}
	in.SHA = sha
	s.statuses = append(s.statuses, in)
	o := s.example("status")
	o["state"], o["context"], o["description"], o["target_url"] = in.State, in.Context, in.Description, in.URL
	w.Header().Set("Location", strings.TrimSuffix(s.URL, "/")+"/repos/"+Owner+"/"+Repo+"/statuses/"+sha)
	answer(w, http.StatusCreated, o)
}

// maxDescription is the most characters that GitHub takes in a status.
const maxDescription = 140

// Status is a mark beside a commit.
type Status struct {
	SHA         string `json:"-"`
	State       string `json:"state"`
	Context     string `json:"context"`
	Description string `json:"description"`
	URL         string `json:"target_url"`
}

// Statuses returns the marks in the order in which they were set.
func (s *Server) Statuses() []Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.statuses)
}

func (s *Server) getRepository(w *httptest.ResponseRecorder) {
	o := s.example("full-repository-default-response")
	name(o, Owner+"/"+Repo)
	o["default_branch"] = "main"
	o["language"] = nil // the example is not all as described, and this is no fork
	delete(o, "source")
	delete(o, "parent")
	owner := o["owner"].(object)
	owner["login"], owner["id"] = Owner, ID(Owner)
	answer(w, http.StatusOK, o)
}
