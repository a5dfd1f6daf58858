package e2e

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// A new user finds on the pages all that is needed to publish, find, read about and install a package, and then sees the download.
func TestFirstTenMinutes(t *testing.T) {
	t.Parallel()
	s := startServer(t, t.TempDir(), "--no-npm-fallback")
	b := newTab(t, s.url)
	b.holds(s.url + "/")
	commands := eval[[]string](b, `[...document.querySelectorAll(".steps pre")].map(e => e.innerText.trim())`)
	if len(commands) != 4 {
		t.Fatalf("the steps of the start are %q, want 4", commands)
	}
	u := managers()[0].sit(t, s.url, "")
	dir := t.TempDir()
	u.run(t, dir, commands[0]).must(t)
	dir = filepath.Join(dir, "hello")
	write(t, dir, "-- README.md --\n# Say hello\n")
	u.run(t, dir, strings.Join(commands[1:3], " && ")).must(t)

	b.shows(s.url+"/", "Published last", "@my-packages/hello")
	b.do(chromedp.SendKeys(chromedp.CSS(".search input"), "hello"+kb.Enter))
	b.await(`location.pathname === "/search" && document.readyState === "complete"`)
	if got := b.at(); got != "/search?q=hello" {
		t.Errorf("the search box leads to %s", got)
	}
	b.shows(s.url+"/search?q=hello", "@my-packages/hello", "1.0.0") // within a second
	b.holds(s.url + "/search?q=hello")
	everyPage(t, s.url+"/search?q=nothing+of+this+kind")
	b.follow(`main ol a`)
	if got := b.text(".readme h2"); got != "Say hello" {
		t.Errorf("the README of the package is %q", got)
	}
	other := managers()[0].sit(t, s.url, "") // the publisher's npm keeps the bytes that it has sent
	other.run(t, other.project(t, ""), commands[3]).must(t)
	b.shows(s.url+b.at(), "Say hello", "Downloads of all versions: 1 in 30 days", "Downloads of 1.0.0: 1 in 30 days")
	if charts := eval[int](b, `document.querySelectorAll("svg.chart:has(rect)").length`); charts != 2 {
		t.Errorf("%d charts show the download, want 2", charts)
	}
	b.holds(s.url + b.at())
}

// Suggestions come as somebody types, and the keyboard is enough for them.
func TestSuggestions(t *testing.T) {
	onlyLocal(t, "pages show what the domains answer, and these are tested in both")
	t.Parallel()
	s := startServer(t, t.TempDir(), "--no-npm-fallback", "--token", operatorToken)
	for _, name := range []string{"@acme/squirrel", "@acme/squid", "@acme/badger"} {
		publishPlain(t, s, name)
	}
	b := newTab(t, s.url)
	b.shows(s.url+"/search?q=kind:npm", "squirrel", "squid")
	b.open(s.url+"/", http.StatusOK)
	const box = `document.querySelector(".search input")`
	b.do(chromedp.SendKeys(chromedp.CSS(".search input"), "squ"))
	b.await(`document.querySelectorAll("[role=option]").length === 2`)
	if got := eval[string](b, box+`.ariaExpanded + " " + `+box+`.getAttribute("role")`); got != "true combobox" {
		t.Errorf("the box is %s", got)
	}
	b.axe(looks()[0])
	b.do(chromedp.KeyEvent(kb.ArrowDown))
	if got := eval[string](b, `document.getElementById(`+box+`.getAttribute("aria-activedescendant")).ariaSelected`); got != "true" {
		t.Errorf("the first suggestion is selected: %q", got)
	}
	b.shoot("suggestions")
	b.do(chromedp.KeyEvent(kb.Escape))
	b.await(`document.querySelector("[role=listbox]").hidden`)
	b.do(chromedp.KeyEvent("i"))
	b.await(`!document.querySelector("[role=listbox]").hidden`)
	b.do(chromedp.KeyEvent(kb.ArrowUp))
	want := eval[string](b, `[...document.querySelectorAll("[role=option]")].at(-1).dataset.url`)
	b.do(chromedp.KeyEvent(kb.Enter))
	b.await(fmt.Sprintf(`location.pathname === %q`, want))

	// Whoever types on after choosing is not led to what was chosen.
	b.open(s.url+"/", http.StatusOK)
	b.do(chromedp.SendKeys(chromedp.CSS(".search input"), "squ"))
	b.await(`document.querySelectorAll("[role=option]").length === 2`)
	b.do(chromedp.KeyEvent(kb.ArrowDown), chromedp.KeyEvent("a"), chromedp.KeyEvent(kb.Enter))
	b.await(`location.pathname !== "/"`)
	if got := b.at(); got != "/search?q=squa" {
		t.Errorf("Enter leads to %s", got)
	}
}

