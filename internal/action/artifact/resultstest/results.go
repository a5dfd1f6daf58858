// Package resultstest is a stand-in for the results service of GitHub Actions and the blob store behind it, as far as
// artifacts go. A test of package artifact has GitHub's own client upload to it.
package resultstest

import (
	"archive/zip"
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// maxBody bounds a request's body, in bytes.
const maxBody = 1 << 20

// Artifact is one that was finished.
type Artifact struct {
	Run, Job string // the ids of the token
	Name     string
	Zip      []byte
	Digest   string // sha256:…
}

// Files returns what is in the archive.
func (a Artifact) Files(t testing.TB) map[string]string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(a.Zip), int64(len(a.Zip)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files[f.Name] = string(text)
	}
	return files
}

// Server is the stand-in. Its methods are safe for concurrent use.
type Server struct {
	URL string // as ACTIONS_RESULTS_URL

	t        testing.TB
	finished func(Artifact)

	mu       sync.Mutex
	fail     func(path string) int
	uploads  map[string]*upload // by signature
	requests []string
}

type upload struct {
	Artifact
	blocks map[string][]byte
	closed bool
}

// New starts a Server, which ends with the test. finished, which may be nil, hears of each artifact.
func New(t testing.TB, finished func(Artifact)) *Server {
	t.Helper()
	s := &Server{t: t, finished: finished, uploads: map[string]*upload{}}
	mux := http.NewServeMux()
	const service = "POST /twirp/github.actions.results.api.v1.ArtifactService/"
	mux.HandleFunc(service+"CreateArtifact", s.create)
	mux.HandleFunc(service+"FinalizeArtifact", s.finalize)
	mux.HandleFunc("PUT /store/{container}/{blob}", s.put)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if status := s.arrive(r); status != 0 {
			w.WriteHeader(status)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	s.URL = srv.URL
	return s
}

// Env is what a job of a run has of the service; the ids are the service's own.
func (s *Server) Env(run, job string) []string {
	return []string{"ACTIONS_RESULTS_URL=" + s.URL + "/", "ACTIONS_RUNTIME_URL=" + s.URL + "/", "ACTIONS_RUNTIME_TOKEN=" + Token(run, job)}
}

// Token is a runner's token, of a service that does not look at signatures.
func Token(run, job string) string {
	part := func(v any) string {
		text, _ := json.Marshal(v) // of maps of strings
		return base64.RawURLEncoding.EncodeToString(text)
	}
	return part(map[string]string{"alg": "none"}) + "." + part(map[string]string{"scp": "Actions.GenericRead:0 Actions.Results:" + run + ":" + job}) + ".c2lnbmF0dXJl"
}

// Fail has requests answered with the status that f returns for their path, if it is not 0.
func (s *Server) Fail(f func(path string) int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = f
}

// Requests returns what was asked for, in order: method, last part of the path and comp of the query.
func (s *Server) Requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.requests...)
}

func (s *Server) arrive(r *http.Request) (status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	what := r.Method + " " + r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
	if comp := r.URL.Query().Get("comp"); comp != "" {
		what = r.Method + " " + comp
	}
	s.requests = append(s.requests, what)
	if s.fail == nil {
		return 0
	}
	return s.fail(what)
}

type message struct {
	Run     string `json:"workflow_run_backend_id"`
	Job     string `json:"workflow_job_run_backend_id"`
	Name    string `json:"name"`
	Version int    `json:"version"`
	Size    string `json:"size"`
	Hash    string `json:"hash"`
}

// read reads a message and holds it against the token.
func (s *Server) read(w http.ResponseWriter, r *http.Request) (m message, ok bool) {
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
		s.t.Errorf("%s: the body is not what the service takes: %v", r.URL.Path, err)
	}
	if r.Header.Get("Authorization") != "Bearer "+Token(m.Run, m.Job) {
		w.WriteHeader(http.StatusUnauthorized)
		return m, false
	}
	return m, true
}

func (s *Server) create(w http.ResponseWriter, r *http.Request) {
	m, ok := s.read(w, r)
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, u := range s.uploads {
		if u.Run == m.Run && u.Name == m.Name {
			answer(w, http.StatusConflict, map[string]any{"code": "already_exists", "msg": "an artifact with this name already exists on the workflow run"})
			return
		}
	}
	signature := rand.Text()
	s.uploads[signature] = &upload{Artifact: Artifact{Run: m.Run, Job: m.Job, Name: m.Name}, blocks: map[string][]byte{}}
	answer(w, http.StatusOK, map[string]any{"ok": true, "signed_upload_url": fmt.Sprintf("%s/store/actions-results/%s.zip?se=2030-01-01T00%%3A00%%3A00Z&sig=%s", s.URL, m.Name, signature)})
}

// put is what a block blob has: Put Blob, Put Block and Put Block List.
func (s *Server) put(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	q := r.URL.Query()
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.uploads[q.Get("sig")]
	if err != nil || u == nil || u.closed || r.Header.Get("Authorization") != "" || r.Header.Get("X-Ms-Version") == "" {
		s.t.Errorf("PUT %s with %v is not what a signed URL is for (%v)", r.URL, r.Header, err)
		w.WriteHeader(http.StatusForbidden)
		return
	}
	switch q.Get("comp") {
	case "block":
		u.blocks[q.Get("blockid")] = body
	case "blocklist":
		var list struct{ Latest, Uncommitted []string }
		if err := xml.Unmarshal(body, &list); err != nil {
			s.t.Errorf("the list of blocks is no XML: %v", err)
		}
		u.Zip = nil
		for _, id := range append(list.Latest, list.Uncommitted...) {
			u.Zip = append(u.Zip, u.blocks[id]...)
		}
	case "":
		if r.Header.Get("X-Ms-Blob-Type") != "BlockBlob" {
			s.t.Errorf("Put Blob without its type: %v", r.Header)
		}
		u.Zip = body
	}
	w.WriteHeader(http.StatusCreated)
}

func (s *Server) finalize(w http.ResponseWriter, r *http.Request) {
	m, ok := s.read(w, r)
	if !ok {
		return
	}
	done, found := s.close(m)
	if !found {
		answer(w, http.StatusNotFound, map[string]any{"code": "not_found", "msg": "there is no such artifact"})
		return
	}
	if s.finished != nil {
		s.finished(done)
	}
	answer(w, http.StatusOK, map[string]any{"ok": true, "artifact_id": "815"})
}

// close ends an upload, whose size and digest must be as told.
func (s *Server) close(m message) (Artifact, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, u := range s.uploads {
		if u.Run != m.Run || u.Name != m.Name {
			continue
		}
		sum := sha256.Sum256(u.Zip)
		u.Digest, u.closed = "sha256:"+hex.EncodeToString(sum[:]), true
		if m.Hash != u.Digest || m.Size != fmt.Sprint(len(u.Zip)) {
			s.t.Errorf("%s has %d bytes, %s; the client says %s, %s", m.Name, len(u.Zip), u.Digest, m.Size, m.Hash)
		}
		return u.Artifact, true
	}
	return Artifact{}, false
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
