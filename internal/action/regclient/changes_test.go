package regclient_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/action/regclient"
	"github.com/org/registry-action/internal/wire"
)

func TestChanges(t *testing.T) {
	want := wire.Changes{SHA: "abcdef0", Base: &wire.Base{SHA: "1234567", Branch: "main"}, Packages: []wire.PackageChange{
		{Name: "@acme/core", Kind: "changed", Size: &wire.SizeChange{Before: new(int64(1)), After: new(int64(0))}},
	}}
	var asked url.Values
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method+" "+r.URL.Path != "GET /registry/commits/abcdef0/changes" || r.Header.Get("Authorization") != "Bearer "+token {
			http.NotFound(w, r)
			return
		}
		asked = r.URL.Query()
		answer(w, 200, want)
	})
	c := newClient(t, regclient.Options{BaseURL: srv.URL + "/registry", Token: token})
	got, err := c.Changes(t.Context(), "abcdef0", regclient.ChangesQuery{
		Repository: "https://github.com/o/r", Bases: []string{"1234567", "7654321"}, Branch: "feature/a&base=0"})
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("Changes = %v; -want +got:\n%s", err, diff)
	}
	if diff := cmp.Diff(url.Values{"repository": {"https://github.com/o/r"}, "base": {"1234567", "7654321"}, "branch": {"feature/a&base=0"}}, asked); diff != "" {
		t.Errorf("query -want +got:\n%s", diff)
	}
	if _, err := c.Changes(t.Context(), "abcdef0", regclient.ChangesQuery{}); err != nil || len(asked) != 0 {
		t.Errorf("Changes = %v with the query %v, want none", err, asked)
	}
}

func TestChangesOfAnOlderServer(t *testing.T) {
	srv := serve(t, http.NotFound)
	_, err := newClient(t, regclient.Options{BaseURL: srv.URL}).Changes(t.Context(), "abcdef0", regclient.ChangesQuery{})
	if e, ok := errors.AsType[*regclient.Error](err); !ok || e.Status != http.StatusNotFound {
		t.Errorf("Changes = %v, want an Error with Status 404", err)
	}
}

func TestChangesOfNoSHA(t *testing.T) {
	c := newClient(t, regclient.Options{BaseURL: "http://127.0.0.1:1", Retries: -1})
	for _, sha := range []string{"", "abc", "../../secrets", "abcdef0/x", strings.Repeat("a", 65)} {
		if _, err := c.Changes(t.Context(), sha, regclient.ChangesQuery{}); err == nil || !strings.Contains(err.Error(), "hexadecimal") {
			t.Errorf("Changes(%q) = %v", sha, err)
		}
	}
}
