package registry_test

import (
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/org/registry-action/internal/domain/trust/issuertest"
	"github.com/org/registry-action/internal/wire"
	"github.com/org/registry-action/registry"
)

const (
	root      = "root-token-of-the-test"
	widgets   = "acme/widgets"
	mergedSHA = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	headSHA   = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	audience  = "npm:127.0.0.1"
)

// trusting is a server that believes an issuer of the test's, and asks no forge.
func trusting(t *testing.T, c registry.Config) (*node, *issuertest.Issuer) {
	t.Helper()
	issuer := issuertest.New(t)
	c.Issuers, c.GitHubAPI = []string{issuer.URL + ";forge=https://github.com"}, "http://127.0.0.1:1"
	if c.Token == "" {
		c.Token = root
	}
	return start(t, c), issuer
}

func bearer(token string) string { return "Authorization: Bearer " + token }

// bind makes a policy.
func (n *node) bind(t *testing.T, p wire.NewTrust) wire.Trust {
	t.Helper()
	p.Repository, p.RepositoryID, p.OwnerID = widgets, issuertest.RepositoryID, issuertest.OwnerID
	body, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	a := n.request("POST", "/-/admin/trust", strings.NewReader(string(body)), bearer(root))
	var made wire.Trust
	if err := json.Unmarshal(a.body, &made); err != nil || a.StatusCode != http.StatusCreated {
		t.Fatalf("binding answers %d %s", a.StatusCode, a.body)
	}
	return made
}

func (n *node) exchange(token, body string) answer {
	n.t.Helper()
	return n.request("POST", "/-/ci/v1/exchange", strings.NewReader(body), bearer(token), "Content-Type: application/json")
}

// tokenOf exchanges the token of a run.
func (n *node) tokenOf(t *testing.T, token, body string) (out wire.Exchanged) {
	t.Helper()
	a := n.exchange(token, body)
	if err := json.Unmarshal(a.body, &out); err != nil || a.StatusCode != http.StatusOK {
		t.Fatalf("the exchange answers %d %s", a.StatusCode, a.body)
	}
	return out
}

// A run gets a token for what it has proven, publishes with it, and ends it.
func TestExchange(t *testing.T) {
	n, issuer := trusting(t, registry.Config{})
	n.bind(t, wire.NewTrust{})
	merge := "tree " + strings.Repeat("0", 40) + "\nparent " + mergedSHA + "\nparent " + headSHA + "\n\nMerge\n"
	name := sha1.Sum(fmt.Appendf(nil, "commit %d\x00%s", len(merge), merge))
	run := issuertest.PullRequest(widgets, hex.EncodeToString(name[:]), 7)
	got := n.tokenOf(t, issuer.Token(audience, run), fmt.Sprintf(`{"repository": %q, "packages": ["@acme/a"], "mergeCommit": %q}`, widgets, base64.StdEncoding.EncodeToString([]byte(merge))))
	if got.Tier != "preview" || got.SHA != headSHA || strings.Join(got.Refs, " ") != "pr/7" || strings.Join(got.Packages, " ") != "@acme/a" || got.Expires.IsZero() {
		t.Errorf("it gets %+v", got)
	}
	publish := func(sha, ref, name string) answer {
		body, header := form(t, "sha", sha, "repository", widgets, "ref", ref, "package:"+name, tgz(t, name, "1.0.0", "x"))
		return n.request("POST", "/publish/commit", body, header, bearer(got.Token))
	}
	if a := publish(headSHA, "pr/7", "@acme/a"); a.StatusCode != http.StatusCreated {
		t.Fatalf("publishing answers %d %s", a.StatusCode, a.body)
	}
	for what, a := range map[string]answer{
		"another commit":  publish(mergedSHA, "pr/7", "@acme/a"),
		"another ref":     publish(headSHA, "branch/main", "@acme/a"),
		"another package": publish(headSHA, "pr/7", "@acme/b"),
		"a release":       n.request("PUT", "/@acme%2fa", strings.NewReader(`{"name":"@acme/a","versions":{},"_attachments":{}}`), bearer(got.Token), "Content-Type: application/json"),
	} {
		if a.StatusCode < 400 {
			t.Errorf("%s answers %d %s", what, a.StatusCode, a.body)
		}
	}
	shown := n.request("GET", "/commits/"+headSHA+"/@acme/a", nil).json(t)
	proof, _ := shown["provenance"].(map[string]any)
	if proof["repository"] != widgets || proof["pull"] != 7.0 || proof["tier"] != "preview" || proof["sha"] != headSHA {
		t.Errorf("the package's provenance is %v", proof)
	}
	page := string(n.request("GET", "/commits/"+headSHA, nil, "Accept: text/html").body)
	if !strings.Contains(page, "Built by") || !strings.Contains(page, "run 4711") {
		t.Error("the commit's page does not say who built it")
	}
	for range 2 { // again is fine
		if a := n.request("DELETE", "/-/ci/v1/tokens/self", nil, bearer(got.Token)); a.StatusCode != http.StatusNoContent {
			t.Errorf("ending it answers %d %s", a.StatusCode, a.body)
		}
	}
	if a := publish(headSHA, "pr/7", "@acme/a"); a.StatusCode != http.StatusUnauthorized {
		t.Errorf("after its end it answers %d", a.StatusCode)
	}
	if log := n.log.String(); !strings.Contains(log, "acme/widgets run 4711") || strings.Contains(log, got.Token) || !strings.Contains(log, `repository_id`) {
		t.Errorf("the log is\n%s", log)
	}
}

