package registry_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/registry"
)

// token makes a token by the administration; what is more of its JSON than the user follows.
func (n *node) token(user, more string) string {
	n.t.Helper()
	body := strings.NewReader(`{"name": "` + user + `", "permission": "publish"` + more + `}`)
	a := n.request(http.MethodPost, "/-/admin/tokens", body, rootToken, "Content-Type: application/json")
	if a.StatusCode != http.StatusCreated {
		n.t.Fatalf("making a token: %d %s", a.StatusCode, a.body)
	}
	return "Authorization: Bearer " + a.json(n.t)["token"].(string)
}

// TestRemoveCommit: what should not have been published goes at once, by every way to it.
func TestRemoveCommit(t *testing.T) {
	n := start(t, registry.Config{Token: "the-token-of-the-server"})
	alice := n.token("alice", "")
	const sha = "1111111111111111111111111111111111111111"
	body, header := form(t, "sha", sha, "repository", "acme/app", "ref", "pr/7", "package:@acme/a", tgz(t, "@acme/a", npm.PreviewVersion(sha), "a secret"))
	if a := n.request(http.MethodPost, "/publish/commit", body, header, alice); a.StatusCode != http.StatusCreated {
		t.Fatalf("publish: %d %s", a.StatusCode, a.body)
	}
	ways := []string{"/commits/" + sha, "/commits/" + sha + "/@acme/a/tarball", "/acme/app/@acme/a@pr-7", "/acme/app/@acme/a@" + sha, "/@acme/a@" + sha, "/~/acme/app/@acme/a"}
	for _, way := range ways {
		if a := n.get(way, "Accept: text/html"); a.StatusCode >= 400 {
			t.Fatalf("%s before: %d %s", way, a.StatusCode, a.body)
		}
	}
	if a := n.request(http.MethodDelete, "/publish/commit/"+sha+"?repository=acme/app", nil); a.StatusCode != http.StatusUnauthorized {
		t.Errorf("without a token: %d %s", a.StatusCode, a.body)
	}
	if a := n.request(http.MethodDelete, "/publish/commit/"+sha[:8]+"?repository=acme/app", nil, alice); a.StatusCode != http.StatusOK || a.json(t)["removed"] != sha {
		t.Fatalf("the removal: %d %s", a.StatusCode, a.body)
	}
	for _, way := range ways {
		if a := n.get(way, "Accept: text/html"); a.StatusCode != http.StatusNotFound {
			t.Errorf("%s after: %d", way, a.StatusCode)
		}
	}
	for _, page := range []string{"/acme/app", "/"} {
		if a := n.get(page, "Accept: text/html"); strings.Contains(string(a.body), "@acme/a") {
			t.Errorf("%s still names the package", page)
		}
	}
}

