package forge_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/forge"
	"github.com/org/registry-action/internal/forge/forgetest"
)

func TestUpsertCreatesThenUpdates(t *testing.T) {
	srv := start(t)
	c, _ := client(t, srv, forgetest.Token)

	first := upsert(t, c, comment(1))
	if first.Action != forge.Created || first.ID == 0 || !strings.HasSuffix(first.URL, fmt.Sprintf("/pull/7#issuecomment-%d", first.ID)) {
		t.Errorf("first = %+v, want a created comment", first)
	}
	if got := upsert(t, c, comment(1)); got.Action != forge.Unchanged || got.ID != first.ID {
		t.Errorf("the same again = %+v, want it unchanged", got)
	}
	if got := upsert(t, c, comment(2)); got.Action != forge.Updated || got.ID != first.ID {
		t.Errorf("the next run = %+v, want comment %d updated", got, first.ID)
	}
	wantOne(t, srv, bot, "run 2")

	rerun := comment(2)
	rerun.State.Attempt, rerun.Body = 2, "run 2 again"
	if got := upsert(t, c, rerun); got.Action != forge.Updated {
		t.Errorf("the next attempt = %+v, want it updated", got)
	}
	if got := upsert(t, c, comment(2)); got.Action != forge.Stale || got.ID != first.ID {
		t.Errorf("the first attempt = %+v, want it stale", got)
	}
	old := comment(1)
	old.State.Attempt = 9
	if got := upsert(t, c, old); got.Action != forge.Stale {
		t.Errorf("a re-run of an old run = %+v, want it stale", got)
	}
	wantOne(t, srv, bot, "run 2 again")
	if n := count(srv, forgetest.GetUser); n != 1 {
		t.Errorf("GET /user was asked %d times, want once", n)
	}
}

func TestUpsertFindsItsCommentOnLaterPages(t *testing.T) {
	srv := start(t)
	for i := range 130 {
		srv.AddComment(7, "someone", fmt.Sprintf("chat %d", i))
	}
	c, _ := client(t, srv, forgetest.Token)
	first := upsert(t, c, comment(1))
	for i := range 130 {
		srv.AddComment(7, "someone", fmt.Sprintf("more %d", i))
	}
	if got := upsert(t, c, comment(2)); got.ID != first.ID || got.Action != forge.Updated {
		t.Errorf("Upsert = %+v, want comment %d updated", got, first.ID)
	}
	wantOne(t, srv, bot, "run 2")
	if n := len(srv.Comments(7)); n != 261 {
		t.Errorf("%d comments stand, want 261", n)
	}
}

func TestUpsertLeavesForeignCommentsAlone(t *testing.T) {
	srv := start(t)
	c, _ := client(t, srv, forgetest.Token)
	newest := comment(99)
	upsert(t, c, newest)
	forged := srv.Comments(7)[0].Body

	srv = start(t)
	mallory := srv.AddComment(7, "mallory", forged)
	quoted := srv.AddComment(7, bot, "> "+forged)
	otherTool := srv.AddComment(7, bot, "<!-- sticky -->\nreport")
	c, _ = client(t, srv, forgetest.Token)
	otherKey := comment(50)
	otherKey.Key = "docs --> <b>"
	docs := upsert(t, c, otherKey)

	mine := upsert(t, c, comment(1))
	if mine.Action != forge.Created || slices.Contains([]int64{mallory, quoted, otherTool, docs.ID}, mine.ID) {
		t.Errorf("Upsert = %+v, want a comment of its own", mine)
	}
	if got := upsert(t, c, otherKey); got.Action != forge.Unchanged || got.ID != docs.ID {
		t.Errorf("the other key = %+v, want it unchanged", got)
	}
	if n := len(srv.Comments(7)); n != 5 {
		t.Errorf("%d comments stand, want 5", n)
	}
}

func TestUpsertWithAPersonalToken(t *testing.T) {
	srv := start(t)
	srv.Grant("pat", forgetest.Account{Login: "Octo-Cat"})
	c, _ := client(t, srv, "pat")
	upsert(t, c, comment(1))
	upsert(t, c, comment(2))
	wantOne(t, srv, "Octo-Cat", "run 2")
}

