package forge_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/forge"
	"github.com/org/registry-action/internal/forge/forgetest"
)

func TestRateLimits(t *testing.T) {
	header := func(kv ...string) http.Header {
		h := http.Header{}
		for i := 0; i < len(kv); i += 2 {
			h.Set(kv[i], kv[i+1])
		}
		return h
	}
	const secondary = `{"message":"You have exceeded a secondary rate limit","documentation_url":"https://docs.github.com/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits"}`
	for _, tt := range []struct {
		name  string
		fault forgetest.Fault
		want  time.Duration
	}{
		{"429 with seconds", forgetest.Fault{Status: 429, Header: header("Retry-After", "17")}, 17 * time.Second},
		{"429 with a date", forgetest.Fault{Status: 429, Header: header("Retry-After", time.Unix(1_800_000_009, 0).UTC().Format(http.TimeFormat))}, 9 * time.Second},
		{"429 alone", forgetest.Fault{Status: 429}, time.Minute},
		{"primary, 403", forgetest.Fault{Status: 403, Header: header("X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "1800000041")}, 42 * time.Second},
		{"primary, 429", forgetest.Fault{Status: 429, Header: header("X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "1800000003")}, 4 * time.Second},
		{"primary, just reset", forgetest.Fault{Status: 403, Header: header("X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "1799999000")}, time.Second},
		{"secondary by its documentation", forgetest.Fault{Status: 403, Body: secondary}, time.Minute},
		{"secondary with seconds", forgetest.Fault{Status: 403, Header: header("Retry-After", "5"), Body: secondary}, 5 * time.Second},
	} {
		for _, route := range []string{forgetest.ListComments, forgetest.CreateComment} {
			t.Run(tt.name+" "+route, func(t *testing.T) {
				srv := start(t)
				tt.fault.Route = route
				srv.Fail(tt.fault)
				c, p := client(t, srv, forgetest.Token)
				if got := upsert(t, c, comment(1)); got.Action != forge.Created {
					t.Errorf("Upsert = %+v, want it created", got)
				}
				wantOne(t, srv, bot, "run 1")
				if diff := cmp.Diff([]time.Duration{tt.want}, p.all); diff != "" {
					t.Errorf("pauses (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestLongRateLimitIsAnError(t *testing.T) {
	for _, route := range []string{forgetest.ListComments, forgetest.CreateComment, forgetest.GetUser} {
		srv := start(t)
		srv.Fail(forgetest.Fault{Route: route, Status: 429, Header: http.Header{"Retry-After": {"3600"}}})
		c, p := client(t, srv, forgetest.Token)
		if _, err := c.Upsert(t.Context(), comment(1)); !errors.Is(err, fault.Unavailable) {
			t.Errorf("%s: Upsert = %v, want fault.Unavailable", route, err)
		}
		if len(p.all) > 0 {
			t.Errorf("%s: it waited %v, want no wait", route, p.all)
		}
	}
}

// A newer run may comment while an older one waits for its turn.
func TestStaleAfterAPause(t *testing.T) {
	srv := start(t)
	newer, _ := client(t, srv, forgetest.Token)
	srv.Fail(forgetest.Fault{Route: forgetest.CreateComment, Status: 429, Header: http.Header{"Retry-After": {"60"}}})
	srv.Hook(func(r forgetest.Request) {
		if r.Route == forgetest.ListComments && r.N == 2 {
			srv.Hook(nil)
			upsert(t, newer, comment(2))
		}
	})
	older, _ := client(t, srv, forgetest.Token)
	if got := upsert(t, older, comment(1)); got.Action != forge.Stale {
		t.Errorf("Upsert = %+v, want it stale", got)
	}
	wantOne(t, srv, bot, "run 2")
}

func TestReadsAreRetried(t *testing.T) {
	srv := start(t)
	srv.Fail(forgetest.Fault{Route: forgetest.GetPull, Status: 0})
	srv.Fail(forgetest.Fault{Route: forgetest.GetPull, Status: 503, Header: http.Header{"Retry-After": {"3"}}})
	srv.Fail(forgetest.Fault{Route: forgetest.GetPull, Status: 500})
	c, p := client(t, srv, forgetest.Token)
	if _, err := c.HeadOfPull(t.Context(), 7); err != nil {
		t.Fatal(err)
	}
	want := []time.Duration{time.Second, 3 * time.Second, 4 * time.Second}
	if diff := cmp.Diff(want, p.all); diff != "" {
		t.Errorf("pauses (-want +got):\n%s", diff)
	}
	srv.Fail(forgetest.Fault{Route: forgetest.GetPull, Status: 500, Times: 100})
	if _, err := c.HeadOfPull(t.Context(), 7); !errors.Is(err, fault.Upstream) {
		t.Errorf("HeadOfPull = %v, want fault.Upstream", err)
	}
	if n := count(srv, forgetest.GetPull); n != 9 {
		t.Errorf("%d requests, want 9", n)
	}
}