// TestRepositoriesHaveOwners: the token of one user does not publish for the repository of another, by no way in.
func TestRepositoriesHaveOwners(t *testing.T) {
	n := start(t, registry.Config{Token: "the-token-of-the-server"})
	alice, mallory := n.token("alice", ""), n.token("mallory", "")
	granted, limited := n.token("bot", `, "repositories": ["acme/*"], "grant": true`), n.token("bot2", `, "repositories": ["other/*"], "grant": true`)
	const one, two = "1111111111111111111111111111111111111111", "2222222222222222222222222222222222222222"
	publish := func(sha, token string, more ...string) answer {
		body, header := form(t, append([]string{"sha", sha, "repository", "acme/app", "package:@acme/a", tgz(t, "@acme/a", "1.0.0", sha+strings.Join(more, ""))}, more...)...)
		return n.request(http.MethodPost, "/publish/commit", body, header, token)
	}
	if a := publish(one, alice, "ref", "pr/7"); a.StatusCode != http.StatusCreated {
		t.Fatalf("the first publish: %d %s", a.StatusCode, a.body)
	}
	refused := func(what string, a answer, code string) {
		t.Helper()
		if a.StatusCode != http.StatusForbidden || a.json(t)["code"] != code {
			t.Errorf("%s: %d %s, want 403 %s", what, a.StatusCode, a.body, code)
		}
	}
	for what, a := range map[string]answer{
		"a publish":     publish(two, mallory),
		"a ref":         publish(two, mallory, "ref", "pr/7"),
		"a replacement": publish(one, mallory, "replace", "true"),
		"a plan":        n.postJSON("/publish/commit/plan", map[string]any{"sha": two, "repository": "https://github.com/Acme/App"}, mallory),
		"JSON": n.postJSON("/publish/commit", map[string]any{"sha": two, "repository": "acme/app", "name": "@acme/a",
			"tarball": base64.StdEncoding.EncodeToString([]byte(tgz(t, "@acme/a", "1.0.0", "x")))}, mallory),
		"an owner added":   n.request(http.MethodPut, "/publish/commit/owners/mallory?repository=acme/app", nil, mallory),
		"an owner removed": n.request(http.MethodDelete, "/publish/commit/owners/alice?repository=acme/app", nil, mallory),
		"a removal":        n.request(http.MethodDelete, "/publish/commit/"+one+"?repository=acme/app", nil, mallory),
	} {
		refused(what, a, "not_repository_owner")
		if text, _ := a.json(t)["error"].(string); !strings.Contains(text, "acme/app belongs to alice") && !strings.Contains(text, "Acme/App belongs to alice") || !strings.Contains(text, "add-owner") {
			t.Errorf("%s says %q, not whose it is and the way out", what, text)
		}
	}
	refused("a token for another repository", publish(two, limited), "repository_not_covered")
	if a := n.get("/acme/app/@acme/a@pr-7"); a.StatusCode != http.StatusFound || !strings.Contains(a.Header.Get("Location"), one) {
		t.Errorf("pr-7 leads to %d %s", a.StatusCode, a.Header.Get("Location"))
	}
	if a := n.get("/commits/" + two); a.StatusCode != http.StatusNotFound {
		t.Errorf("the commit of refused publishes: %d %s", a.StatusCode, a.body)
	}
	if a := publish(two, granted); a.StatusCode != http.StatusCreated {
		t.Errorf("a token that was given it: %d %s", a.StatusCode, a.body)
	}
	if a := publish(two, rootToken, "replace", "true"); a.StatusCode != http.StatusCreated {
		t.Errorf("the server's token: %d %s", a.StatusCode, a.body)
	}

	// Owners add owners, who must be known here.
	const owners = "/publish/commit/owners"
	if a := n.request(http.MethodPut, owners+"/malory?repository=acme/app", nil, alice); a.StatusCode != http.StatusBadRequest || a.json(t)["code"] != "unknown_user" {
		t.Errorf("a misspelt owner: %d %s", a.StatusCode, a.body)
	}
	if a := n.request(http.MethodPut, owners+"/mallory?repository=acme/app", nil, "Authorization: Bearer wrong"); a.StatusCode != http.StatusUnauthorized {
		t.Errorf("an owner added by nobody: %d %s", a.StatusCode, a.body)
	}
	if a := n.request(http.MethodPut, owners+"/mallory?repository=acme/app", nil, alice); a.StatusCode != http.StatusOK || string(a.body) == "" {
		t.Errorf("an owner added: %d %s", a.StatusCode, a.body)
	}
	if a := publish(one, mallory, "replace", "true"); a.StatusCode != http.StatusCreated {
		t.Errorf("the new owner publishes: %d %s", a.StatusCode, a.body)
	}
	if a := n.get(owners + "?repository=acme/app"); a.StatusCode != http.StatusOK || !strings.Contains(string(a.body), `["alice","mallory"]`) {
		t.Errorf("the owners: %d %s", a.StatusCode, a.body)
	}
	for path, status := range map[string]int{owners: 400, owners + "?repository=acme": 400, owners + "?repository=acme/none": 404, owners + "?repository=https://gitlab.com/acme/app": 404} {
		if a := n.get(path); a.StatusCode != status {
			t.Errorf("GET %s = %d %s, want %d", path, a.StatusCode, a.body, status)
		}
	}
	if log := n.log.String(); !strings.Contains(log, `action="owner add" target="https://github.com/acme/app mallory"`) {
		t.Error("no audit line tells of the new owner")
	}
}

// TestOperatorPublishes: the methods of Registry go on as the operator, who may publish for all repositories.
func TestOperatorPublishes(t *testing.T) {
	n := start(t, registry.Config{Token: "the-token-of-the-server"})
	const sha = "1111111111111111111111111111111111111111"
	body, header := form(t, "sha", sha, "repository", "acme/app", "package:a", tgz(t, "a", "1.0.0", "x"))
	if a := n.request(http.MethodPost, "/publish/commit", body, header, n.token("alice", "")); a.StatusCode != http.StatusCreated {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	if _, err := n.PublishCommit(t.Context(), "acme/app", sha, []string{"pr/7"}, strings.NewReader(tgz(t, "b", "1.0.0", "y"))); err != nil {
		t.Error(err)
	}
}

// TestSignUpIsLoud: a server on which everybody can make an account says what that means.
func TestSignUpIsLoud(t *testing.T) {
	for signUp, want := range map[bool]bool{true: true, false: false} {
		n := start(t, registry.Config{Token: "the-token-of-the-server", SignUp: signUp})
		if got := strings.Contains(n.log.String(), "level=WARN msg=\"everybody who can reach this server can make an account"); got != want {
			t.Errorf("SignUp %v: the warning is there: %v", signUp, got)
		}
	}
}
