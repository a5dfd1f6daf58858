package forge_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/org/registry-action/internal/forge"
	"github.com/org/registry-action/internal/forge/forgetest"
)

// Two runs find no comment and both create one.
func TestTwoCreators(t *testing.T) {
	for _, tt := range []struct {
		name         string
		first, other int64 // run numbers: other's whole Upsert runs inside first's create
		want         forge.Action
	}{
		{"the newer is faster", 1, 2, forge.Stale},
		{"the older is faster", 2, 1, forge.Created},
	} {
		t.Run(tt.name, func(t *testing.T) {
			srv := start(t)
			first, _ := client(t, srv, forgetest.Token)
			other, _ := client(t, srv, forgetest.Token)
			srv.Hook(func(r forgetest.Request) {
				if r.Route == forgetest.CreateComment {
					srv.Hook(nil)
					upsert(t, other, comment(tt.other))
				}
			})
			res := upsert(t, first, comment(tt.first))
			stands := wantOne(t, srv, bot, "run 2")
			if res.Action != tt.want || res.ID != stands.ID {
				t.Errorf("Upsert = %+v, want %s of comment %d", res, tt.want, stands.ID)
			}
		})
	}
}

// Two jobs of one run use the same key at once: one of them has its say.
func TestTwoJobsOfOneRun(t *testing.T) {
	srv := start(t)
	one, _ := client(t, srv, forgetest.Token)
	two, _ := client(t, srv, forgetest.Token)
	srv.Hook(func(r forgetest.Request) {
		if r.Route == forgetest.CreateComment {
			srv.Hook(nil)
			cm := comment(1)
			cm.Body = "from two"
			upsert(t, two, cm)
		}
	})
	res := upsert(t, one, comment(1))
	if stands := wantOne(t, srv, bot, "from two"); res.ID != stands.ID {
		t.Errorf("Upsert = %+v, want comment %d", res, stands.ID)
	}
}

// A newer run updates between our list and our edit.
func TestRecheckBeforeUpdate(t *testing.T) {
	srv := start(t)
	older, _ := client(t, srv, forgetest.Token)
	newer, _ := client(t, srv, forgetest.Token)
	upsert(t, older, comment(1))
	srv.Hook(func(r forgetest.Request) {
		if r.Route == forgetest.GetComment {
			srv.Hook(nil)
			upsert(t, newer, comment(3))
		}
	})
	if got := upsert(t, older, comment(2)); got.Action != forge.Stale {
		t.Errorf("Upsert = %+v, want it stale", got)
	}
	wantOne(t, srv, bot, "run 3")
}

// Somebody deletes our comment between our list and our edit.
func TestDeletedBeforeUpdate(t *testing.T) {
	for _, route := range []string{forgetest.GetComment, forgetest.UpdateComment} {
		srv := start(t)
		c, _ := client(t, srv, forgetest.Token)
		upsert(t, c, comment(1))
		srv.Hook(func(r forgetest.Request) {
			if r.Route == route {
				srv.Hook(nil)
				srv.RemoveComment(srv.Comments(7)[0].ID)
			}
		})
		if got := upsert(t, c, comment(2)); got.Action != forge.Created {
			t.Errorf("%s: Upsert = %+v, want it created", route, got)
		}
		wantOne(t, srv, bot, "run 2")
	}
}

// turns lets requests through one at a time, in an order drawn by chance. Each
// client has a token of its own, so that a seed always gives the same order.
type turns struct {
	arrived chan turn
	done    chan struct{}
}

type turn struct {
	token string
	next  chan struct{}
}

func (s turns) hook(r forgetest.Request) {
	next := make(chan struct{})
	s.arrived <- turn{r.Token, next}
	<-next
}

// run runs each function and returns when all are done.
func (s turns) run(rnd *rand.Rand, fs ...func()) {
	var wg sync.WaitGroup
	for _, f := range fs {
		wg.Go(func() {
			defer func() { s.done <- struct{}{} }()
			f()
		})
	}
	var waiting []turn
	for live := len(fs); ; {
		for len(waiting) < live {
			select {
			case t := <-s.arrived:
				waiting = append(waiting, t)
			case <-s.done:
				live--
			}
		}
		if live == 0 {
			break
		}
		slices.SortFunc(waiting, func(a, b turn) int { return strings.Compare(a.token, b.token) })
		i := rnd.IntN(len(waiting))
		close(waiting[i].next)
		waiting = slices.Delete(waiting, i, i+1)
	}
	wg.Wait()
}

// TestRaces runs three runs' Upserts in 120 orders of their requests.
func TestRaces(t *testing.T) {
	srv := start(t)
	s := turns{make(chan turn), make(chan struct{})}
	checked := 0
	for seed := range 120 {
		pr := 1000 + seed
		srv.AddPull(forgetest.Pull{Number: pr, HeadSHA: sha(1), HeadRef: "fix", HeadRepo: "acme/ws", BaseRef: "main"})
		upsert := func(n int64, mode forge.Mode) func() {
			c := named(t, srv, fmt.Sprintf("run-%d", n))
			return func() {
				cm := comment(n)
				cm.PR, cm.Mode = pr, mode
				if _, err := c.Upsert(t.Context(), cm); err != nil {
					t.Errorf("seed %d: Upsert(run %d) = %v", seed, n, err)
				}
			}
		}
		srv.Hook(nil)
		if seed%3 == 0 { // a comment of an earlier run is there
			upsert(1, forge.Update)()
		}
		edits := count(srv, forgetest.UpdateComment)
		srv.Hook(s.hook)
		mode := []forge.Mode{forge.Update, forge.Recreate}[seed%2]
		s.run(rand.New(rand.NewPCG(uint64(seed), 0)), upsert(2, mode), upsert(3, mode), upsert(4, mode))

		got := srv.Comments(pr)
		if len(got) != 1 {
			t.Fatalf("seed %d: %d comments stand, want 1: %+v", seed, len(got), got)
		}
		// An edit cannot be made conditional: of two at the same moment the
		// last one in stands. Creating and deleting has no such moment.
		if count(srv, forgetest.UpdateComment) > edits {
			continue
		}
		checked++
		if !strings.HasSuffix(got[0].Body, "run 4") {
			t.Fatalf("seed %d: %q stands, want run 4", seed, got[0].Body)
		}
	}
	if checked < 30 {
		t.Errorf("%d orders had no edits, want 30 to say something", checked)
	}
}

// named gives a client that knows whose its token is.
func named(t *testing.T, srv *forgetest.Server, token string) *forge.Client {
	t.Helper()
	srv.Grant(token, forgetest.Account{Login: bot, Installation: true})
	c, err := forge.New(forge.Options{APIURL: srv.URL, Token: token, Owner: forgetest.Owner, Repo: forgetest.Repo,
		Login: bot, UserAgent: "test", Wait: new(pauses).wait})
	if err != nil {
		t.Fatal(err)
	}
	return c
}
