package connector_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/forge"
	"github.com/org/registry-action/internal/forge/connector"
	"github.com/org/registry-action/internal/forge/forgetest"
)

const slug = "registry-previews"

// keyOf makes an App's key; one for all tests, as it takes its time.
var keyOf = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func pemOf(key *rsa.PrivateKey) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
}

func start(t *testing.T) *forgetest.Server {
	t.Helper()
	srv := forgetest.New(t)
	srv.AddPull(forgetest.Pull{Number: 7, HeadSHA: strings.Repeat("1", 40), HeadRef: "fix", HeadRepo: "mallory/ws", BaseRef: "main"})
	return srv
}

func connect(t *testing.T, o connector.Options) *connector.Connector {
	t.Helper()
	o.UserAgent = "registry-server/test"
	c, err := connector.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func count(srv *forgetest.Server, route string) int {
	n := 0
	for _, r := range srv.Requests() {
		if r == route {
			n++
		}
	}
	return n
}

func TestApp(t *testing.T) {
	srv := start(t)
	srv.SetApp(forgetest.App{ID: "12", Slug: slug, Key: &keyOf().PublicKey})
	clock := time.Now()
	c := connect(t, connector.Options{APIURL: srv.URL, App: &connector.App{ID: "12", PrivateKey: pemOf(keyOf())}, Now: func() time.Time { return clock }})
	if !c.CanWrite() || c.Anonymous() {
		t.Errorf("CanWrite, Anonymous = %v, %v, want an App", c.CanWrite(), c.Anonymous())
	}
	comment := func(n int64) {
		t.Helper()
		gh, err := c.Client(t.Context(), "", "acme/ws")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := gh.Upsert(t.Context(), forge.Comment{PR: 7, Body: fmt.Sprint("run ", n), State: forge.State{RunNumber: n}}); err != nil {
			t.Fatal(err)
		}
	}
	comment(1)
	comment(2)
	if got := srv.Comments(7); len(got) != 1 || got[0].Login != slug+"[bot]" || !strings.HasSuffix(got[0].Body, "run 2") {
		t.Errorf("comments = %+v, want one of the App's", got)
	}
	if n := count(srv, forgetest.CreateInstallationToken); n != 1 {
		t.Errorf("%d tokens were asked for, want 1: it is remembered", n)
	}
	if slices.Contains(srv.Requests(), forgetest.GetUser) {
		t.Error("it asked whose the token is, which an App's may not")
	}
	clock = clock.Add(56 * time.Minute) // its hour is almost over
	// The stand-in's clock is the real one, so the App's JWT is of the future there.
	if _, err := c.Client(t.Context(), "", "acme/ws"); !errors.Is(err, fault.Unavailable) {
		t.Errorf("Client with a JWT of the future = %v, want fault.Unavailable", err)
	}
	if n := count(srv, forgetest.GetInstallation); n != 2 {
		t.Errorf("the App asked %d times for its installation, want 2", n)
	}
}

func TestAppsThatDoNotWork(t *testing.T) {
	srv := start(t)
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	client := func(id string, key *rsa.PrivateKey, repository string) error {
		c := connect(t, connector.Options{APIURL: srv.URL, App: &connector.App{ID: id, PrivateKey: pemOf(key)}})
		_, err := c.Client(t.Context(), "", repository)
		return err
	}
	app := forgetest.App{ID: "12", Slug: slug, Key: &keyOf().PublicKey}
	srv.SetApp(app)
	if err := client("12", other, "acme/ws"); !errors.Is(err, fault.Unavailable) || !forge.Outage(err) {
		t.Errorf("another key: Client = %v, want fault.Unavailable", err)
	}
	if err := client("13", keyOf(), "acme/ws"); !errors.Is(err, fault.Unavailable) {
		t.Errorf("another id: Client = %v, want fault.Unavailable", err)
	}
	if err := client("12", keyOf(), "acme/other"); !errors.Is(err, fault.Forbidden) || forge.Outage(err) {
		t.Errorf("a repository that has not installed it: Client = %v, want fault.Forbidden", err)
	}
	app.NotInstalled = true
	srv.SetApp(app)
	err = client("12", keyOf(), "acme/ws")
	if e, ok := fault.Public(err); !ok || e.Code != "app_not_installed" {
		t.Errorf("not installed: Client = %v, want app_not_installed", err)
	}
}

// No address of a caller's is ever asked.
func TestForeignForges(t *testing.T) {
	srv := start(t)
	c := connect(t, connector.Options{URL: "https://git.acme.test/", APIURL: srv.URL, Token: forgetest.Token})
	for _, ok := range []string{"", "https://git.acme.test", "https://GIT.acme.test/"} {
		if _, err := c.Client(t.Context(), ok, "acme/ws"); err != nil {
			t.Errorf("Client(%q) = %v", ok, err)
		}
	}
	for _, bad := range []string{"https://github.com", "http://git.acme.test", "https://git.acme.test.evil.test", "https://git.acme.test@evil.test", "http://127.0.0.1", srv.URL} {
		_, err := c.Client(t.Context(), bad, "acme/ws")
		if e, ok := fault.Public(err); !ok || e.Code != "wrong_forge" {
			t.Errorf("Client(%q) = %v, want wrong_forge", bad, err)
		}
	}
	for _, bad := range []string{"", "acme", "acme/ws/x", "../x", "acme/..", "acme/ws?x", "a b/c"} {
		if _, err := c.Client(t.Context(), "", bad); !errors.Is(err, fault.Invalid) {
			t.Errorf("Client of %q = %v, want fault.Invalid", bad, err)
		}
	}
	if got := srv.Requests(); len(got) > 0 {
		t.Errorf("GitHub was asked %q, want nothing", got)
	}
}

func TestSplit(t *testing.T) {
	c := connect(t, connector.Options{})
	for in, want := range map[string]string{
		"https://github.com/acme/ws": "acme/ws", "https://GitHub.com/Acme/ws/": "Acme/ws",
		"https://github.com/acme": "", "https://github.com/": "", "https://github.com/a/b/c": "", "http://github.com/acme/ws": "", "acme/ws": "",
		"https://github.com.evil.test/acme/ws": "", "https://github.com/acme/ws?x=1": "", "": "",
	} {
		if got, ok := c.Split(in); ok != (want != "") || ok && got != want {
			t.Errorf("Split(%q) = %q, %v; want %q", in, got, ok, want)
		}
	}
}

func TestWithoutAnApp(t *testing.T) {
	srv := start(t)
	srv.Grant("", forgetest.Account{ReadOnly: true})
	srv.PutRun(forgetest.Run{ID: 77, HeadSHA: strings.Repeat("1", 40)})
	for token, anonymous := range map[string]bool{"": true, forgetest.Token: false} {
		c := connect(t, connector.Options{APIURL: srv.URL, Token: token})
		if c.CanWrite() || c.Anonymous() != anonymous {
			t.Errorf("%q: CanWrite, Anonymous = %v, %v", token, c.CanWrite(), c.Anonymous())
		}
		gh, err := c.Client(t.Context(), "", "acme/ws")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := gh.Run(t.Context(), 77); err != nil {
			t.Errorf("%q: Run = %v", token, err)
		}
	}
	c := connect(t, connector.Options{APIURL: srv.URL, Token: "expired"})
	gh, err := c.Client(t.Context(), "", "acme/ws")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := gh.Run(t.Context(), 77); !forge.Outage(err) {
		t.Errorf("Run with an expired token = %v, want an outage: it is the server's", err)
	}
	if _, err := gh.Run(t.Context(), 78); err == nil {
		t.Error("Run with an expired token = nil")
	}
}

// A caller does not wait until GitHub's limit is over, but hears of it.
func TestOutages(t *testing.T) {
	srv := start(t)
	srv.PutRun(forgetest.Run{ID: 77, HeadSHA: strings.Repeat("1", 40)})
	c := connect(t, connector.Options{APIURL: srv.URL, Token: forgetest.Token})
	gh, err := c.Client(t.Context(), "", "acme/ws")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := gh.Run(t.Context(), 1); forge.Outage(err) || !errors.Is(err, fault.NotFound) {
		t.Errorf("Run(1) = %v, want that it is not there and no outage", err)
	}
	srv.Fail(forgetest.Fault{Route: forgetest.GetRun, Status: 429, Header: map[string][]string{"Retry-After": {"60"}}})
	_, err = gh.Run(t.Context(), 77)
	if !forge.Outage(err) || fault.Wait(err) != time.Minute {
		t.Errorf("Run under a rate limit = %v after %s, want an outage of a minute", err, fault.Wait(err))
	}
	srv.Fail(forgetest.Fault{Route: forgetest.GetRun, Status: 403, Header: map[string][]string{"X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {fmt.Sprint(time.Now().Add(time.Hour).Unix())}}})
	_, err = gh.Run(t.Context(), 77)
	if !forge.Outage(err) || fault.Wait(err) < 50*time.Minute {
		t.Errorf("Run beyond the hour's requests = %v after %s, want an outage of an hour", err, fault.Wait(err))
	}
	if forge.Outage(nil) {
		t.Error("Outage(nil) = true")
	}
}

func TestNewRefuses(t *testing.T) {
	for name, o := range map[string]connector.Options{
		"forge":      {URL: "github.com"},
		"user":       {URL: "https://me:secret@github.com"},
		"api":        {APIURL: "api.github.com"},
		"no id":      {App: &connector.App{PrivateKey: pemOf(keyOf())}},
		"no key":     {App: &connector.App{ID: "1"}},
		"public key": {App: &connector.App{ID: "1", PrivateKey: pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: []byte("x")})}},
	} {
		_, err := connector.New(o)
		if !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: New = %v, want fault.Invalid", name, err)
		}
	}
	_, err := connector.New(connector.Options{App: &connector.App{ID: "1", PrivateKey: []byte("my-secret-key-text")}})
	if err == nil || strings.Contains(err.Error(), "my-secret") {
		t.Errorf("New with a bad key = %v, want it without the key", err)
	}
}
