package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/clients"
	"github.com/org/registry-action/internal/domain/trust/issuertest"
	"github.com/org/registry-action/internal/wire"
)

const builtSHA = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

// nowhere is an API of a forge that does not answer.
const nowhere = "http://127.0.0.1:1"

// trustingServer is a server that believes an issuer of the test's.
func trustingServer(t *testing.T, args ...string) (*server, *issuertest.Issuer) {
	t.Helper()
	issuer := issuertest.New(t)
	args = append([]string{"--no-npm-fallback", "--token", operatorToken, "--oidc-issuers", issuer.URL + ";forge=https://github.com", "--github-api-url", nowhere}, args...)
	return startServer(t, t.TempDir(), args...), issuer
}

// exchangers are the clients that publish by OIDC.
func exchangers() (all []manager) {
	for _, m := range managers() {
		switch m.tool {
		case clients.NPM11, clients.NPM12, clients.PNPM, clients.Yarn4:
			all = append(all, m)
		}
	}
	return all
}

// get reads a page or a document of a server.
func (s *server) get(t *testing.T, path, accept string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.addr+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", accept)
	status, body := answer(t, r)
	if status != http.StatusOK {
		t.Fatalf("%s answers %d %s", path, status, body)
	}
	return body
}

// A workflow publishes by plain `npm publish` with no secret anywhere, and the version says which run has built it.
func TestTrustedPublishing(t *testing.T) {
	t.Parallel()
	s, issuer := trustingServer(t)
	id := strings.TrimSpace(operate(t, s, "", "trust", "add", "github", "acme/widgets", "--tier", "release", "--packages", "@acme/*",
		"--workflow", "publish.yml", "--repository-id", "74", "--owner-id", "65").stdout)
	if list := operate(t, s, "", "trust", "list").stdout; !strings.Contains(list, id) || !strings.Contains(list, "acme/widgets") || !strings.Contains(list, "74") {
		t.Errorf("the list is\n%s", list)
	}
	run := issuertest.Push("acme/widgets", builtSHA)
	for _, m := range exchangers() {
		t.Run(m.id(), func(t *testing.T) {
			u := m.sit(t, s.url, "")
			name := "@acme/by-" + u.user
			public := issuer.Job(run.With(issuertest.Claims{"repository_visibility": "public"})) // npm must not go to sigstore
			u.run(t, u.project(t, smallPackage(name, "1.0.0")), u.cmd.publish, public...).must(t)
			u.run(t, u.project(t, smallPackage(name, "1.0.1")), u.cmd.publish, issuer.Job(run)...).must(t)

			var version struct {
				Provenance struct{ Repository, SHA, Tier, Workflow string }
			}
			if err := json.Unmarshal([]byte(s.get(t, "/packages/"+name+"/1.0.1", "application/json")), &version); err != nil {
				t.Fatal(err)
			}
			if p := version.Provenance; p.Repository != "acme/widgets" || p.SHA != builtSHA || p.Tier != "release" {
				t.Errorf("its provenance is %+v", p)
			}
			if page := s.get(t, "/packages/"+name, "text/html"); !strings.Contains(page, "https://github.com/acme/widgets/actions/runs/4711") || !strings.Contains(page, "publish.yml") {
				t.Errorf("the page does not say who built it")
			}

			for what, c := range map[string]issuertest.Claims{
				"another repository":       issuertest.Push("evil/widgets", builtSHA).With(issuertest.Claims{"repository_id": "99"}),
				"a pull request":           issuertest.PullRequest("acme/widgets", builtSHA, 7),
				"another workflow":         run.With(issuertest.Claims{"workflow_ref": "acme/widgets/.github/workflows/other.yml@refs/heads/main", "job_workflow_ref": "acme/widgets/.github/workflows/other.yml@refs/heads/main"}),
				"a name that was taken on": run.With(issuertest.Claims{"repository_id": "99", "repository_owner_id": "98"}),
			} {
				if r := u.run(t, u.project(t, smallPackage(name, "2.0.0")), u.cmd.publish, issuer.Job(c)...); r.code == 0 {
					t.Errorf("%s publishes: %v", what, r)
				}
			}
			if r := u.run(t, u.project(t, smallPackage("other-by-"+u.user, "1.0.0")), u.cmd.publish, issuer.Job(run)...); r.code == 0 {
				t.Errorf("it publishes a package that the policy is not for: %v", r)
			}
		})
	}
	operate(t, s, "", "trust", "remove", id)
	u := managers()[0].sit(t, s.url, "")
	if r := u.run(t, u.project(t, smallPackage("@acme/late", "1.0.0")), u.cmd.publish, issuer.Job(run)...); r.code == 0 {
		t.Errorf("it publishes after its policy was removed: %v", r)
	}
}

