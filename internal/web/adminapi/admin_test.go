package adminapi_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/adminclient"
	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/web/webtest"
	"github.com/org/registry-action/internal/wire"
)

// routes are all requests that the protocol knows.
var routes = [][2]string{
	{"GET", "/-/admin/tokens"}, {"POST", "/-/admin/tokens"}, {"DELETE", "/-/admin/tokens/0123456789"},
	{"GET", "/-/admin/users"}, {"POST", "/-/admin/users"}, {"DELETE", "/-/admin/users/alice"},
	{"GET", "/-/admin/trust"}, {"POST", "/-/admin/trust"}, {"DELETE", "/-/admin/trust/0123456789"},
	{"GET", "/-/admin/repositories/owners?repository=a/b"}, {"PUT", "/-/admin/repositories/owners/alice?repository=a/b"},
	{"DELETE", "/-/admin/repositories/owners/alice?repository=a/b"},
	{"GET", "/-/admin/keys"}, {"POST", "/-/admin/keys/rotate"},
	{"GET", "/-/admin/import?name=a"}, {"PUT", "/-/admin/import?name=a&version=1.0.0"},
	{"GET", "/-/admin/keys/lumen"}, {"POST", "/-/admin/keys/lumen/rotate"},
	{"GET", "/-/admin/import/lumen?name=a"}, {"PUT", "/-/admin/import/lumen?name=a&version=1.0.0"},
}

func TestOnlyAdmins(t *testing.T) {
	n := start(t)
	publish, _, err := n.auth.CreateToken(t.Context(), auth.Operator(), auth.NewToken{Name: "ci", Permission: auth.Publish})
	if err != nil {
		t.Fatal(err)
	}
	admin, _, err := n.auth.CreateToken(t.Context(), auth.Operator(), auth.NewToken{Name: "boss", Permission: auth.Admin})
	if err != nil {
		t.Fatal(err)
	}
	far := func(r *http.Request) { r.RemoteAddr, r.Host = "203.0.113.9:50000", "registry.example.com" }
	proxied := func(r *http.Request) { r.Header.Set("X-Forwarded-For", "203.0.113.9") }
	rebound := func(r *http.Request) { r.Host = "rebound.example" }
	tests := []struct {
		name   string
		change []func(*http.Request)
		status int // 0: let in
	}{
		{"nobody", nil, 401},
		{"a wrong token", []func(*http.Request){bearer("wrong")}, 401},
		{"the beginning of the control token", []func(*http.Request){bearer(controlToken[:10])}, 401},
		{"who may publish", []func(*http.Request){bearer(publish)}, 403},
		{"the control token from elsewhere", []func(*http.Request){bearer(controlToken), far}, 401},
		{"the control token through a proxy", []func(*http.Request){bearer(controlToken), proxied}, 401},
		{"the control token under another host's name", []func(*http.Request){bearer(controlToken), rebound}, 401},
		{"an admin's token from elsewhere", []func(*http.Request){bearer(admin), far}, 0},
		{"the root token from elsewhere", []func(*http.Request){bearer(webtest.RootToken), far}, 0},
		{"the control token", []func(*http.Request){bearer(controlToken)}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, route := range routes {
				w := n.request(route[0], route[1], "", tt.change...)
				if tt.status != 0 && w.Code != tt.status || tt.status == 0 && (w.Code == 401 || w.Code == 403) {
					t.Errorf("%s %s = %d %s, want %d", route[0], route[1], w.Code, w.Body, tt.status)
				}
			}
		})
	}
	if log := n.log.String(); strings.Contains(log, controlToken) || strings.Contains(log, publish) || strings.Contains(log, webtest.RootToken) {
		t.Error("a token is in the log")
	}
}