// The button copies the command, and the theme stays.
func TestCopyAndTheme(t *testing.T) {
	onlyLocal(t, "pages show what the domains answer, and these are tested in both")
	t.Parallel()
	s := startServer(t, t.TempDir(), "--no-npm-fallback", "--token", operatorToken)
	b := newTab(t, s.url)
	b.open(s.url+"/", http.StatusOK)
	const button = `document.querySelector("details[open] [data-copy]")`
	b.do(chromedp.Click(chromedp.CSS("details[open] [data-copy]")))
	b.await(button + `.textContent === "Copied"`)
	b.do(chromedp.Click(chromedp.CSS("details[open] [data-copy]"))) // while it still says so
	if got := eval[string](b, `new Promise(done => setTimeout(() => done(`+button+`.textContent), 2500))`); got != "Copy" {
		t.Errorf("the button goes on to say %q", got)
	}
	if got, want := eval[string](b, "navigator.clipboard.readText()"), "registry="+s.url+"/"; got != want {
		t.Errorf("the clipboard has %q, want %q", got, want)
	}
	before := eval[string](b, "getComputedStyle(document.body).backgroundColor")
	b.do(chromedp.Click(chromedp.CSS("button.theme")))
	after := eval[string](b, "getComputedStyle(document.body).backgroundColor")
	b.open(s.url+"/-/web/login", http.StatusOK)
	if again := eval[string](b, "getComputedStyle(document.body).backgroundColor"); before == after || again != after {
		t.Errorf("the background is %s, then %s, and on the next page %s", before, after, again)
	}
}

// Somebody signs in, makes a token, revokes it and signs out; then the cookie is worth nothing.
func TestAccountPages(t *testing.T) {
	t.Parallel()
	s := startServer(t, t.TempDir(), "--no-npm-fallback", "--token", operatorToken)
	addUser(t, s, "ada")
	b := newTab(t, s.url)
	b.holds(s.url + "/-/web/login")
	b.signIn(s, "ada", "not the password", http.StatusUnauthorized)
	if got := b.text("[role=alert]"); !strings.Contains(got, "do not fit") {
		t.Errorf("a wrong password is answered by %q", got)
	}
	b.signIn(s, "ada", goodPassword, http.StatusOK)
	if got := b.at(); got != "/-/web/account" {
		t.Errorf("signing in leads to %s", got)
	}
	cookie := b.session()
	if !cookie.HTTPOnly || cookie.SameSite != network.CookieSameSiteLax || whoami(t, s, cookie.Value) != "ada" {
		t.Errorf("the cookie is %+v", cookie)
	}
	b.holds(s.url + "/-/web/account")

	b.do(chromedp.SendKeys(chromedp.CSS("#token-name"), "laptop"), chromedp.SendKeys(chromedp.CSS("#token-password"), goodPassword))
	b.follow(`form[action$="/account/tokens"] button`)
	secret := strings.TrimSpace(b.text(".note pre"))
	if got := whoami(t, s, secret); got != "ada" {
		t.Fatalf("the token %.10q is %q's", secret, got)
	}
	b.shoot("new-token")
	b.open(s.url+"/-/web/account", http.StatusOK)
	if strings.Contains(b.text("main"), secret) {
		t.Error("the token is shown again")
	}
	b.follow(`form[action$="/logout"] button`)
	if got := whoami(t, s, cookie.Value); got != "" {
		t.Errorf("after signing out the session is %q's", got)
	}
	if got := whoami(t, s, secret); got != "ada" {
		t.Errorf("after signing out the token is %q's", got)
	}
	b.signIn(s, "", secret, http.StatusOK)
	b.follow(`button[aria-label="Revoke laptop"]`)
	if got := whoami(t, s, secret); got != "" {
		t.Errorf("the revoked token is %q's", got)
	}
	b.open(s.url+"/-/web/account", http.StatusOK)
	if got := b.at(); got != "/-/web/login?next=%2F-%2Fweb%2Faccount" {
		t.Errorf("the account of nobody is at %s", got)
	}
}

