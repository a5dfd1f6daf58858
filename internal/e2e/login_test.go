package e2e

import (
	"encoding/json"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/org/registry-action/internal/clients"
)

// signIn is how a client signs a user in.
type signIn struct {
	line  string
	first string // what it asks before it shows the address; "" for nothing
}

// webLogins are the clients that sign in with a browser.
func webLogins() map[clients.Tool]signIn {
	return map[clients.Tool]signIn{
		clients.NPM11: {line: "npm login"},
		clients.NPM12: {line: "npm login"},
		clients.PNPM:  {line: "pnpm login"},
		clients.Yarn4: {line: "yarn npm login --web-login", first: "open your browser"},
	}
}

// A user signs in with the browser, and out. After that the token is nobody's.
func TestWebLogin(t *testing.T) {
	s := startServer(t, t.TempDir(), "--no-npm-fallback", "--token", operatorToken)
	for _, m := range managers() {
		login, ok := webLogins()[m.tool]
		if !ok {
			continue
		}
		t.Run(m.id(), func(t *testing.T) {
			t.Parallel()
			u := m.sit(t, s.url, "")
			addUser(t, s, u.user)
			app := u.project(t, "")
			u.run(t, app, u.cmd.whoami).refuses(t)

			k := start(t, app, u.env(t), login.line)
			if login.first != "" {
				k.hear(t, login.first)
				k.say(t, "n")
			}
			page := k.hear(t, `http://localhost:\d+/-/login/\w+\s`)
			wantPage(t, visit(t, page, "", nil), http.StatusOK, `<form method="post"`, u.registry)
			form := url.Values{"user": {u.user}, "password": {"not the password"}}
			wantPage(t, visit(t, page, "same-origin", form), http.StatusUnauthorized, "do not fit", `<form method="post"`)
			form.Set("password", goodPassword)
			wantPage(t, visit(t, page, "cross-site", form), http.StatusForbidden)
			wantPage(t, visit(t, page, "same-origin", form), http.StatusOK, "You are signed in")
			if r := k.end(); r.code != 0 {
				t.Fatalf("signing in: %v", r)
			}
			u.run(t, app, u.cmd.whoami).says(t, u.user)
			token := u.configured(t)
			if got := whoami(t, s, token); got != u.user {
				t.Errorf("the token is %q's, want %q's", got, u.user)
			}
			wantPage(t, visit(t, page, "same-origin", form), http.StatusNotFound, "expired, or was used")
			u.signsOut(t, s, app, token)
		})
	}
}

// The page where a client's login goes on is what pages must be, before and after.
func TestWebLoginPage(t *testing.T) {
	onlyLocal(t, "pages show what the domains answer, and these are tested in both")
	t.Parallel()
	s := startServer(t, t.TempDir(), "--no-npm-fallback", "--token", operatorToken, "--sign-up")
	addUser(t, s, "ada")
	var login struct{ LoginURL string }
	a := sendAs(t, "", http.MethodPost, s.url+"/-/v1/login", nil)
	if err := json.Unmarshal(a.body, &login); a.status != http.StatusOK || err != nil {
		t.Fatalf("beginning a login: %d %s, %v %v", a.status, a.body, a.err, err)
	}
	b := newTab(t, s.url)
	b.holds(login.LoginURL)
	background := eval[string](b, "getComputedStyle(document.body).backgroundColor")
	b.do(chromedp.SendKeys(chromedp.CSS("#user"), "ada"), chromedp.SendKeys(chromedp.CSS("#password"), "wrong"))
	b.expect("status of 401")
	b.follow("button")
	b.expect()
	b.axe(looks()[0])
	b.shoot("wrong")
	b.do(chromedp.SendKeys(chromedp.CSS("#password"), goodPassword))
	b.follow("button")
	if got := b.text("h1"); got != "You are signed in" {
		t.Errorf("signing in is answered by %q", got)
	}
	b.axe(looks()[0])
	b.open(s.url+"/", http.StatusOK)
	if got := eval[string](b, "getComputedStyle(document.body).backgroundColor"); got != background {
		t.Errorf("the background is %s, of other pages %s", background, got)
	}
}

// visited is a page that a browser got.
type visited struct {
	status int
	body   string
}

// visit opens a page as a browser does, or sends its form.
func visit(t *testing.T, page, site string, form url.Values) visited {
	t.Helper()
	method := "GET"
	if form != nil {
		method = "POST"
	}
	r, err := http.NewRequestWithContext(t.Context(), method, page, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", site)
	}
	status, body := answer(t, r)
	return visited{status, body}
}