// A server that listens on one address of its machine is called from that address.
func TestControlTokenOnOneAddress(t *testing.T) {
	n := start(t)
	local := func(ip string) func(*http.Request) {
		return func(r *http.Request) {
			r.RemoteAddr, r.Host = "192.0.2.7:50000", "192.0.2.7:3000"
			ctx := context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(&net.TCPAddr{IP: net.ParseIP(ip), Port: 3000}))
			*r = *r.WithContext(ctx)
		}
	}
	if w := n.request("GET", "/-/admin/users", "", bearer(controlToken), local("192.0.2.7")); w.Code != 200 {
		t.Errorf("from the server's own address = %d %s", w.Code, w.Body)
	}
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	rebound := func(r *http.Request) { r.Host = "evil.example:3000" }
	for name, change := range map[string][]func(*http.Request){
		"another address":     {local("192.0.2.8")},
		"a proxy":             {local("192.0.2.7"), header("X-Forwarded-For", "192.0.2.7")},
		"another site's page": {local("192.0.2.7"), header("Sec-Fetch-Site", "cross-site")},
		"a rebound name":      {local("192.0.2.7"), rebound},
	} {
		if w := n.request("GET", "/-/admin/users", "", append(change, bearer(controlToken))...); w.Code != 401 {
			t.Errorf("from %s = %d %s", name, w.Code, w.Body)
		}
	}
}

// A server without one has no control token, not an empty one.
func TestNoControlToken(t *testing.T) {
	n := start(t)
	n.api.ControlToken = ""
	for _, token := range []string{"", controlToken} {
		if w := n.request("GET", "/-/admin/users", "", bearer(token)); w.Code != 401 {
			t.Errorf("the token %q = %d %s", token, w.Code, w.Body)
		}
	}
}

func TestTokens(t *testing.T) {
	n := start(t)
	made, err := n.CreateToken(t.Context(), wire.NewToken{
		Name: "ci", Permission: "publish", Packages: []string{"@acme/*"}, Grant: true, CIDR: []string{"10.0.0.0/8"}, ExpiresIn: 3600,
	})
	if err != nil {
		t.Fatal(err)
	}
	if made.Secret == "" || made.Token.Expires.Sub(made.Token.Created) != time.Hour {
		t.Errorf("made %+v", made.Token)
	}
	list, err := n.Tokens(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]wire.Token{made.Token}, list); diff != "" {
		t.Errorf("tokens (-made +listed):\n%s", diff)
	}
	another, err := n.CreateToken(t.Context(), wire.NewToken{Name: "ci", Permission: "read"})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(n.RevokeToken(t.Context(), made.Token.Key[:8]), n.RevokeToken(t.Context(), another.Secret)); err != nil {
		t.Fatal(err)
	}
	if list, err := n.Tokens(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("after the revoke: %v, %v", list, err)
	}
	if err := n.RevokeToken(t.Context(), made.Token.Key); status(err) != 404 {
		t.Errorf("a second revoke: %v, want 404", err)
	}
	log := n.log.String()
	for _, want := range []string{"audit", `action="token create"`, `action="token revoke"`, "who=operator", "token " + made.Token.Key} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %s", want)
		}
	}
	if strings.Contains(log, made.Secret) || strings.Contains(log, another.Secret) {
		t.Error("the secret is in the log")
	}
}

func TestTokenRefusals(t *testing.T) {
	n := start(t)
	for name, token := range map[string]wire.NewToken{
		"no name":           {Permission: "publish"},
		"no permission":     {Name: "ci", Permission: "everything"},
		"a bad pattern":     {Name: "ci", Permission: "publish", Packages: []string{"../*"}},
		"a negative time":   {Name: "ci", Permission: "publish", ExpiresIn: -1},
		"a time beyond all": {Name: "ci", Permission: "publish", ExpiresIn: 1 << 62},
		"no network":        {Name: "ci", Permission: "publish", CIDR: []string{"10.0.0.0/99"}},
		"a grant of all":    {Name: "ci", Permission: "publish", Grant: true},
	} {
		if _, err := n.CreateToken(t.Context(), token); status(err) != 400 {
			t.Errorf("%s: %v, want 400", name, err)
		}
	}
	for _, body := range []string{"", "{", "[]", `{"name":7}`, `{"name":"x","expiresIn":1e400}`, `{"expiresIn":"90d"}`, `{} {}`} {
		if w := n.request("POST", "/-/admin/tokens", body, bearer(controlToken)); w.Code != 400 {
			t.Errorf("%q = %d %s, want 400", body, w.Code, w.Body)
		}
	}
	large := `{"name":"` + strings.Repeat("x", 1<<20) + `"}`
	if w := n.request("POST", "/-/admin/tokens", large, bearer(controlToken)); w.Code != 413 {
		t.Errorf("a body of 1 MiB = %d, want 413", w.Code)
	}
}