// A refusal says in JSON which claim differed, and the log has what was claimed, but not the token.
func TestExchangeRefused(t *testing.T) {
	n, issuer := trusting(t, registry.Config{})
	n.bind(t, wire.NewTrust{Environment: "npm"})
	token := issuer.Token(audience, issuertest.Push(widgets, mergedSHA))
	a := n.exchange(token, `{"packages": ["@acme/a"]}`)
	var r wire.Refusal
	if err := json.Unmarshal(a.body, &r); err != nil || a.StatusCode != http.StatusForbidden || r.Code != "not_trusted" || r.Field != "environment" || r.Expected != "npm" || r.Got != "" || r.Error.Error == "" {
		t.Errorf("it answers %d %s", a.StatusCode, a.body)
	}
	if log := n.log.String(); !strings.Contains(log, "refs/heads/main") || strings.Contains(log, token) || strings.Contains(log, strings.Split(token, ".")[2]) {
		t.Errorf("the log is\n%s", log)
	}
	for what, tt := range map[string]struct {
		token, body string
		status      int
	}{
		"no token":               {"", "{}", http.StatusUnauthorized},
		"a token of ours":        {root, "{}", http.StatusUnauthorized},
		"no JSON":                {token, "hello", http.StatusBadRequest},
		"no base64":              {token, `{"mergeCommit": "%%%"}`, http.StatusBadRequest},
		"more than it may have":  {token, `{"repository": "` + strings.Repeat("a", 600<<10) + `"}`, http.StatusRequestEntityTooLarge},
		"too many packages":      {token, `{"packages": [` + strings.Repeat(`"a",`, 1000) + `"a"]}`, http.StatusBadRequest},
		"a tier that nobody has": {token, `{"tier": "admin"}`, http.StatusBadRequest},
	} {
		if a := n.exchange(tt.token, tt.body); a.StatusCode != tt.status {
			t.Errorf("%s answers %d %s", what, a.StatusCode, a.body)
		}
	}
}

// npm, pnpm and people find the message of a refusal where they look for it; below a preview registry, too.
func TestNPMExchangeRefused(t *testing.T) {
	n, issuer := trusting(t, registry.Config{})
	n.bind(t, wire.NewTrust{Tier: "release", Packages: []string{"@acme/*"}})
	const path = "/-/npm/v1/oidc/token/exchange/package/"
	for _, tt := range []struct {
		path   string
		status int
		code   string
	}{
		{path + "@other%2fa", http.StatusForbidden, "package_not_covered"},
		{"/npm" + path + "other", http.StatusForbidden, "package_not_covered"},
		{path + "..", http.StatusNotFound, ""},
		{path + "A%20b", http.StatusBadRequest, "invalid"},
		{"/~/acme/widgets" + path + "@acme%2fa", http.StatusForbidden, "read_only_registry"},
	} {
		a := n.request("POST", tt.path, nil, bearer(issuer.Token(audience, issuertest.Push(widgets, mergedSHA))))
		if a.StatusCode != tt.status {
			t.Errorf("%s answers %d %s", tt.path, a.StatusCode, a.body)
			continue
		}
		if tt.code == "" {
			continue
		}
		m := a.json(t)
		inner, _ := m["body"].(map[string]any)
		if m["code"] != tt.code || m["message"] == "" || m["message"] != m["error"] || m["message"] != inner["message"] {
			t.Errorf("%s answers %v", tt.path, m)
		}
	}
	a := n.request("POST", path+"@acme%2fa", nil, bearer(issuer.Token(audience, issuertest.Push(widgets, mergedSHA))))
	m := a.json(t)
	token, _ := m["token"].(string)
	if a.StatusCode != http.StatusCreated || token == "" || m["tier"] != "release" || a.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("a good one answers %d %s", a.StatusCode, a.body)
	}
	if m := n.request("GET", "/-/package/@acme%2fa/visibility", nil, bearer(token)).json(t); m["public"] != false {
		t.Errorf("npm is told %v", m)
	}
}