// npm 12 moves dist-tags by OIDC too.
func TestTrustedTag(t *testing.T) {
	t.Parallel()
	s, issuer := trustingServer(t)
	operate(t, s, "", "trust", "add", "github", "acme/widgets", "--tier", "release", "--packages", "@acme/*", "--repository-id", "74", "--owner-id", "65")
	run := issuertest.Push("acme/widgets", builtSHA)
	for _, m := range managers() {
		if m.tool != clients.NPM12 {
			continue
		}
		u := m.sit(t, s.url, "")
		u.run(t, u.project(t, smallPackage("@acme/tagged", "1.0.0")), u.cmd.publish, issuer.Job(run)...).must(t)
		u.run(t, u.project(t, ""), u.cmd.tag, append(issuer.Job(run), "pkg=@acme/tagged@1.0.0", "tag=next")...).must(t)
		u.run(t, u.project(t, ""), u.cmd.tags, "pkg=@acme/tagged").says(t, "next: 1.0.0")
	}
}

// The owner of a package binds it with stock npm: before it is there, too.
func TestNPMTrust(t *testing.T) {
	t.Parallel()
	s, issuer := trustingServer(t)
	addUser(t, s, "alice")
	token := newToken(t, s, "--name", "laptop", "--user", "alice")
	addUser(t, s, "bob")
	stranger := newToken(t, s, "--name", "laptop", "--user", "bob")
	run := issuertest.Push("acme/widgets", builtSHA)
	for _, m := range managers() {
		if m.name != "npm" {
			continue
		}
		t.Run(m.id(), func(t *testing.T) {
			name := "trusting-" + m.id()
			alice, ci := m.sit(t, s.url, token), m.sit(t, s.url, "")
			at := alice.project(t, "")
			bind := "npm trust github $pkg --file publish.yml --repo acme/widgets --allow-publish --yes"
			alice.run(t, at, bind, "pkg="+name).says(t, "created successfully")
			list := alice.run(t, at, "npm trust list $pkg --json", "pkg="+name).says(t, "acme/widgets", "publish.yml")
			var policy struct{ ID string }
			if err := json.Unmarshal([]byte(list.stdout), &policy); err != nil || policy.ID == "" {
				t.Fatalf("the list is %v (%v)", list, err)
			}
			ci.run(t, ci.project(t, smallPackage(name, "1.0.0")), ci.cmd.publish, issuer.Job(run)...).must(t)
			alice.run(t, at, alice.cmd.owners, "pkg="+name).says(t, "alice")

			bob := m.sit(t, s.url, stranger)
			bob.run(t, bob.project(t, ""), bind, "pkg="+name).refuses(t, "not an owner")
			bob.run(t, bob.project(t, ""), "npm trust list $pkg", "pkg="+name).refuses(t, "not an owner")
			bob.run(t, bob.project(t, ""), "npm trust revoke $pkg --id $id", "pkg="+name, "id="+policy.ID).refuses(t)
			alice.run(t, at, "npm trust gitlab $pkg --file .gitlab-ci.yml --project acme/widgets --allow-publish --yes", "pkg="+name).refuses(t, "npm trust github")
			alice.run(t, at, "npm trust github $pkg --file publish.yml --repo acme/widgets --allow-stage-publish --yes", "pkg="+name).refuses(t, "--allow-publish")

			alice.run(t, at, "npm trust revoke $pkg --id $id", "pkg="+name, "id="+policy.ID).must(t)
			if r := ci.run(t, ci.project(t, smallPackage(name, "1.0.1")), ci.cmd.publish, issuer.Job(run)...); r.code == 0 {
				t.Errorf("it publishes after that: %v", r)
			}

			// The forge lets a run into an environment by its own rules, such as a reviewer.
			alice.run(t, at, bind+" --env npm-release", "pkg="+name).says(t, "created successfully")
			alice.run(t, at, "npm trust list $pkg --json", "pkg="+name).says(t, `"environment": "npm-release"`)
			for _, c := range []issuertest.Claims{run, run.With(issuertest.Claims{"environment": "staging"})} {
				ci.run(t, ci.project(t, smallPackage(name, "1.0.1")), ci.cmd.publish, issuer.Job(c)...).refuses(t)
			}
			inside := issuer.Job(run.With(issuertest.Claims{"environment": "npm-release"}))
			ci.run(t, ci.project(t, smallPackage(name, "1.0.1")), ci.cmd.publish, inside...).must(t)
		})
	}
}

