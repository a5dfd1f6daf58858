package forge_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/forge"
	"github.com/org/registry-action/internal/forge/forgetest"
)

func note(body string) string { return "stopped\n\n" + strings.TrimPrefix(body, "stopped\n\n") }

// Amend edits what an older run wrote, once, and leaves it that run's.
func TestAmend(t *testing.T) {
	srv := start(t)
	c, _ := client(t, srv, forgetest.Token)
	if res, err := c.Amend(t.Context(), 7, "default", comment(1).State, note); err != nil || res != (forge.Result{}) || len(srv.Comments(7)) != 0 {
		t.Fatalf("without a comment: %+v, %v", res, err)
	}
	srv.AddComment(7, "mallory", forgetestMark(t, srv, c)) // a marker in somebody else's comment
	first := upsert(t, c, comment(1))
	for _, want := range []forge.Action{forge.Updated, forge.Unchanged} {
		if res, err := c.Amend(t.Context(), 7, "default", comment(2).State, note); err != nil || res.Action != want || res.ID != first.ID {
			t.Errorf("Amend = %+v, %v, want %s", res, err, want)
		}
	}
	wantOne(t, srv, bot, "stopped\n\nrun 1")
	for _, by := range []int64{1, 0} {
		if res, err := c.Amend(t.Context(), 7, "default", comment(by).State, func(string) string { return "evil" }); err != nil || res.Action != forge.Stale {
			t.Errorf("Amend by run %d = %+v, %v, want it stale", by, res, err)
		}
	}
	if res := upsert(t, c, comment(1)); res.Action != forge.Updated {
		t.Errorf("the run that wrote it writes again: %+v, want its comment updated", res)
	}
	if res, err := c.Amend(t.Context(), 7, "default", comment(2).State, func(string) string { return strings.Repeat("x", forge.MaxBody) }); err == nil {
		t.Errorf("too long a text = %+v, want a refusal", res)
	}
	wantOne(t, srv, bot, "run 1")
}

// forgetestMark is the text of a comment with our hidden lines, as anybody may copy it.
func forgetestMark(t *testing.T, srv *forgetest.Server, c *forge.Client) string {
	t.Helper()
	res := upsert(t, c, comment(1))
	text := srv.Comments(7)[0].Body
	if !srv.RemoveComment(res.ID) {
		t.Fatal("the comment is gone")
	}
	return text
}

func TestAmendReadOnly(t *testing.T) {
	srv := start(t)
	c, _ := client(t, srv, forgetest.Token)
	upsert(t, c, comment(1))
	srv.Grant("reader", forgetest.Account{Login: bot, Installation: true, ReadOnly: true})
	reader, _ := client(t, srv, "reader")
	if _, err := reader.Amend(t.Context(), 7, "default", comment(2).State, note); !errors.Is(err, forge.ErrReadOnly) {
		t.Errorf("a token that may only read: %v, want ErrReadOnly", err)
	}
	srv.Fail(forgetest.Fault{Route: forgetest.GetComment, Times: 1, Status: 404})
	if res, err := c.Amend(t.Context(), 7, "default", comment(2).State, note); err != nil || res != (forge.Result{}) {
		t.Errorf("a comment that goes meanwhile: %+v, %v", res, err)
	}
}
