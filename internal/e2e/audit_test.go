package e2e

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/clients"
)

// withoutTUF lets npm audit signatures run without the internet: before it asks
// the registry for keys it asks Sigstore, which has those of one registry only.
const withoutTUF = `
const Module = require('module')
const load = Module._load
Module._load = function (request, ...rest) {
  if (request !== '@sigstore/tuf') return load.call(this, request, ...rest)
  const getTarget = async () => { throw Object.assign(new Error('no such target'), { code: 'TUF_FIND_TARGET_ERROR' }) }
  return { initTUF: async () => ({ getTarget }) }
}
`

// auditors are the clients that verify signatures.
func auditors() []manager {
	return slices.DeleteFunc(managers(), func(m manager) bool { return m.words().auditSignatures == "" })
}

// verifies audits the signatures of what a project has installed.
func (u *seat) verifies(t *testing.T, app string) result {
	t.Helper()
	stub := filepath.Join(t.TempDir(), "stub.cjs")
	if err := os.WriteFile(stub, []byte(withoutTUF), 0o600); err != nil {
		t.Fatal(err)
	}
	u.forget(t)
	return u.run(t, app, u.cmd.auditSignatures, "NODE_OPTIONS=--require="+stub)
}

// What is published here verifies, before and after the key was rotated; what somebody on the way changed does not.
func TestSignaturesVerify(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	s := startServer(t, t.TempDir(), "--no-npm-fallback", "--token", operatorToken, "--base-url", f.URL)
	f.before(t, "http://"+s.addr)
	npm := managers()[0].sit(t, s.url, operatorToken)
	release := func(name string) {
		npm.run(t, npm.project(t, smallPackage(name, "1.0.0")), npm.cmd.publish).must(t)
	}
	release("@acme/early")
	operate(t, s, "", "key", "rotate")
	release("@acme/late")
	if keys := strings.Count(operate(t, s, "", "key", "list").stdout, "SHA256:"); keys != 2 {
		t.Fatalf("there are %d keys after a rotation, want 2", keys)
	}
	var apps []string
	var users []*seat
	for _, m := range auditors() {
		u := m.sit(t, s.url, "")
		app := u.project(t, "")
		u.run(t, app, u.add()+" @acme/early @acme/late").must(t)
		u.verifies(t, app).says(t, "audited 2 packages", "2 packages have verified registry signatures")
		apps, users = append(apps, app), append(users, u)
	}
	for i, u := range users {
		for name, change := range tampering(u.name) {
			f.changing(change)
			u.verifies(t, apps[i]).refuses(t, "invalid registry signature", "@acme/late@1.0.0")
			if t.Failed() {
				t.Fatalf("%s takes another %s", u.tool, name)
			}
		}
		f.changing(nil)
		u.verifies(t, apps[i]).says(t, "2 packages have verified registry signatures")
		if u.name == "pnpm" { // which signature is right it takes from the registry, for what from the lockfile
			u.run(t, apps[i], "sed -i.old -E '/late@1.0.0/,$ s/sha512-.{6}/sha512-AAAAAA/' pnpm-lock.yaml").must(t)
			u.verifies(t, apps[i]).refuses(t, "@acme/late@1.0.0")
		}
	}
}

// Who has installed before a rotation audits after it, with no other install; a version that says to be newer than the end
// of its key is refused: who got hold of a key that was replaced can't sign with it.
func TestKeysRotateUnderClients(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	s := startServer(t, t.TempDir(), "--no-npm-fallback", "--token", operatorToken, "--base-url", f.URL)
	f.before(t, "http://"+s.addr)
	npm := managers()[0].sit(t, s.url, operatorToken)
	npm.run(t, npm.project(t, smallPackage("@acme/early", "1.0.0")), npm.cmd.publish).must(t)
	for _, m := range auditors() {
		u := m.sit(t, s.url, "")
		app := u.project(t, "")
		u.run(t, app, u.add()+" @acme/early").must(t)
		u.verifies(t, app).says(t, "verified registry signature")
		operate(t, s, "", "key", "rotate")
		u.verifies(t, app).says(t, "verified registry signature")
		published := regexp.MustCompile(`"1\.0\.0":"20[0-9]{2}`)
		f.changing(func(path, text string) string {
			if strings.Contains(path, "early") {
				text = published.ReplaceAllString(text, `"1.0.0":"2999`)
			}
			return text
		})
		u.verifies(t, app).refuses(t, "@acme/early@1.0.0")
		f.changing(nil)
		u.verifies(t, app).says(t, "verified registry signature")
	}
	operate(t, s, "", "verify").says(t, "1 npm versions")
}

// tampering is what somebody on the way may change of @acme/late that a client verifies.
func tampering(manager string) map[string]func(path, text string) string {
	replace := func(pattern, with string) func(path, text string) string {
		re := regexp.MustCompile(pattern)
		return func(path, text string) string {
			if strings.Contains(path, "late") {
				text = re.ReplaceAllString(text, with)
			}
			return text
		}
	}
	changes := map[string]func(path, text string) string{"signature": replace(`"sig":"([^"]{60})....`, `"sig":"${1}AAAA`)}
	if manager == "npm" {
		changes["integrity"] = replace(`"integrity":"sha512-[^"]{6}`, `"integrity":"sha512-AAAAAA`)
	}
	return changes
}

