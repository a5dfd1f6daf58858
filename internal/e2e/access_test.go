package e2e

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/clients"
)

// A registry with private reads serves every client that has a token, and no
// other: with the line in the project that docs/operating.md gives for names without a scope.
func TestPrivateReads(t *testing.T) {
	s := startServer(t, t.TempDir(), "--no-npm-fallback", "--token", operatorToken, "--read-auth", "required")
	npm := managers()[0].sit(t, s.url, operatorToken)
	for _, name := range []string{"@acme/private", "private-lib"} {
		npm.run(t, npm.project(t, smallPackage(name, "1.0.0")), npm.cmd.publish).must(t)
	}
	reader := newToken(t, s, "--name", "reader", "--permissions", "read")
	for _, m := range managers() {
		t.Run(m.id(), func(t *testing.T) {
			t.Parallel()
			for _, name := range []string{"@acme/private", "private-lib"} {
				m.readsPrivately(t, s, name, reader)
			}
			if m.words().view != "" {
				u := m.sit(t, s.url, reader)
				u.run(t, u.project(t, ""), u.cmd.view, "pkg=@acme/private").says(t, "1.0.0")
			}
			u := m.sit(t, s.url, reader)
			u.run(t, u.project(t, smallPackage("@acme/private", "2.0.0")), u.cmd.publish).refuses(t, "may only read")
		})
	}
}

// readsPrivately installs a package with the token, and can't without one. Who sends the
// token for scopes only is told to send it always.
func (m manager) readsPrivately(t *testing.T, s *server, name, token string) {
	u, settings := m.sit(t, s.url, token), []string{}
	if !strings.HasPrefix(name, "@") {
		switch m.tool {
		case clients.Yarn1:
			settings = []string{"always-auth=true"}
		case clients.Yarn4:
			settings = []string{"npmMinimalAgeGate: 0"}
			u.hold(t, token, "    npmAlwaysAuth: true")
		}
	}
	app := u.project(t, "", settings...)
	u.run(t, app, u.add()+" "+name).must(t)
	u.forget(t)
	u.run(t, app, "rm -rf node_modules .yarn && "+u.frozen()).must(t)
	if got := readIfThere(t, filepath.Join(app, "node_modules", name, "package.json")); !strings.Contains(got, name) {
		t.Errorf("%s was not installed", name)
	}

	stranger := m.sit(t, s.url, "")
	other := stranger.project(t, "", settings...)
	stranger.run(t, other, u.add()+" "+name).refuses(t)
	stranger.run(t, app, "rm -rf node_modules .yarn && "+u.frozen()).refuses(t)
	stranger.hold(t, token[:len(token)-2]+"xx")
	stranger.run(t, other, u.add()+" "+name).refuses(t)
}

// A token that the operator gave to some packages publishes them, whoever owns them, and no others.
func TestLimitedTokens(t *testing.T) {
	t.Parallel()
	s := startServer(t, t.TempDir(), "--no-npm-fallback", "--token", operatorToken)
	npm := managers()[0].sit(t, s.url, operatorToken)
	npm.run(t, npm.project(t, smallPackage("@acme/lib", "0.0.1")), npm.cmd.publish).must(t)
	ci := newToken(t, s, "--name", "ci", "--packages", "@acme/*", "--permissions", "publish", "--expires", "90d")
	for i, m := range managers() {
		t.Run(m.id(), func(t *testing.T) {
			u := m.sit(t, s.url, ci)
			version := "1.0." + string(rune('0'+i))
			u.run(t, u.project(t, smallPackage("@acme/lib", version)), u.cmd.publish).must(t)
			u.run(t, u.project(t, smallPackage("@acme/of-"+u.user, "1.0.0")), u.cmd.publish).must(t)
			for _, name := range []string{"@acme-other/lib", "acme", "@other/lib"} {
				u.run(t, u.project(t, smallPackage(name, "1.0.0")), u.cmd.publish).refuses(t, "only to @acme/*")
			}
			if u.cmd.newToken != "" {
				k := start(t, u.project(t, ""), u.env(t), u.cmd.newToken)
				k.say(t, goodPassword)
				if r := k.end(); r.code == 0 {
					t.Errorf("a limited token made another: %v", r)
				}
			}
		})
	}
	list := operate(t, s, "", "token", "list").stdout
	if !strings.Contains(list, "publish @acme/*") || strings.Contains(list, ci) {
		t.Errorf("the list of tokens:\n%s", list)
	}
	key, _, _ := strings.Cut(strings.SplitN(list, "\n", 3)[1], " ")
	operate(t, s, "", "token", "revoke", key)
	u := managers()[2].sit(t, s.url, ci)
	u.run(t, u.project(t, smallPackage("@acme/lib", "2.0.0")), u.cmd.publish).refuses(t, "Invalid token")
}
