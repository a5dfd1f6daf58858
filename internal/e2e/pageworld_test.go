package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// publishPlain publishes version 1.0.0 of a package as the operator.
func publishPlain(t *testing.T, s *server, name string) {
	t.Helper()
	publishManifest(t, s, name, fmt.Sprintf(`{"name":%q,"version":"1.0.0"}`, name))
}

// publishManifest publishes version 1.0.0 of a package that is its package.json alone, as the operator.
func publishManifest(t *testing.T, s *server, name, manifest string) {
	t.Helper()
	tgz := tarballOf(t, manifest)
	body := map[string]any{
		"_id": name, "name": name, "dist-tags": map[string]string{"latest": "1.0.0"},
		"versions":     map[string]any{"1.0.0": json.RawMessage(manifest)},
		"_attachments": map[string]any{name + "-1.0.0.tgz": map[string]any{"data": []byte(tgz), "length": len(tgz)}},
	}
	if a := sendAs(t, operatorToken, http.MethodPut, s.url+"/"+name, body); a.status != http.StatusCreated {
		t.Fatalf("publishing answers %d %s %v", a.status, a.body, a.err)
	}
}

// shows opens a page until it shows the texts: what was published is found soon after, and not at once.
func (b *tab) shows(address string, texts ...string) {
	b.t.Helper()
	for deadline := time.Now().Add(patience); ; {
		b.open(address, http.StatusOK)
		main := b.text("main")
		if !slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(main, text) }) {
			return
		}
		if time.Now().After(deadline) {
			b.t.Fatalf("%s does not show %q:\n%s", address, texts, main)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// signIn signs in on the page for that, which leads on to the account.
func (b *tab) signIn(s *server, user, password string, status int64) {
	b.t.Helper()
	if status != http.StatusOK {
		b.expect("status of 401")
	}
	b.open(s.url+"/-/web/login?next=/-/web/account", http.StatusOK)
	b.do(chromedp.SendKeys(chromedp.CSS("#user"), user), chromedp.SendKeys(chromedp.CSS("#password"), password))
	b.follow("main form[action$='/login'] button")
	b.expect()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.status != status {
		b.t.Errorf("signing in as %q answers %d, want %d", user, b.status, status)
	}
}

// session is the cookie that pages keep of who has signed in.
func (b *tab) session() *network.Cookie {
	b.t.Helper()
	for _, c := range call(b, network.GetCookies, network.GetCookiesParams{}).Cookies {
		if c.Name == "session" {
			return c
		}
	}
	b.t.Fatal("there is no session")
	return nil
}
