package forgetest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"net/http/httptest"
	"strings"
)

// object is a JSON object of GitHub's; the answers start from the examples in
// its description and change only what the stand-in knows better.
type object = map[string]any

// example returns a copy of an example of the description.
func (s *Server) example(name string) object {
	data, err := json.Marshal(s.doc.Components.Examples[name].Value.Value)
	if err != nil {
		s.t.Errorf("copying the example %s: %v", name, err)
	}
	var one object
	if json.Unmarshal(data, &one) == nil {
		return one
	}
	var list []object
	if err := json.Unmarshal(data, &list); err != nil || len(list) == 0 {
		s.t.Errorf("the example %s is neither an object nor a list of them", name)
		return object{}
	}
	return list[0]
}

func (s *Server) comment(c Comment) object {
	o := s.example("issue-comment")
	o["id"], o["body"] = c.ID, c.Body
	o["html_url"] = fmt.Sprintf("https://github.com/%s/%s/pull/%d#issuecomment-%d", Owner, Repo, c.PR, c.ID)
	o["url"] = fmt.Sprintf("%s/repos/%s/%s/issues/comments/%d", s.URL, Owner, Repo, c.ID)
	o["issue_url"] = fmt.Sprintf("%s/repos/%s/%s/issues/%d", s.URL, Owner, Repo, c.PR)
	user := o["user"].(object)
	user["login"] = c.Login
	if strings.HasSuffix(c.Login, "[bot]") {
		user["type"] = "Bot"
	}
	return o
}

func (s *Server) pull(example string, p Pull) object {
	o := s.example(example)
	o["number"], o["state"] = p.Number, p.State
	o["requested_teams"] = []any{} // the example's are not as described
	head, base := o["head"].(object), o["base"].(object)
	head["sha"], head["ref"] = p.HeadSHA, p.HeadRef
	base["ref"], base["sha"] = p.BaseRef, p.BaseSHA
	user := o["user"].(object)
	user["login"], user["id"] = cmp.Or(p.Author, "octocat"), ID(cmp.Or(p.Author, "octocat"))
	repository(base, Owner+"/"+Repo)
	repository(head, p.HeadRepo)
	return o
}

// repository names the repository of a run or of one end of a pull request.
func repository(of object, fullName string) {
	repo, ok := of["repo"].(object)
	if !ok {
		repo = of["repository"].(object)
	}
	name(repo, fullName)
}

// name names a repository. Its id comes from its name.
func name(repo object, fullName string) {
	repo["id"], repo["full_name"] = ID(fullName), fullName
	repo["name"] = fullName[strings.Index(fullName, "/")+1:]
}

func hash(name string) uint32 {
	h := fnv.New32a()
	h.Write([]byte(name))
	return h.Sum32()
}

func (s *Server) user(login string) object {
	o := s.example("private-user-response-with-public-profile-information")
	o["login"], o["user_view_type"] = login, "public"
	return o
}

func answer(w *httptest.ResponseRecorder, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	// A recorder takes everything, and what we made can be marshalled.
	_ = json.NewEncoder(w).Encode(body)
}

// refuse answers in the shape of GitHub's refusals.
func refuse(w *httptest.ResponseRecorder, status int, message string) {
	answer(w, status, object{"message": message, "documentation_url": "https://docs.github.com/rest"})
}