// An app's token can't ask who it is and is not github-actions[bot].
func TestUpsertWithAnAppsToken(t *testing.T) {
	srv := start(t)
	srv.Grant("app", forgetest.Account{Login: "our-app[bot]", Installation: true})
	for n := range int64(3) {
		c, _ := client(t, srv, "app")
		if got := upsert(t, c, comment(n+1)); got.Action != forge.Created {
			t.Errorf("Upsert = %+v, want it created", got)
		}
	}
	wantOne(t, srv, "our-app[bot]", "run 3")

	c, _ := client(t, srv, "app")
	if got := upsert(t, c, comment(1)); got.Action != forge.Stale {
		t.Errorf("an old run = %+v, want it stale", got)
	}
	wantOne(t, srv, "our-app[bot]", "run 3")

	named, err := forge.New(forge.Options{APIURL: srv.URL, Token: "app", Owner: "acme", Repo: "ws", Login: "our-app[bot]"})
	if err != nil {
		t.Fatal(err)
	}
	if got := upsert(t, named, comment(4)); got.Action != forge.Updated {
		t.Errorf("with the login given = %+v, want it updated", got)
	}
}

func TestUpsertRecreates(t *testing.T) {
	srv := start(t)
	c, _ := client(t, srv, forgetest.Token)
	first := upsert(t, c, comment(1))
	srv.AddComment(7, "someone", "chat")

	again := comment(2)
	again.Mode = forge.Recreate
	second := upsert(t, c, again)
	if second.Action != forge.Created || second.ID <= first.ID {
		t.Errorf("Upsert = %+v, want a new comment after %d", second, first.ID)
	}
	wantOne(t, srv, bot, "run 2")
	if got := upsert(t, c, again); got.Action != forge.Unchanged || got.ID != second.ID {
		t.Errorf("the same again = %+v, want it unchanged", got)
	}
	more := again
	more.Body = "run 2, another job"
	if got := upsert(t, c, more); got.Action != forge.Updated || got.ID != second.ID {
		t.Errorf("the same run with more to say = %+v, want its own comment updated", got)
	}
	old := comment(1)
	old.Mode = forge.Recreate
	if got := upsert(t, c, old); got.Action != forge.Stale || got.ID != second.ID {
		t.Errorf("an old run = %+v, want it stale", got)
	}
}

func TestUpsertHealsDuplicates(t *testing.T) {
	srv := start(t)
	c, _ := client(t, srv, forgetest.Token)
	first := upsert(t, c, comment(1))
	srv.AddComment(7, bot, srv.Comments(7)[0].Body)
	if got := upsert(t, c, comment(2)); got.ID != first.ID {
		t.Errorf("Upsert = %+v, want comment %d", got, first.ID)
	}
	wantOne(t, srv, bot, "run 2")
}

func TestUpsertReadsASpoiledStateAsOldest(t *testing.T) {
	for _, body := range []string{
		"<!-- registry-action:v1 key=default -->",
		"<!-- registry-action:v1 key=default -->\n<!-- registry-action:state !!! -->\nx",
		"<!-- registry-action:v1 key=default -->\r\n<!-- registry-action:state e30= -->\r\nx",
	} {
		srv := start(t)
		id := srv.AddComment(7, bot, body)
		c, _ := client(t, srv, forgetest.Token)
		if got := upsert(t, c, comment(1)); got.Action != forge.Updated || got.ID != id {
			t.Errorf("over %q: %+v, want it updated", body, got)
		}
	}
}

func TestUpsertReadOnly(t *testing.T) {
	t.Run("creating", func(t *testing.T) {
		srv := start(t)
		srv.Grant("fork", forgetest.Account{Login: bot, Installation: true, ReadOnly: true})
		c, p := client(t, srv, "fork")
		if _, err := c.Upsert(t.Context(), comment(1)); !errors.Is(err, forge.ErrReadOnly) {
			t.Errorf("Upsert = %v, want ErrReadOnly", err)
		}
		if len(p.all) > 0 || count(srv, forgetest.CreateComment) != 1 {
			t.Errorf("it tried %d times and waited %v, want one try", count(srv, forgetest.CreateComment), p.all)
		}
	})
	for _, route := range []string{forgetest.UpdateComment, forgetest.ListComments, forgetest.CreateComment} {
		for _, status := range []int{http.StatusForbidden, http.StatusNotFound} {
			t.Run(fmt.Sprint(route, status), func(t *testing.T) {
				srv := start(t)
				c, p := client(t, srv, forgetest.Token)
				next := comment(1)
				if route == forgetest.UpdateComment {
					upsert(t, c, next)
					next = comment(2)
				}
				srv.Fail(forgetest.Fault{Route: route, Status: status, Times: 100})
				if _, err := c.Upsert(t.Context(), next); !errors.Is(err, forge.ErrReadOnly) {
					t.Errorf("Upsert = %v, want ErrReadOnly", err)
				}
				if len(p.all) > 0 {
					t.Errorf("it waited %v, want no wait", p.all)
				}
			})
		}
	}
}

