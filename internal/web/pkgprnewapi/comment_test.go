package pkgprnewapi_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/forge"
	"github.com/org/registry-action/internal/web/pkgprnewapi"
)

// wish is what a comment is to be like.
type wish struct {
	Pulls, Managers []string
	Anew, Dev       bool
}

// The headers of the CLI decide whether there is a comment and how it is; nobody else's pull request gets one.
func TestComments(t *testing.T) {
	w := newWorld(t)
	w.check(9001)
	var asked []wish
	w.api.Comment = func(_ context.Context, c pkgprnewapi.Comment) (int64, error) {
		got := wish{Managers: c.Managers, Anew: c.Anew, Dev: c.Dev}
		for _, p := range c.Run.Pulls {
			got.Pulls = append(got.Pulls, p.BaseRef)
		}
		asked = append(asked, got)
		return 77, nil
	}
	a := file(t, "a", "x")
	head := forge.Head{SHA: sha, Ref: "main", Open: true, RepositoryID: 100, BaseRepositoryID: 100, BaseRef: "next"}
	fork := head
	fork.RepositoryID = 7
	for _, c := range []struct {
		what   string
		pulls  []forge.NumberedHead
		header []string
		want   []wish
	}{
		{"no pull request", nil, []string{"sb-comment: update"}, nil},
		{"a fork's", []forge.NumberedHead{{Number: 9, Head: fork}}, []string{"sb-comment: update"}, nil},
		{"off", []forge.NumberedHead{{Number: 7, Head: head}}, []string{"sb-comment: off"}, nil},
		{"templates alone", []forge.NumberedHead{{Number: 7, Head: head}}, []string{"sb-comment: update", "sb-only-templates: true"}, nil},
		{"as it is", []forge.NumberedHead{{Number: 7, Head: head}}, []string{"sb-comment: update", "sb-package-manager: npm", "sb-comment-with-dev: false"}, []wish{{Pulls: []string{"next"}, Managers: []string{"npm"}}}},
		{"with everything", []forge.NumberedHead{{Number: 7, Head: head}, {Number: 8, Head: head}, {Number: 9, Head: fork}}, []string{"sb-comment: create", "sb-package-manager: pnpm,bun", "sb-comment-with-dev: true"},
			[]wish{{Pulls: []string{"next", "next"}, Managers: []string{"pnpm", "bun"}, Anew: true, Dev: true}}},
	} {
		asked, w.forge.pulls = nil, c.pulls
		got := w.publish(9001, sha, []field{a}, c.header...).Want(t, http.StatusOK, "")
		if diff := cmp.Diff(c.want, asked); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.what, diff)
		}
		if id, has := got.JSON()["commentId"]; has != (c.want != nil) || has && id != 77.0 {
			t.Errorf("%s: commentId = %v", c.what, id)
		}
	}
	w.api.Comment = nil // a server that may not write
	if got := w.publish(9001, sha, []field{a}).Want(t, http.StatusOK, ""); strings.Contains(string(got.Data), "comment") {
		t.Errorf("without anybody to comment: %s", got.Data)
	}
}

// What keeps a comment from being written is told, in words that are fit for a job's log, and the publish succeeds.
func TestCommentsThatFail(t *testing.T) {
	w := newWorld(t)
	w.check(9001)
	w.forge.pulls = []forge.NumberedHead{{Number: 7, Head: forge.Head{SHA: sha, Ref: "main", Open: true, RepositoryID: 100, BaseRepositoryID: 100}}}
	for want, err := range map[string]error{
		"it needs to write pull requests": fault.New(fault.Forbidden, "it needs to write pull requests"),
		"the server's log says why":       errors.New("token ghs_secret is bad"),
	} {
		w.api.Comment = func(context.Context, pkgprnewapi.Comment) (int64, error) { return 0, err }
		got := w.publish(9001, sha, []field{file(t, "a", "x")}).Want(t, http.StatusOK, "a comment could not be written: "+want)
		if _, has := got.JSON()["commentId"]; has || strings.Contains(string(got.Data), "secret") {
			t.Errorf("it answers %s", got.Data)
		}
	}
}