// Upstream's signatures pass through, and its keys are listed beside ours.
func TestSignaturesOfUpstreamVerify(t *testing.T) {
	t.Parallel()
	up := startServer(t, t.TempDir(), "--no-npm-fallback", "--token", operatorToken)
	s := startServer(t, t.TempDir(), "--npm-upstream", up.url, "--token", operatorToken)
	npm := managers()[0].sit(t, up.url, operatorToken)
	npm.run(t, npm.project(t, smallPackage("of-upstream", "1.0.0")), npm.cmd.publish).must(t)
	operate(t, up, "", "key", "rotate")
	npm = managers()[0].sit(t, s.url, operatorToken)
	npm.run(t, npm.project(t, smallPackage("of-ours", "1.0.0")), npm.cmd.publish).must(t)
	for _, m := range auditors() {
		u := m.sit(t, s.url, "")
		app := u.project(t, "")
		u.run(t, app, u.add()+" of-upstream of-ours").must(t)
		u.verifies(t, app).says(t, "2 packages have verified registry signatures")
	}
}

// An audit is answered from upstream, which learns no name of ours and no token. Where
// upstream has no audits, or is broken, it fails: nobody may take that for "no flaws".
func TestAudit(t *testing.T) {
	t.Parallel()
	up := startServer(t, t.TempDir(), "--no-npm-fallback", "--token", operatorToken)
	npm := managers()[0].sit(t, up.url, operatorToken)
	npm.run(t, npm.project(t, smallPackage("of-upstream", "1.0.0")), npm.cmd.publish).must(t)
	f := newFront(t)
	f.before(t, up.url)
	s := startServer(t, t.TempDir(), "--npm-upstream", f.URL, "--token", operatorToken, "--claimed-scopes", "@acme")
	npm = managers()[0].sit(t, s.url, operatorToken)
	npm.run(t, npm.project(t, smallPackage("@acme/secret-name", "1.0.0")), npm.cmd.publish).must(t)

	tests := []struct {
		name   string
		answer http.HandlerFunc
		says   []string
	}{
		{"advisories", f.advise(t), []string{"of-upstream", "A grave flaw"}},
		{"no audits", http.NotFound, nil},
		{"broken", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }, nil},
	}
	for _, m := range managers() {
		u := m.sit(t, s.url, operatorToken)
		if u.cmd.audit == "" {
			continue
		}
		t.Run(m.id(), func(t *testing.T) {
			app := u.project(t, "", map[clients.Tool]string{clients.Yarn4: "npmMinimalAgeGate: 0"}[m.tool])
			u.run(t, app, u.add()+" of-upstream @acme/secret-name").must(t)
			for _, tt := range tests {
				if tt.name == "broken" && m.name != "npm" {
					continue // the others try again for a minute
				}
				f.answers(tt.answer)
				u.run(t, app, u.cmd.audit).refuses(t, tt.says...)
			}
		})
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.bodies) < 4 || strings.Contains(strings.Join(f.bodies, ""), "secret-name") {
		t.Errorf("upstream was asked for %q, want its own packages and no others", f.bodies)
	}
	if len(f.tokens) > 0 {
		t.Errorf("upstream was shown a token")
	}
	if found := strings.Join(f.asked, "\n"); strings.Contains(found, "secret-name") {
		t.Errorf("upstream was asked\n%s", found)
	}
}

// answers has audits answered by another from now on.
func (f *front) answers(h http.HandlerFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answer = h
}

// advise answers audits with a flaw in of-upstream, and keeps what was asked.
func (f *front) advise(t *testing.T) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, asked, err := auditOf(r)
		if err != nil {
			t.Errorf("the audit that upstream got: %v\n%q", err, body)
		}
		f.mu.Lock()
		f.bodies = append(f.bodies, string(body))
		f.mu.Unlock()
		found := map[string]any{}
		if len(asked["of-upstream"]) > 0 {
			found["of-upstream"] = []any{map[string]any{
				"id": 7, "url": "https://example.com/7", "title": "A grave flaw", "severity": "high", "vulnerable_versions": "<2", "cwe": []string{"CWE-1"},
				"cvss": map[string]any{"score": 8, "vectorString": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"},
			}}
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(found) // whoever asked finds out
	}
}

// auditOf reads an audit, compressed or not.
func auditOf(r *http.Request) (body []byte, asked map[string][]string, err error) {
	in := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		if in, err = gzip.NewReader(r.Body); err != nil {
			return nil, nil, err
		}
	}
	if body, err = io.ReadAll(in); err != nil {
		return body, nil, err
	}
	err = json.Unmarshal(body, &asked)
	return body, asked, err
}
