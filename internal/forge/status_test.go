package forge_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/forge"
	"github.com/org/registry-action/internal/forge/forgetest"
)

func TestStatusFits(t *testing.T) {
	srv := start(t)
	c, _ := client(t, srv, forgetest.Token)
	want := forge.Status{State: "success", Context: "registry-preview", Description: "3 packages, 1 changed", URL: "https://pkg.acme.test/commits/" + sha(1)}
	if err := c.SetStatus(t.Context(), sha(1), want); err != nil {
		t.Fatal(err)
	}
	got := srv.StatusesOf(sha(1))
	if diff := cmp.Diff([]forgetest.Status{{SHA: sha(1), State: want.State, Context: want.Context, Description: want.Description, URL: want.URL}}, got); diff != "" {
		t.Errorf("Statuses (-want +got):\n%s", diff)
	}
	// GitHub takes 140 characters, and no empty URL.
	if err := c.SetStatus(t.Context(), sha(2), forge.Status{State: "error", Context: "x", Description: strings.Repeat("é", 300)}); err != nil {
		t.Errorf("SetStatus of a long text = %v, want it cut", err)
	}
	if long := srv.StatusesOf(sha(2)); len(long) != 1 || len([]rune(long[0].Description)) != 140 || long[0].URL != "" {
		t.Errorf("the long text is kept as %+v", long)
	}
}

func TestStatusRefused(t *testing.T) {
	srv := start(t)
	srv.Grant("reads", forgetest.Account{Login: bot, Installation: true, ReadOnly: true})
	srv.Grant("no-statuses", forgetest.Account{Login: bot, Installation: true, NoStatuses: true})
	for _, token := range []string{"reads", "no-statuses"} {
		c, _ := client(t, srv, token)
		if err := c.SetStatus(t.Context(), sha(1), forge.Status{State: "success"}); !errors.Is(err, forge.ErrReadOnly) {
			t.Errorf("SetStatus with %s = %v, want ErrReadOnly", token, err)
		}
	}
	c, _ := client(t, srv, forgetest.Token)
	for _, bad := range []string{"", "main", "0123456", "../../../user", sha(1) + "/x"} {
		if err := c.SetStatus(t.Context(), bad, forge.Status{State: "success"}); !errors.Is(err, fault.Invalid) {
			t.Errorf("SetStatus of %q = %v, want fault.Invalid", bad, err)
		}
	}
	if n := count(srv, forgetest.CreateStatus); n != 2 {
		t.Errorf("GitHub was asked %d times, want twice", n)
	}
	srv.Fail(forgetest.Fault{Route: forgetest.CreateStatus, Status: 422})
	if err := c.SetStatus(t.Context(), sha(1), forge.Status{State: "success"}); !errors.Is(err, fault.Invalid) || errors.Is(err, forge.ErrReadOnly) {
		t.Errorf("SetStatus that GitHub does not take = %v, want fault.Invalid", err)
	}
}

func TestMergeBase(t *testing.T) {
	srv := start(t)
	srv.SetMergeBase(sha(1), sha(2), sha(3))
	c, _ := client(t, srv, forgetest.Token)
	if got, err := c.MergeBase(t.Context(), sha(1), sha(2)); err != nil || got != sha(3) {
		t.Errorf("MergeBase = %q, %v, want %q", got, err, sha(3))
	}
	if got, err := c.MergeBase(t.Context(), sha(2), sha(1)); !errors.Is(err, fault.NotFound) || got != "" {
		t.Errorf("MergeBase of what GitHub does not know = %q, %v, want fault.NotFound", got, err)
	}
	for _, bad := range []string{"", "main", "main...x", "../../../user?x="} {
		if _, err := c.MergeBase(t.Context(), bad, sha(1)); !errors.Is(err, fault.Invalid) {
			t.Errorf("MergeBase of %q = %v, want fault.Invalid", bad, err)
		}
		if _, err := c.MergeBase(t.Context(), sha(1), bad); !errors.Is(err, fault.Invalid) {
			t.Errorf("MergeBase with %q = %v, want fault.Invalid", bad, err)
		}
	}
}