// An admin sees users and storage, and manages what belongs to others.
func TestAdminPages(t *testing.T) {
	onlyLocal(t, "pages show what the domains answer, and these are tested in both")
	t.Parallel()
	s := startServer(t, t.TempDir(), "--no-npm-fallback", "--token", operatorToken)
	addUser(t, s, "ada")
	addUser(t, s, "grace")
	publishPlain(t, s, "@acme/widget")
	b := newTab(t, s.url)
	b.signIn(s, "", operatorToken, http.StatusOK)
	b.holds(s.url + "/-/web/admin")
	if got := b.text("main"); !strings.Contains(got, "grace@example.com") || !strings.Contains(got, "released packages") {
		t.Errorf("the page of admins says:\n%s", got)
	}
	b.follow(`button[aria-label="Remove ada and their tokens"]`)
	if got := b.text("main"); strings.Contains(got, "ada@example.com") {
		t.Error("the user is still there")
	}
	manage := s.url + "/-/web/manage?kind=npm&name=@acme/widget"
	b.holds(manage)
	b.do(chromedp.SendKeys(chromedp.CSS("#owner"), "grace"))
	b.follow(`form[action$="/owner"] button`)
	b.do(chromedp.SendKeys(chromedp.CSS("#tag"), "next"), chromedp.SendKeys(chromedp.CSS("#tag-version"), "1.0.0"))
	b.follow(`form[action$="/tag"] button`)
	b.do(chromedp.Click(chromedp.CSS("td details summary")), chromedp.SendKeys(chromedp.CSS(`[name=message]`), "use another"))
	b.follow(`form[action$="/withdraw"] button`)
	var p struct {
		Tags        map[string]string `json:"dist-tags"`
		Maintainers []struct{ Name string }
		Versions    map[string]struct{ Deprecated string }
	}
	getJSON(t, s.url+"/@acme/widget", http.StatusOK, &p)
	if len(p.Maintainers) != 2 || p.Tags["next"] != "1.0.0" || p.Versions["1.0.0"].Deprecated != "use another" {
		t.Errorf("the package is %+v", p)
	}
	b.holds(manage)
	b.follow(`form[action$="/restore"] button`)
	b.follow(`button[aria-label="Remove the tag next"]`)
	b.follow(`button[aria-label="Remove grace from the owners"]`)
	p.Tags, p.Maintainers, p.Versions = nil, nil, nil
	getJSON(t, s.url+"/@acme/widget", http.StatusOK, &p)
	if len(p.Maintainers) != 1 || p.Tags["next"] != "" || p.Versions["1.0.0"].Deprecated != "" {
		t.Errorf("the package is %+v", p)
	}
	b.open(s.url+"/-/web/manage?kind=scope&name=acme", http.StatusOK)
}

// On a private server everything but signing in needs somebody who has.
func TestPrivatePages(t *testing.T) {
	onlyLocal(t, "pages show what the domains answer, and these are tested in both")
	t.Parallel()
	s := startServer(t, t.TempDir(), "--no-npm-fallback", "--token", operatorToken, "--read-auth", "required")
	publishPlain(t, s, "@acme/secret")
	b := newTab(t, s.url)
	for _, path := range []string{"/", "/search?q=secret", "/packages/@acme/secret", "/-/web/account", "/-/web/admin"} {
		b.open(s.url+path, http.StatusOK)
		if got := b.at(); !strings.HasPrefix(got, "/-/web/login?next=") || strings.Contains(b.text("main"), "secret") {
			t.Errorf("%s leads nobody to %s", path, got)
		}
	}
	if a := get(t, s.url+"/-/web/suggest?q=secret"); a.status != http.StatusUnauthorized {
		t.Errorf("suggestions for nobody: %d %s", a.status, a.body)
	}
	b.signIn(s, "", operatorToken, http.StatusOK)
	b.shows(s.url+"/search?q=secret", "@acme/secret")
	cookie := b.session()
	r, err := http.NewRequestWithContext(t.Context(), "GET", s.url+"/@acme/secret", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Cookie", cookie.Name+"="+cookie.Value)
	if status, _ := answer(t, r); status != http.StatusUnauthorized {
		t.Errorf("the API answers a cookie by %d", status)
	}
}

// Names and texts that are scripts stay texts.
func TestHostileTexts(t *testing.T) {
	onlyLocal(t, "pages show what the domains answer, and these are tested in both")
	t.Parallel()
	s := startServer(t, t.TempDir(), "--no-npm-fallback", "--token", operatorToken)
	const hostile = `</script><script>window.pwned=1;alert(1)</script><img src=x onerror=window.pwned=1>'\"&{{.}}`
	manifest := fmt.Sprintf(`{"name":"@acme/hostile","version":"1.0.0","description":%q,"keywords":[%q],"author":%q}`, hostile, hostile, hostile)
	publishManifest(t, s, "@acme/hostile", manifest)
	b := newTab(t, s.url)
	b.shows(s.url+"/search?q=hostile", "@acme/hostile")
	b.holds(s.url + "/")
	b.holds(s.url + "/search?q=hostile")
	b.holds(s.url + "/search?q=%3Cscript%3Ewindow.pwned%3D1%3C%2Fscript%3E%22%27%3E%3Cimg+src%3Dx+onerror%3Dpwned%3D1%3E")
	b.do(chromedp.SendKeys(chromedp.CSS(".search input"), "")) // the box has the query
	b.open(s.url+"/", http.StatusOK)
	b.do(chromedp.SendKeys(chromedp.CSS(".search input"), "hostile"))
	b.await(`document.querySelectorAll("[role=option]").length === 1`)
	if eval[bool](b, "'pwned' in window") {
		t.Error("a script has run")
	}
	b.expect("status of 401", "status of 404")
	b.holdsWith(s.url+"/-/web/nothing%3Cscript%3Ewindow.pwned=1%3C%2Fscript%3E", http.StatusNotFound)
}