// Of two servers' exchanges of one token at the same time one wins.
func TestReplayedAtOnce(t *testing.T) {
	n, issuer := trusting(t, registry.Config{})
	n.bind(t, wire.NewTrust{})
	token := issuer.Token(audience, issuertest.Push(widgets, mergedSHA))
	statuses := make([]int, 8)
	var wg sync.WaitGroup
	for i := range statuses {
		wg.Go(func() { statuses[i] = n.exchange(token, `{"packages": ["a"]}`).StatusCode })
	}
	wg.Wait()
	won := 0
	for _, s := range statuses {
		if s == http.StatusOK {
			won++
		} else if s != http.StatusForbidden {
			t.Errorf("a replay answers %d", s)
		}
	}
	if won != 1 {
		t.Errorf("%d have won", won)
	}
}

// The rights of a policy that a user has made end with the user's.
func TestPolicyOfUser(t *testing.T) {
	n, issuer := trusting(t, registry.Config{})
	user := n.request("POST", "/-/admin/users", strings.NewReader(`{"name":"alice","email":"alice@example.com","password":"correct horse battery"}`), bearer(root))
	if user.StatusCode != http.StatusCreated {
		t.Fatalf("making alice answers %d %s", user.StatusCode, user.body)
	}
	secret, _ := n.request("POST", "/-/admin/tokens", strings.NewReader(`{"name":"laptop","user":"alice","permission":"publish"}`), bearer(root)).json(t)["token"].(string)
	const policy = `[{"type":"github","claims":{"repository":"acme/widgets","workflow_ref":{"file":"publish.yml"}},"permissions":["createPackage"]}]`
	a := n.request("POST", "/-/package/mine/trust", strings.NewReader(policy), bearer(secret), "Content-Type: application/json")
	if a.StatusCode != http.StatusCreated {
		t.Fatalf("binding answers %d %s", a.StatusCode, a.body)
	}
	var made []struct{ ID string }
	if err := json.Unmarshal(a.body, &made); err != nil || len(made) != 1 {
		t.Fatalf("binding answers %s", a.body)
	}
	limited, _ := n.request("POST", "/-/admin/tokens", strings.NewReader(`{"name":"ci","user":"alice","permission":"publish","packages":["mine"]}`), bearer(root)).json(t)["token"].(string)
	if a := n.request("POST", "/-/package/mine/trust", strings.NewReader(policy), bearer(limited), "Content-Type: application/json"); a.StatusCode != http.StatusForbidden {
		t.Errorf("a limited token binds: %d %s", a.StatusCode, a.body)
	}
	if a := n.request("GET", "/-/package/mine/trust", nil); a.StatusCode != http.StatusUnauthorized {
		t.Errorf("anybody is told: %d %s", a.StatusCode, a.body)
	}
	ask := func() answer {
		return n.exchange(issuer.Token(audience, issuertest.Push(widgets, mergedSHA)), `{"packages": ["mine"]}`)
	}
	if a := ask(); a.StatusCode != http.StatusOK {
		t.Fatalf("the exchange answers %d %s", a.StatusCode, a.body)
	}
	const formType = "Content-Type: application/x-www-form-urlencoded"
	session := "Cookie: " + n.request("POST", "/-/web/login", strings.NewReader("user=alice&password=correct+horse+battery"), formType).Header.Get("Set-Cookie")
	page := n.request("GET", "/-/web/account", nil, "Accept: text/html", session)
	if !strings.Contains(string(page.body), "CI runs that may publish") || !strings.Contains(string(page.body), widgets) || !strings.Contains(string(page.body), ">74<") {
		t.Errorf("her page says %s", page.body)
	}
	other := n.bind(t, wire.NewTrust{}) // an admin's, which she may not remove
	for id, status := range map[string]int{other.ID: http.StatusForbidden, made[0].ID: http.StatusSeeOther} {
		if a := n.request("POST", "/-/web/account/distrust", strings.NewReader("id="+id), formType, session); a.StatusCode != status {
			t.Errorf("removing %s answers %d", id, a.StatusCode)
		}
	}
	if a := n.request("POST", "/-/web/account/distrust", strings.NewReader("id="+other.ID), formType, session, "Origin: https://evil.example", "Sec-Fetch-Site: cross-site"); a.StatusCode != http.StatusForbidden {
		t.Errorf("a page of another site removes: %d", a.StatusCode)
	}
	if a := n.request("POST", "/-/package/mine/trust", strings.NewReader(policy), bearer(secret), "Content-Type: application/json"); a.StatusCode != http.StatusCreated {
		t.Fatalf("binding again answers %d %s", a.StatusCode, a.body)
	}
	if a := n.request("DELETE", "/-/admin/trust/"+other.ID, nil, bearer(root)); a.StatusCode != http.StatusNoContent {
		t.Fatalf("removing the admin's answers %d", a.StatusCode)
	}
	if a := n.request("DELETE", "/-/admin/users/alice", nil, bearer(root)); a.StatusCode != http.StatusNoContent {
		t.Fatalf("removing alice answers %d", a.StatusCode)
	}
	if a := ask(); a.StatusCode != http.StatusForbidden || a.json(t)["code"] != "unknown_user" {
		t.Errorf("after that it answers %d %s", a.StatusCode, a.body)
	}
}

