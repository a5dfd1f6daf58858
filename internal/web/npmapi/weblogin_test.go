package npmapi_test

import (
	"net/url"
	"strings"
	"testing"
)

// webLogin begins a login and returns the path of its page and of its poll.
func webLogin(t *testing.T, n *node, root string) (page, poll string) {
	t.Helper()
	a := n.as("").do("POST", root+"/-/v1/login", nil).want(t, 200, "")
	if a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("Cache-Control = %q", a.Header.Get("Cache-Control"))
	}
	m := a.json(t)
	page, ok1 := strings.CutPrefix(m["loginUrl"].(string), n.url)
	poll, ok2 := strings.CutPrefix(m["doneUrl"].(string), n.url)
	if !ok1 || !ok2 || !strings.HasPrefix(page, root+"/-/login/") || !strings.HasPrefix(poll, root+"/-/v1/done?authId=") {
		t.Fatalf("login = %v", m)
	}
	return page, poll
}

func (n *node) form(path string, fields url.Values, header ...string) answer {
	n.t.Helper()
	return n.do("POST", path, fields.Encode(), append(header, "Content-Type: application/x-www-form-urlencoded")...)
}

func signIn(user, password string) url.Values {
	return url.Values{"user": {user}, "password": {password}}
}

func TestWebLogin(t *testing.T) {
	n := start(t, setup{})
	alice, anon := n.user("alice"), n.as("")
	for _, root := range []string{"", "/npm", "/~/acme/app"} {
		page, poll := webLogin(t, n, root)
		a := anon.get(poll).want(t, 202, "{}")
		if a.Header.Get("Retry-After") != "1" || a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("a login that waits has the header %v", a.Header)
		}
		anon.get(page).want(t, 200, "<form")
		anon.form(page, signIn("alice", "password of alice")).want(t, 200, "Go back to the terminal")
		a = anon.get(poll).want(t, 200, `"token":"`)
		n.as(a.json(t)["token"].(string)).get("/-/whoami").want(t, 200, "alice")
		anon.get(poll).want(t, 404, "error") // once
	}
	page, poll := webLogin(t, n, "")
	anon.form(page, signIn("", alice.token)).want(t, 200, "Go back")
	anon.get(poll).want(t, 200, "")
	page, poll = webLogin(t, n, "")
	anon.form(page, signIn("alice", alice.token)).want(t, 200, "Go back")
	anon.get(poll).want(t, 200, "")
}

func TestWebLoginRefuses(t *testing.T) {
	for _, signUp := range []bool{false, true} {
		n := start(t, setup{signUp: signUp})
		n.user("alice")
		anon := n.as("")
		page, poll := webLogin(t, n, "")
		// The address of the page gives nothing.
		id := page[strings.LastIndexByte(page, '/')+1:]
		anon.get("/-/v1/done?authId="+id).want(t, 404, "error")
		anon.get("/-/v1/done").want(t, 404, "error")
		anon.get("/-/v1/done?authId=").want(t, 404, "error")
		unknown := anon.form(page, signIn("bob", "password of alice")).want(t, 401, "<form")
		wrong := anon.form(page, signIn("alice", "a wrong password")).want(t, 401, "<form")
		if got, want := strings.ReplaceAll(string(unknown.body), "bob", "alice"), string(wrong.body); got != want {
			t.Errorf("the page tells that there is no such user:\n%s\n%s", got, want)
		}
		anon.form(page, signIn("", "regact_nothing")).want(t, 401, "<form")
		anon.form(page, signIn("", "")).want(t, 401, "<form")
		anon.form(page, signIn("alice", "")).want(t, 401, "<form")
		a := anon.form(page, signIn(`"><script>alert(1)</script>`, "a wrong password")).want(t, 401, "&lt;script&gt;")
		if strings.Contains(string(a.body), "<script") || strings.Contains(string(a.body), "a wrong password") {
			t.Errorf("the page has what was typed: %s", a.body)
		}
		anon.do("POST", page, `{"user":"alice"}`, "Content-Type: application/json").want(t, 415, "")
		anon.do("POST", page, "%zz", "Content-Type: application/x-www-form-urlencoded").want(t, 400, "form")
		anon.form(page, url.Values{"user": {strings.Repeat("x", 70_000)}}).want(t, 413, "")
		// Another site can't send the form.
		for _, h := range [][]string{{"Sec-Fetch-Site: cross-site"}, {"Origin: http://evil.example"}, {"Origin: null"}} {
			anon.form(page, signIn("alice", "password of alice"), h...).want(t, 403, "cross_origin")
		}
		anon.get(poll).want(t, 202, "")
		anon.form("/-/login/"+strings.Repeat("0", 40), signIn("alice", "password of alice")).want(t, 404, "expired")
		anon.form(page, signIn("alice", "password of alice"), "Origin: "+n.url).want(t, 200, "Go back")
	}
}