func TestUsers(t *testing.T) {
	n := start(t)
	add := func(name, email, password string) (wire.CreatedUser, error) {
		return n.AddUser(t.Context(), wire.NewUser{Name: name, Email: email, Password: password})
	}
	if u, err := add("alice", "alice@acme.example", "first password"); err != nil || !u.Created || u.User.Email != "alice@acme.example" {
		t.Fatalf("adding alice: %+v, %v", u, err)
	}
	if u, err := add("bob", "", "first password"); err != nil || !u.Created {
		t.Fatalf("adding bob without an address: %+v, %v", u, err)
	}
	if u, err := add("alice", "", "second password"); err != nil || u.Created || u.User.Email != "alice@acme.example" {
		t.Errorf("a new password for alice: %+v, %v", u, err)
	}
	if _, err := add("alice", "mallory@evil.example", "third password"); status(err) != 409 {
		t.Errorf("another address for alice: %v, want 409", err)
	}
	for _, bad := range [][3]string{{"", "", "a password"}, {"Alice Smith", "", "a password"}, {"carol", "", "short"}, {"carol", "no address", "a password"}, {"__proto__", "", "a password"}, {"../x", "", "a password"}} {
		if _, err := add(bad[0], bad[1], bad[2]); status(err) != 400 {
			t.Errorf("adding %q: %v, want 400", bad, err)
		}
	}
	signedIn := func(password string) error {
		_, _, err := n.auth.SignIn(t.Context(), auth.Principal{}, "alice", password, "")
		return err
	}
	if err := signedIn("second password"); err != nil {
		t.Errorf("signing in with the new password: %v", err)
	}
	if err := signedIn("first password"); err == nil {
		t.Error("the old password still signs in")
	}
	users, err := n.Users(t.Context())
	if err != nil || len(users) != 2 || users[0].Name != "alice" || users[1].Name != "bob" {
		t.Errorf("users = %+v, %v", users, err)
	}
	if err := n.RemoveUser(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	if err := n.RemoveUser(t.Context(), "alice"); status(err) != 404 {
		t.Errorf("removing alice again: %v, want 404", err)
	}
	if log := n.log.String(); strings.Contains(log, "first password") || strings.Contains(log, "second password") {
		t.Error("a password is in the log")
	} else if !strings.Contains(log, `action="user remove"`) {
		t.Error("the log has no line of the removal")
	}
}

func TestKeys(t *testing.T) {
	n := start(t)
	before, err := n.Keys(t.Context())
	if err != nil || len(before.Keys) != 1 || before.Keys[0].Expires != nil {
		t.Fatalf("keys = %+v, %v", before, err)
	}
	made, err := n.RotateKey(t.Context())
	if err != nil || made.KeyID == before.Keys[0].KeyID {
		t.Fatalf("rotated to %+v, %v", made, err)
	}
	after, err := n.Keys(t.Context())
	if err != nil || len(after.Keys) != 2 || after.Keys[0].KeyID != made.KeyID || after.Keys[1].KeyID != before.Keys[0].KeyID || after.Keys[1].Expires == nil {
		t.Errorf("keys after the rotation = %+v, %v", after, err)
	}
}

// status is that of a refusal, 0 of anything else.
func status(err error) int {
	if e, ok := errors.AsType[*adminclient.Error](err); ok {
		return e.Status
	}
	return 0
}
