package forgetest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxBody is the most characters that GitHub takes in a comment.
const maxBody = 65536

// handle lets a request take effect.
func (s *Server) handle(w *httptest.ResponseRecorder, r *http.Request, route, token string, params map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.appRoute(w, route, token, params) {
		return
	}
	who, ok := s.accounts[token] // of "", if it is known: what the public may do
	switch {
	case !ok:
		refuse(w, http.StatusUnauthorized, "Bad credentials")
		return
	case route == GetUser && who.Installation:
		refuse(w, http.StatusForbidden, "Resource not accessible by integration")
		return
	case route == GetUser:
		answer(w, http.StatusOK, s.user(who.Login))
		return
	case params["owner"] != Owner || params["repo"] != Repo:
		refuse(w, http.StatusNotFound, "Not Found")
		return
	case who.NoStatuses && route == CreateStatus:
		refuse(w, http.StatusForbidden, "Resource not accessible by integration")
		return
	case who.ReadOnly && r.Method != http.MethodGet:
		refuse(w, http.StatusForbidden, "Resource not accessible by integration")
		return
	}
	number := func(name string) int64 {
		n, _ := strconv.ParseInt(params[name], 10, 64) // the description was checked
		return n
	}
	switch route {
	case ListPulls:
		s.listPulls(w, r, params["commit_sha"])
	case ListFrom:
		s.listPullsFrom(w, r)
	case GetCommit:
		s.getCommit(w, params["ref"])
	case GetPull:
		s.getPull(w, int(number("pull_number")))
	case ListComments:
		s.listComments(w, r, int(number("issue_number")))
	case CreateComment:
		s.createComment(w, r, int(number("issue_number")), who)
	case GetComment, UpdateComment, DeleteComment:
		s.oneComment(w, r, number("comment_id"))
	case GetRepository:
		s.getRepository(w)
	case CompareCommits:
		s.compare(w, params["basehead"])
	case CreateStatus:
		s.createStatus(w, r, params["sha"])
	case ListRuns:
		s.listRuns(w, r)
	case GetRun:
		s.getRun(w, number("run_id"))
	case ListArtifacts:
		s.listArtifacts(w, r, number("run_id"))
	case DownloadArtifact:
		s.download(w, number("artifact_id"), token)
	default:
		s.t.Errorf("%s: the stand-in does not know the route", route)
	}
}

func (s *Server) listPulls(w *httptest.ResponseRecorder, r *http.Request, sha string) {
	var found []any
	for _, p := range s.pulls {
		// GitHub lists every pull request that has the commit: here, by a
		// common beginning, to have some whose head is another commit.
		if p.HeadSHA[:7] == sha[:7] {
			found = append(found, s.pull("pull-request-simple-items", p))
		}
	}
	s.page(w, r, found)
}

func (s *Server) getPull(w *httptest.ResponseRecorder, n int) {
	for _, p := range s.pulls {
		if p.Number == n {
			answer(w, http.StatusOK, s.pull("pull-request", p))
			return
		}
	}
	refuse(w, http.StatusNotFound, "Not Found")
}

func (s *Server) hasPull(n int) bool {
	return slices.ContainsFunc(s.pulls, func(p Pull) bool { return p.Number == n })
}

func (s *Server) listComments(w *httptest.ResponseRecorder, r *http.Request, pr int) {
	if !s.hasPull(pr) {
		refuse(w, http.StatusNotFound, "Not Found")
		return
	}
	var found []any
	for _, c := range s.comments {
		if c.PR == pr {
			found = append(found, s.comment(c))
		}
	}
	s.page(w, r, found)
}

func (s *Server) createComment(w *httptest.ResponseRecorder, r *http.Request, pr int, who Account) {
	if !s.hasPull(pr) {
		refuse(w, http.StatusNotFound, "Not Found")
		return
	}
	if body, ok := readBody(w, r); ok {
		c := s.add(Comment{PR: pr, Login: who.Login, Body: body})
		w.Header().Set("Location", fmt.Sprintf("%s/repos/%s/%s/issues/comments/%d", s.URL, Owner, Repo, c.ID))
		answer(w, http.StatusCreated, s.comment(c))
	}
}

func (s *Server) oneComment(w *httptest.ResponseRecorder, r *http.Request, id int64) {
	i := slices.IndexFunc(s.comments, func(c Comment) bool { return c.ID == id })
	if i < 0 {
		refuse(w, http.StatusNotFound, "Not Found")
		return
	}
	switch r.Method {
	case http.MethodDelete:
		s.comments = slices.Delete(s.comments, i, i+1)
		w.WriteHeader(http.StatusNoContent)
		return
	case http.MethodPatch:
		body, ok := readBody(w, r)
		if !ok {
			return
		}
		s.comments[i].Body = body
	}
	answer(w, http.StatusOK, s.comment(s.comments[i]))
}

// readBody reads the body of a comment and refuses one that is too long.
func readBody(w *httptest.ResponseRecorder, r *http.Request) (string, bool) {
	var in struct {
		Body string `json:"body"`
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		refuse(w, http.StatusUnprocessableEntity, "Problems parsing JSON")
		return "", false
	}
	if utf8.RuneCountInString(in.Body) > maxBody {
		refuse(w, http.StatusUnprocessableEntity, "Validation Failed: body is too long (maximum is 65536 characters)")
		return "", false
	}
	return in.Body, true
}

// page answers one page of a list, with the Link header of GitHub's.
func (s *Server) page(w *httptest.ResponseRecorder, r *http.Request, all []any) {
	answer(w, http.StatusOK, s.cut(w, r, all))
}

// pageOf is page for the lists that GitHub wraps in an object.
func (s *Server) pageOf(w *httptest.ResponseRecorder, r *http.Request, all []any, member string) {
	answer(w, http.StatusOK, object{"total_count": len(all), member: s.cut(w, r, all)})
}

// cut returns the page that is asked for and sets the Link header.
func (s *Server) cut(w *httptest.ResponseRecorder, r *http.Request, all []any) []any {
	q := r.URL.Query()
	size, page := 30, 1
	if n, err := strconv.Atoi(q.Get("per_page")); err == nil {
		size = min(n, 100)
	}
	if n, err := strconv.Atoi(q.Get("page")); err == nil {
		page = n
	}
	last := (len(all) + size - 1) / size
	link := func(n int, rel string) string {
		next := url.Values{"per_page": {strconv.Itoa(size)}, "page": {strconv.Itoa(n)}}
		path := strings.TrimSuffix(s.URL, "/") + strings.TrimPrefix(r.URL.Path, s.prefix())
		return fmt.Sprintf("<%s?%s>; rel=%q", path, next.Encode(), rel)
	}
	if page < last {
		w.Header().Set("Link", link(page+1, "next")+", "+link(last, "last"))
	}
	from, to := min((page-1)*size, len(all)), min(page*size, len(all))
	return append([]any{}, all[from:to]...)
}

// prefix is the path of the API's root.
func (s *Server) prefix() string {
	u, err := url.Parse(s.URL)
	if err != nil {
		s.t.Errorf("reading our own URL: %v", err)
		return ""
	}
	return u.Path
}
