package regclient_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/action/regclient"
	"github.com/org/registry-action/internal/wire"
)

// idTokens brings another token each time.
func idTokens() func(context.Context) (string, error) {
	var n atomic.Int32
	return func(context.Context) (string, error) { return fmt.Sprintf("id-token-%d", n.Add(1)), nil }
}

// The registry takes a token of the CI once, so each try shows one of its own.
func TestExchange(t *testing.T) {
	var shown []string
	asked := wire.Exchange{Repository: "https://github.com/acme/ws", Packages: []string{"@acme/core"}, MergeCommit: "dHJlZQ=="}
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		shown = append(shown, r.Header.Get("Authorization"))
		if r.Method+" "+r.URL.Path != "POST /team/-/ci/v1/exchange" {
			t.Errorf("%s %s", r.Method, r.URL)
		}
		var got wire.Exchange
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil || !cmp.Equal(got, asked) {
			t.Errorf("the body is %+v (%v)", got, err)
		}
		if len(shown) < 3 {
			answer(w, http.StatusServiceUnavailable, wire.Error{Error: "busy"})
			return
		}
		answer(w, http.StatusOK, wire.Exchanged{Token: "minted", Tier: "preview", SHA: "abc"})
	})
	c := newClient(t, regclient.Options{BaseURL: srv.URL + "/team", Token: token})
	got, err := c.Exchange(t.Context(), idTokens(), asked)
	if err != nil || got.Token != "minted" || got.Tier != "preview" {
		t.Errorf("%+v, %v", got, err)
	}
	if want := []string{"Bearer id-token-1", "Bearer id-token-2", "Bearer id-token-3"}; !cmp.Equal(shown, want) {
		t.Errorf("shown were %q, want %q", shown, want)
	}
}

func TestExchangeIsRefused(t *testing.T) {
	c := newClient(t, regclient.Options{BaseURL: serve(t, func(w http.ResponseWriter, r *http.Request) {
		id := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		answer(w, http.StatusForbidden, wire.Refusal{
			Error: wire.Error{Error: "no policy fits " + id, Code: "no_policy"}, Field: "workflow", Expected: "release.yml", Got: "ci.yml\n::error::forged",
		})
	}).URL})
	_, err := c.Exchange(t.Context(), idTokens(), wire.Exchange{})
	e, ok := errors.AsType[*regclient.Error](err)
	if !ok || e.Code != "no_policy" || e.Field != "workflow" || e.Expected != "release.yml" {
		t.Fatalf("%#v", err)
	}
	text := err.Error()
	if !strings.Contains(text, `workflow: expected "release.yml", got "ci.yml ::error::forged"`) || strings.Contains(text, "id-token-1") || strings.Contains(text, "REGISTRY_TOKEN") {
		t.Errorf("it says %q; want the field, one line, no token, and no word about a token that nobody has set", text)
	}
}

func TestRegistryWithoutExchange(t *testing.T) {
	for _, status := range []int{http.StatusNotFound, http.StatusMethodNotAllowed} {
		c := newClient(t, regclient.Options{BaseURL: serve(t, func(w http.ResponseWriter, r *http.Request) {
			answer(w, status, wire.Error{Error: "there is nothing here", Code: "not_found"})
		}).URL})
		_, err := c.Exchange(t.Context(), idTokens(), wire.Exchange{})
		_, claimed := c.Claim(t.Context(), wire.Claim{})
		if !errors.Is(err, regclient.ErrNotServed) || !errors.Is(claimed, regclient.ErrNotServed) {
			t.Errorf("%d: %v, %v", status, err, claimed)
		}
	}
}

// A token of the CI is as secret as any.
func TestIDTokenIsNotSentInTheOpen(t *testing.T) {
	c := newClient(t, regclient.Options{BaseURL: "http://registry.example.com", Transport: roundTrip(func(*http.Request) (*http.Response, error) {
		t.Error("a request went out")
		return nil, errors.New("no network")
	})})
	if _, err := c.Exchange(t.Context(), idTokens(), wire.Exchange{}); err == nil || !strings.Contains(err.Error(), "unencrypted") {
		t.Errorf("%v", err)
	}
	if err := c.Authenticate("minted", nil); err == nil || !strings.Contains(err.Error(), "unencrypted") {
		t.Errorf("%v", err)
	}
}