// The policies of a file are in force as long as it has them.
func TestTrustFile(t *testing.T) {
	file, dir := filepath.Join(t.TempDir(), "trust.json"), t.TempDir()
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(`{"policies": [{"repository": "acme/widgets"}, {"repository": "acme/gadgets", "repositoryId": 1, "ownerId": 2}]}`)
	n, _ := trusting(t, registry.Config{DataDir: dir, TrustFile: file})
	own := n.bind(t, wire.NewTrust{})
	list := func() (found []wire.Trust) {
		t.Helper()
		var out wire.Trusts
		if err := json.Unmarshal(n.request("GET", "/-/admin/trust", nil, bearer(root)).body, &out); err != nil {
			t.Fatal(err)
		}
		return out.Policies
	}
	before := list()
	if len(before) != 3 {
		t.Fatalf("the policies are %+v", before)
	}
	for _, p := range before {
		a := n.request("DELETE", "/-/admin/trust/"+p.ID, nil, bearer(root))
		if p.FromFile && a.StatusCode != http.StatusForbidden || !p.FromFile && a.StatusCode != http.StatusNoContent {
			t.Errorf("removing %+v answers %d", p, a.StatusCode)
		}
	}
	n.stop()
	write(`{"policies": [{"repository": "acme/widgets"}]}`)
	n, _ = trusting(t, registry.Config{DataDir: dir, TrustFile: file})
	for _, p := range list() {
		if p.Repository != widgets || !p.FromFile || p.ID == own.ID {
			t.Errorf("%+v is left", p)
		}
	}
	n.stop()
	for what, text := range map[string]string{
		"a member that is misspelt": `{"policies": [{"repository": "acme/widgets", "enviroment": "npm"}]}`,
		"a bad policy":              `{"policies": [{"repository": "acme"}]}`,
		"an unknown user":           `{"policies": [{"repository": "acme/widgets", "user": "nobody-here"}]}`,
		"two values":                `{"policies": []} {}`,
		"no JSON":                   `policies: []`,
	} {
		write(text)
		_, err := registry.New(registry.Config{DataDir: dir, BaseURL: "http://localhost", Token: root, TrustFile: file, NoUpstream: true, GitHubAPI: "http://127.0.0.1:1"})
		if !errors.Is(err, registry.ErrInvalid) || !strings.Contains(err.Error(), "TRUST_FILE") {
			t.Errorf("%s: %v", what, err)
		}
	}
}