func TestUpsertRefuses(t *testing.T) {
	srv := start(t)
	c, _ := client(t, srv, forgetest.Token)
	long := comment(1)
	long.Body = strings.Repeat("é", forge.MaxBody)
	noPull := comment(1)
	noPull.PR = 0
	mode := comment(1)
	mode.Mode = "shout"
	key := comment(1)
	key.Key = strings.Repeat("k", 201)
	for want, cm := range map[*fault.Error]forge.Comment{
		{Kind: fault.TooLarge, Code: "body"}: long, {Kind: fault.Invalid, Code: "pull"}: noPull,
		{Kind: fault.Invalid, Code: "mode"}: mode, {Kind: fault.Invalid, Code: "key"}: key,
	} {
		if _, err := c.Upsert(t.Context(), cm); !errors.Is(err, want.Kind) {
			t.Errorf("%s: Upsert = %v, want %s", want.Code, err, want.Kind)
		}
	}
	if got := srv.Requests(); len(got) > 0 {
		t.Errorf("requests = %v, want none", got)
	}

	unknown, _ := client(t, srv, "expired")
	if _, err := unknown.Upsert(t.Context(), comment(1)); !errors.Is(err, fault.Unauthenticated) {
		t.Errorf("with an unknown token: %v, want fault.Unauthenticated", err)
	}
	srv.Fail(forgetest.Fault{Route: forgetest.CreateComment, Status: 422})
	if _, err := c.Upsert(t.Context(), comment(1)); !errors.Is(err, fault.Invalid) {
		t.Errorf("answered 422: %v, want fault.Invalid", err)
	}
}

func TestUpsertFitsTheLongestBody(t *testing.T) {
	srv := start(t)
	c, _ := client(t, srv, forgetest.Token)
	cm := comment(1)
	cm.Body = strings.Repeat("é", 60000)
	upsert(t, c, cm)
	if got := upsert(t, c, cm); got.Action != forge.Unchanged {
		t.Errorf("Upsert = %+v, want it unchanged", got)
	}
}

// The comment was created, the answer said otherwise.
func TestUpsertAfterALostAnswer(t *testing.T) {
	for _, f := range []forgetest.Fault{
		{Route: forgetest.CreateComment, Status: 502, Applied: true},
		{Route: forgetest.CreateComment, Status: 0, Applied: true},
		{Route: forgetest.CreateComment, Status: 500, Times: 3},
		{Route: forgetest.CreateComment, Status: 0, Times: 2},
	} {
		t.Run(fmt.Sprintf("%d applied=%v", f.Status, f.Applied), func(t *testing.T) {
			srv := start(t)
			srv.Fail(f)
			c, _ := client(t, srv, forgetest.Token)
			if got := upsert(t, c, comment(1)); got.Action != forge.Created {
				t.Errorf("Upsert = %+v, want it created", got)
			}
			wantOne(t, srv, bot, "run 1")
		})
	}
	t.Run("update", func(t *testing.T) {
		srv := start(t)
		c, _ := client(t, srv, forgetest.Token)
		upsert(t, c, comment(1))
		srv.Fail(forgetest.Fault{Route: forgetest.UpdateComment, Status: 502, Applied: true})
		if got := upsert(t, c, comment(2)); got.Action != forge.Updated {
			t.Errorf("Upsert = %+v, want it updated", got)
		}
		if n := count(srv, forgetest.UpdateComment); n != 1 {
			t.Errorf("it was updated %d times, want once", n)
		}
	})
	t.Run("for good", func(t *testing.T) {
		srv := start(t)
		srv.Fail(forgetest.Fault{Route: forgetest.CreateComment, Status: 503, Times: 100})
		c, p := client(t, srv, forgetest.Token)
		if _, err := c.Upsert(t.Context(), comment(1)); !errors.Is(err, fault.Upstream) {
			t.Errorf("Upsert = %v, want fault.Upstream", err)
		}
		want := []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second}
		if diff := cmp.Diff(want, p.all); diff != "" {
			t.Errorf("pauses (-want +got):\n%s", diff)
		}
	})
}