func TestClaim(t *testing.T) {
	claim := wire.Claim{Repository: "https://github.com/acme/ws", RunID: 9, RunAttempt: 1, SHA: "abc", Pull: 7, Packages: []wire.ClaimedPackage{{Name: "a", Integrity: "sha512-x", Size: 4}}}
	c := newClient(t, regclient.Options{BaseURL: serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.Method + " " + r.URL.Path {
		case "POST /-/ci/v1/claims":
			var got wire.Claim
			if err := json.NewDecoder(r.Body).Decode(&got); err != nil || !cmp.Equal(got, claim) {
				t.Errorf("the body is %+v (%v)", got, err)
			}
			answer(w, http.StatusCreated, wire.Claimed{ID: "clm_1", Artifact: "x", Manifest: "{}"})
		case "POST /-/ci/v1/claims/clm_1/prove":
			answer(w, http.StatusOK, wire.Exchanged{Token: "minted", Tier: "fork"})
		default:
			t.Errorf("%s %s", r.Method, r.URL)
		}
	}).URL})
	claimed, err := c.Claim(t.Context(), claim)
	if err != nil || claimed.ID != "clm_1" {
		t.Fatalf("%+v, %v", claimed, err)
	}
	if got, err := c.Prove(t.Context(), claimed.ID); err != nil || got.Token != "minted" {
		t.Errorf("%+v, %v", got, err)
	}
	for _, id := range []string{"", "../../../publish", "a/b", "%2e%2e"} {
		if _, err := c.Prove(t.Context(), id); err == nil {
			t.Errorf("the id %q was asked for", id)
		}
	}
}

func TestEndToken(t *testing.T) {
	status := http.StatusNoContent
	c := newClient(t, regclient.Options{BaseURL: serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method+" "+r.URL.Path != "DELETE /-/ci/v1/tokens/self" || r.Header.Get("Authorization") != "Bearer minted" {
			t.Errorf("%s %s by %q", r.Method, r.URL, r.Header.Get("Authorization"))
		}
		w.WriteHeader(status)
	}).URL})
	if err := c.EndToken(t.Context(), "minted"); err != nil {
		t.Error(err)
	}
	status = http.StatusUnauthorized
	if err := c.EndToken(t.Context(), "minted"); err != nil {
		t.Error("a token that has ended:", err)
	}
	status = http.StatusForbidden
	if err := c.EndToken(t.Context(), "minted"); err == nil {
		t.Error("a refusal is no error")
	}
}

// A token that ends while blobs go up is renewed once for all of them; what was refused is sent again.
func TestTokenEndsDuringUpload(t *testing.T) {
	plan, sources := blobs(12)
	var mu sync.Mutex
	good, took, puts := "first", map[string]int{}, 0
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if puts++; puts == 4 {
			good = "second"
		}
		if r.Header.Get("Authorization") != "Bearer "+good {
			answer(w, http.StatusUnauthorized, wire.Error{Error: "the token has ended"})
			return
		}
		took[r.URL.Path]++
		w.WriteHeader(http.StatusCreated)
	})
	renewals := 0
	c := newClient(t, regclient.Options{BaseURL: srv.URL})
	err := c.Authenticate("first", func(context.Context) (string, error) {
		renewals++ // one at a time: the race detector would tell
		return "second", nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var sent atomic.Int64
	if err := c.Upload(t.Context(), plan, sources, 4, func(n int64) { sent.Add(n) }); err != nil {
		t.Fatal(err)
	}
	if renewals != 1 || len(took) != len(plan.Missing) {
		t.Errorf("%d renewals, %d blobs arrived; want 1 and %d", renewals, len(took), len(plan.Missing))
	}
}

func TestRenewalFails(t *testing.T) {
	calls := 0
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		calls++
		answer(w, http.StatusUnauthorized, wire.Error{Error: "the token has ended"})
	})
	c := newClient(t, regclient.Options{BaseURL: srv.URL})
	if err := c.Authenticate("first", func(context.Context) (string, error) { return "", errors.New("the run is over") }); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Plan(t.Context(), publication()); err == nil || !strings.Contains(err.Error(), "the run is over") || calls != 1 {
		t.Errorf("%v after %d calls", err, calls)
	}
	// Another token that is not taken either is not renewed for ever.
	if err := c.Authenticate("first", func(context.Context) (string, error) { return "second", nil }); err != nil {
		t.Fatal(err)
	}
	calls = 0
	if _, err := c.Plan(t.Context(), publication()); err == nil || calls != 2 {
		t.Errorf("%v after %d calls, want a refusal after 2", err, calls)
	}
}