// Where everybody may have an account, the page makes it: not every client can.
func TestSignUpInTheBrowser(t *testing.T) {
	n := start(t, setup{signUp: true})
	n.user("alice")
	anon := n.as("")
	page, poll := webLogin(t, n, "")
	anon.get(page).want(t, 200, `name="email"`)
	newcomer := signIn("newcomer", "password of newcomer")
	anon.form(page, newcomer).want(t, 401, "e-mail address too")
	newcomer.Set("email", `nobody"><b>`)
	anon.form(page, newcomer).want(t, 400, "no e-mail address")
	newcomer.Set("email", "newcomer@example.com")
	anon.form(page, newcomer).want(t, 200, "Go back")
	token := anon.get(poll).want(t, 200, "").json(t)["token"].(string)
	n.as(token).get("/-/npm/v1/user").want(t, 200, "newcomer@example.com")

	page, _ = webLogin(t, n, "")
	taken := signIn("alice", "another password")
	taken.Set("email", "mallory@example.com")
	anon.form(page, taken).want(t, 401, "do not fit")

	n = start(t, setup{})
	page, _ = webLogin(t, n, "")
	if a := n.get(page).want(t, 200, "<form"); strings.Contains(string(a.body), "email") {
		t.Errorf("the page offers an account: %s", a.body)
	}
	n.as("").form(page, newcomer).want(t, 401, "ask who runs this registry")
}

// The page has a policy of its own: nothing but our style is loaded, nothing run or framed, the form goes to us.
func TestLoginPage(t *testing.T) {
	n := start(t, setup{})
	page, _ := webLogin(t, n, "")
	a := n.get(page).want(t, 200, "npm login")
	csp := a.Header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "style-src 'self'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"} {
		if !strings.Contains(csp, want) {
			t.Errorf("Content-Security-Policy %q lacks %s", csp, want)
		}
	}
	if strings.Contains(csp, "unsafe") || strings.Contains(csp, "script-src") || strings.Contains(csp, "sandbox") {
		t.Errorf("Content-Security-Policy = %q", csp)
	}
	if a.Header.Get("Access-Control-Allow-Origin") != "" || a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("Referrer-Policy") != "same-origin" {
		t.Errorf("header = %v", a.Header)
	}
	if strings.Contains(string(a.body), "<script") || strings.Contains(string(a.body), " style=") {
		t.Error("the page has a script or a style of an element")
	}
	if want := `<link rel="stylesheet" href="/style.css?v=1">`; !strings.Contains(string(a.body), want) {
		t.Errorf("the page lacks %s", want)
	}
}

// Without a REGISTRY_TOKEN, who is on the server's own machine needs no account.
func TestLocalLogin(t *testing.T) {
	n := start(t, setup{open: true})
	anon := n.as("")
	page, poll := webLogin(t, n, "")
	anon.form(page, url.Values{}, "X-Forwarded-For: 10.0.0.1").want(t, 401, "<form")
	anon.form(page, url.Values{}, "Sec-Fetch-Site: cross-site").want(t, 403, "")
	anon.form(page, url.Values{}).want(t, 200, "Go back")
	token := anon.get(poll).want(t, 200, "").json(t)["token"].(string)
	n.as(token).publish("a", "1.0.0")
}