func wantPage(t *testing.T, got visited, status int, texts ...string) {
	t.Helper()
	if got.status != status {
		t.Errorf("the page answers %d, want %d\n%s", got.status, status, got.body)
	}
	for _, text := range texts {
		if !strings.Contains(got.body, text) {
			t.Errorf("the page lacks %q:\n%s", text, got.body)
		}
	}
}

var tokenLine = regexp.MustCompile(`(?:_authToken=|npmAuthToken: )(regact_\w+)`)

// configured is the token that a login left in the user's configuration; "" for none.
func (u *seat) configured(t *testing.T) string {
	t.Helper()
	for _, file := range []string{".npmrc", ".yarnrc.yml", ".config/pnpm/auth.ini"} {
		path := filepath.Join(u.home, file)
		if m := tokenLine.FindStringSubmatch(readIfThere(t, path)); m != nil {
			return m[1]
		}
	}
	return ""
}

// signsOut ends the token. Yarn 4 only forgets it.
func (u *seat) signsOut(t *testing.T, s *server, app, token string) {
	u.run(t, app, u.cmd.logout).must(t)
	if got := u.configured(t); got != "" {
		t.Errorf("the token is configured still after the logout")
	}
	if got := whoami(t, s, token); got != "" && u.tool != clients.Yarn4 {
		t.Errorf("the token is good for %q still after the logout", got)
	}
	u.run(t, app, u.cmd.whoami).refuses(t)
}

// promptLogins are the clients that ask for name and password.
func promptLogins() map[clients.Tool]string {
	return map[clients.Tool]string{
		clients.NPM11: "npm login --auth-type=legacy",
		clients.NPM12: "npm login --auth-type=legacy",
		clients.Yarn4: "yarn npm login",
	}
}

func TestLoginAtThePrompt(t *testing.T) {
	s := startServer(t, t.TempDir(), "--no-npm-fallback", "--token", operatorToken)
	for _, m := range managers() {
		line, ok := promptLogins()[m.tool]
		if !ok {
			continue
		}
		t.Run(m.id(), func(t *testing.T) {
			t.Parallel()
			u := m.sit(t, s.url, "")
			addUser(t, s, u.user)
			app := u.project(t, "")
			if r := u.answers(t, app, line, u.user, "not the password"); r.code == 0 {
				t.Errorf("a wrong password: %v", r)
			}
			if r := u.answers(t, app, line, "mallory", goodPassword); r.code == 0 {
				t.Errorf("an unknown user: %v", r)
			}
			if r := u.answers(t, app, line, u.user, goodPassword); r.code != 0 {
				t.Fatalf("signing in: %v", r)
			}
			u.run(t, app, u.cmd.whoami).says(t, u.user)
			u.signsOut(t, s, app, u.configured(t))
		})
	}
}

// answers runs a client that asks for name and password, and then perhaps for more.
func (u *seat) answers(t *testing.T, app, line string, answers ...string) result {
	t.Helper()
	k := start(t, app, u.env(t), line)
	for i, prompt := range []string{"Username:", "Password:", "Email"}[:len(answers)] {
		k.hear(t, prompt)
		k.say(t, answers[i])
	}
	return k.end()
}

// Where it is allowed everybody makes an account, but not one that others had.
func TestSignUp(t *testing.T) {
	s := startServer(t, t.TempDir(), "--no-npm-fallback", "--token", operatorToken, "--sign-up")
	addUser(t, s, "alice")
	t.Run("at the prompt", func(t *testing.T) {
		t.Parallel()
		u := managers()[0].sit(t, s.url, "") // later ones have no adduser
		app := u.project(t, "")
		const line = "npm adduser --auth-type=legacy"
		if r := u.answers(t, app, line, "newcomer", goodPassword, "newcomer@example.com"); r.code != 0 {
			t.Fatalf("signing up: %v", r)
		}
		u.run(t, app, u.cmd.whoami).says(t, "newcomer")
		u.run(t, app, u.cmd.profile).says(t, "newcomer@example.com")
		operate(t, s, "", "user", "remove", "alice")
		if r := u.answers(t, app, line, "alice", goodPassword, "mallory@example.com"); r.code == 0 {
			t.Errorf("signing up as somebody who was here: %v", r)
		}
	})
	for _, m := range []manager{managers()[1], managers()[2]} {
		t.Run(m.id()+" in the browser", func(t *testing.T) {
			t.Parallel()
			u := m.sit(t, s.url, "")
			app := u.project(t, "")
			k := start(t, app, u.env(t), webLogins()[m.tool].line)
			page := k.hear(t, `http://localhost:\d+/-/login/\w+\s`)
			form := url.Values{"user": {u.user}, "password": {goodPassword}, "email": {u.user + "@example.com"}}
			wantPage(t, visit(t, page, "same-origin", form), http.StatusOK, "You are signed in")
			if r := k.end(); r.code != 0 {
				t.Fatalf("signing up: %v", r)
			}
			u.run(t, app, u.cmd.whoami).says(t, u.user)
			u.run(t, app, u.cmd.profile).says(t, u.user+"@example.com")
		})
	}
}