// The token of a run can't do what outlives the run.
func TestRunTokenGovernsNothing(t *testing.T) {
	t.Parallel()
	s, issuer := trustingServer(t)
	addUser(t, s, "alice")
	operate(t, s, "", "trust", "add", "github", "acme/widgets", "--tier", "release", "--packages", "lib", "--user", "alice", "--repository-id", "74", "--owner-id", "65")
	got := exchangeCI(t, s, issuer, issuertest.Push("acme/widgets", builtSHA), wire.Exchange{Packages: []string{"lib"}})
	u := managers()[0].sit(t, s.url, got.Token)
	at := u.project(t, smallPackage("lib", "1.0.0"))
	u.run(t, at, u.cmd.publish).must(t)
	u.run(t, at, u.cmd.owners, "pkg=lib").says(t, "alice")
	addUser(t, s, "mallory")
	u.run(t, at, u.cmd.addOwner, "pkg=lib", "user=mallory").refuses(t, "token of a CI run")
	u.run(t, at, u.cmd.unpublish, "pkg=lib@1.0.0").refuses(t)
	u.run(t, at, u.cmd.newToken, "flags=--name=copy").refuses(t)
	u.run(t, at, "npm trust github lib --file evil.yml --repo evil/evil --allow-publish --yes").refuses(t)
	if status, body := ask(t, s, http.MethodDelete, "/-/ci/v1/tokens/self", got.Token, ""); status != http.StatusNoContent {
		t.Errorf("ending it answers %d %s", status, body)
	}
	if user := whoami(t, s, got.Token); user != "" {
		t.Errorf("the token is still %s's", user)
	}
}

// ask sends a request with a token.
func ask(t *testing.T, s *server, method, path, token, body string) (status int, text string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.addr+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	return answer(t, r)
}

// exchangeCI exchanges the OIDC token of a run, as publish-commit does.
func exchangeCI(t *testing.T, s *server, issuer *issuertest.Issuer, run issuertest.Claims, wanted wire.Exchange) (out wire.Exchanged) {
	t.Helper()
	body, err := json.Marshal(wanted)
	if err != nil {
		t.Fatal(err)
	}
	status, text := ask(t, s, http.MethodPost, "/-/ci/v1/exchange", issuer.Token("npm:localhost", run), string(body))
	if status != http.StatusOK {
		t.Fatalf("the exchange answers %d %s", status, text)
	}
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// The commands of the guide work as they are written.
func TestTrustGuide(t *testing.T) {
	onlyLocal(t, "commands are the same in both worlds")
	s, issuer := trustingServer(t)
	example := blocks(t, "docs/trust.md", "trust add")[0]
	example = strings.ReplaceAll(example, "/var/lib/registry", s.data)
	exe(t, s.data, cleanEnv("PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH")), "bash", "-ec", example).says(t, "(preview)", "(release)", "first run that fits is believed")
	release := issuertest.Tag("acme/widgets", builtSHA, "v1").With(issuertest.Claims{
		"event_name": "release", "workflow_ref": "acme/widgets/.github/workflows/release.yml@refs/tags/v1", "job_workflow_ref": "acme/widgets/.github/workflows/release.yml@refs/tags/v1",
	})
	u := managers()[0].sit(t, s.url, "")
	u.run(t, u.project(t, smallPackage("@acme/core", "1.0.0")), u.cmd.publish, issuer.Job(release)...).must(t)
	got := exchangeCI(t, s, issuer, issuertest.PullRequest("acme/widgets", builtSHA, 7), wire.Exchange{Packages: []string{"anything"}})
	if got.Tier != "preview" || got.SHA != builtSHA || strings.Join(got.Refs, " ") != "pr/7" {
		t.Errorf("a pull request gets %+v", got)
	}
}

// A server that others reach has policies in place of a token: then its own machine may do no more than others.
func TestServerWithoutToken(t *testing.T) {
	onlyLocal(t, "what the options mean has nothing to do with the stores")
	issuer, file := issuertest.New(t), filepath.Join(t.TempDir(), "trust.json")
	policies := regexp.MustCompile("(?s)```json\n(.*?)```").FindStringSubmatch(read(t, "../../docs/trust.md"))
	if policies == nil {
		t.Fatal("docs/trust.md has no file of policies")
	}
	if err := os.WriteFile(file, []byte(policies[1]), 0o600); err != nil {
		t.Fatal(err)
	}
	run := issuertest.Push("acme/widgets", builtSHA).With(issuertest.Claims{
		"environment": "npm", "job_workflow_ref": "acme/widgets/.github/workflows/release.yml@refs/heads/main",
	})
	s := startServer(t, t.TempDir(), "--no-npm-fallback", "--host", "0.0.0.0", "--trust-file", file, "--oidc-issuers", issuer.URL+";forge=https://github.com", "--github-api-url", nowhere)
	u := managers()[0].sit(t, s.url, "")
	u.run(t, u.project(t, smallPackage("@acme/a", "1.0.0")), u.cmd.publish).refuses(t)
	u.run(t, u.project(t, smallPackage("@acme/a", "1.0.0")), u.cmd.publish, issuer.Job(run)...).must(t)
	list := operate(t, s, "", "trust", "list").stdout
	if !strings.Contains(list, "TRUST_FILE") {
		t.Errorf("the list is\n%s", list)
	}
}