// Tokens made, listed and ended with npm and pnpm; and the profile.
func TestTokensAndProfile(t *testing.T) {
	s := startServer(t, t.TempDir(), "--no-npm-fallback", "--token", operatorToken)
	for _, m := range managers() {
		if m.words().newToken == "" {
			continue
		}
		t.Run(m.id(), func(t *testing.T) {
			t.Parallel()
			u := m.join(t, s)
			app := u.project(t, "")
			scope := "flags=--name laptop --expires 7 --packages @" + u.user + "/lib"
			first := u.makes(t, app, scope)
			if got := whoami(t, s, first); got != u.user {
				t.Errorf("the token is %q's, want %q's", got, u.user)
			}
			list := u.run(t, app, u.cmd.tokens+" --json").says(t, `"name": "ci"`, first[:11])
			if strings.Contains(list.stdout, first) || strings.Contains(list.stdout, u.token) {
				t.Errorf("the list shows whole tokens: %v", list)
			}
			key := regexp.MustCompile(`"key": "(\w+)",\s+"token": "` + first[:11]).FindStringSubmatch(list.stdout)
			if key == nil {
				t.Fatalf("the list lacks the new token: %v", list)
			}
			u.run(t, app, u.cmd.endToken, "key="+key[1]).must(t)
			if got := whoami(t, s, first); got != "" {
				t.Errorf("the token is good for %q still after it was revoked", got)
			}
			if m.name == "npm" {
				second := u.makes(t, app, scope)
				in := m.sit(t, s.url, second)
				in.run(t, in.project(t, smallPackage("@"+u.user+"/lib", "1.0.0")), in.cmd.publish).must(t)
				in.run(t, in.project(t, smallPackage("@"+u.user+"/other", "1.0.0")), in.cmd.publish).refuses(t, "may not write")
			}

			u.run(t, app, u.cmd.setName, "text=Ada L").must(t)
			r := u.run(t, app, u.cmd.profile).says(t, u.user, "Ada L", u.user+"@example.com")
			if strings.Contains(r.plain(), "undefined") {
				t.Errorf("something is not defined: %v", r)
			}
		})
	}
}

// makes makes a token with the client, which wants the password.
func (u *seat) makes(t *testing.T, app, flags string) string {
	t.Helper()
	k := start(t, app, u.env(t, flags), u.cmd.newToken)
	if u.name == "npm" { // pnpm asks in a terminal only
		k.hear(t, "password:")
	}
	k.say(t, goodPassword)
	made := k.hear(t, `regact_\w+\s`)
	if r := k.end(); r.code != 0 {
		t.Fatalf("making a token: %v", r)
	}
	return made
}

// Every write is noted, refused ones too, and no secret is.
func TestAuditLog(t *testing.T) {
	t.Parallel()
	s := startServer(t, t.TempDir(), "--no-npm-fallback", "--token", operatorToken)
	u := managers()[0].join(t, s)
	dir := u.project(t, smallPackage("@acme/noted", "1.0.0"))
	u.run(t, dir, u.cmd.publish).must(t)
	u.hold(t, newToken(t, s, "--name", "reader", "--permissions", "read"))
	write(t, dir, smallPackage("@acme/noted", "1.0.1"))
	u.run(t, dir, u.cmd.publish).refuses(t)
	if err := s.stop(); err != nil { // so that all of the log is here
		t.Fatal(err)
	}
	log := s.log()
	for _, want := range []string{
		`msg=audit who="npm11 \(token \w+…\)" action=publish target=@acme/noted@1.0.0 remote=127.0.0.1 status=201`,
		`msg=audit who="reader \(token \w+…\)" action=\w+ target=@acme/noted\S* remote=127.0.0.1 status=403`,
	} {
		if !regexp.MustCompile(want).MatchString(log) {
			t.Errorf("the log lacks %s:\n%s", want, log)
		}
	}
	if strings.Contains(log, "regact_") || strings.Contains(log, goodPassword) {
		t.Error("the log has a secret")
	}
}
