package npmapi_test

import (
	"encoding/base64"
	"strings"
	"testing"
)

const couch = "/-/user/org.couchdb.user:"

func credentials(user, password, email string) object {
	return object{"_id": "org.couchdb.user:" + user, "name": user, "password": password, "email": email, "type": "user", "roles": []any{}, "date": "2026-01-01T00:00:00.000Z"}
}

func TestCouchLogin(t *testing.T) {
	n := start(t, setup{signUp: true})
	anon := n.as("")
	anon.do("PUT", couch+"alice", credentials("alice", "a password of alice", "")).want(t, 400, "There is no user") // npm says so too
	a := anon.do("PUT", couch+"alice", credentials("alice", "a password of alice", "alice@example.com")).want(t, 201, `"ok":true`)
	if a.Header.Get("Cache-Control") != "no-store" || a.json(t)["id"] != "org.couchdb.user:alice" {
		t.Errorf("answer %v %s", a.Header, a.body)
	}
	first := a.json(t)["token"].(string)
	n.as(first).get("/-/whoami").want(t, 200, `{"username":"alice"}`)
	for _, path := range []string{couch + "alice", couch + "alice/-rev/1-0", "/npm" + couch + "alice", "/~/acme/app" + couch + "alice"} {
		again := anon.do("PUT", path, credentials("alice", "a password of alice", "")).want(t, 201, "").json(t)["token"].(string)
		if again == first {
			t.Error("two logins have one token")
		}
		n.as(again).get("/-/whoami").want(t, 200, "alice")
	}
	// A token that is no longer good does not keep its owner from signing in.
	n.as("regact_expired").do("PUT", couch+"alice", credentials("alice", "a password of alice", "")).want(t, 201, "")
	anon.do("PUT", couch+"alice", credentials("alice", "another password", "alice@example.com")).want(t, 401, `"error"`)
	anon.do("PUT", couch+"alice", credentials("bob", "a password of alice", "")).want(t, 400, "the body")
	anon.do("PUT", "/-/user/alice", credentials("alice", "a password of alice", "")).want(t, 404, "")
	anon.do("PUT", couch+"alice", "{").want(t, 400, "JSON")
	anon.get("/-/whoami").want(t, 401, "npm login")
}

// Without signing up, an unknown user and a wrong password are one answer.
func TestUnknownUser(t *testing.T) {
	n := start(t, setup{})
	n.user("alice")
	wrong := n.as("").do("PUT", couch+"alice", credentials("alice", "no such password", "x@example.com")).want(t, 401, "")
	unknown := n.as("").do("PUT", couch+"bob", credentials("bob", "no such password", "x@example.com")).want(t, 401, "")
	if c := wrong.Header.Get("WWW-Authenticate"); c != "" || !strings.Contains(string(wrong.body), "user add") {
		t.Errorf("a wrong password is %s, with the challenge %q", wrong.body, c)
	}
	if string(wrong.body) != string(unknown.body) {
		t.Errorf("a wrong password is %s, an unknown user %s", wrong.body, unknown.body)
	}
}

func TestLogout(t *testing.T) {
	n := start(t, setup{})
	alice := n.user("alice")
	other := n.as("").do("PUT", couch+"alice", credentials("alice", "password of alice", "")).json(t)["token"].(string)
	alice.do("DELETE", "/-/user/token/"+alice.token, nil).want(t, 200, `"ok":true`)
	alice.get("/-/whoami").want(t, 401, "")
	alice.do("PUT", "/a", document("a", "1.0.0", tgz(t, "a", "1.0.0"))).want(t, 401, "")
	n.as(other).get("/-/whoami").want(t, 200, "alice")
	n.do("DELETE", "/-/user/token/regact_none", nil).want(t, 404, "")
}

func TestTokens(t *testing.T) {
	n := start(t, setup{})
	alice, bob := n.user("alice"), n.user("bob")
	for name, tc := range map[string]struct {
		body   object
		status int
		want   string
	}{
		"npm 10":                {object{"password": "password of alice", "readonly": false, "cidr_whitelist": []string{}}, 200, `"readonly":false`},
		"npm 10, only reading":  {object{"password": "password of alice", "readonly": true, "cidr_whitelist": []string{"10.0.0.0/8"}}, 200, `"readonly":true`},
		"npm 11":                {object{"name": "ci", "password": "password of alice", "expires": 7, "packages_all": true, "bypass_2fa": true}, 200, `"expires":"`},
		"npm 11, limited":       {object{"name": "ci", "password": "password of alice", "packages": []string{"a"}, "scopes": []string{"@acme", "other"}, "packages_and_scopes_permission": "read-write"}, 200, `"packages":["a","@acme/*","@other/*"]`},
		"npm 11, only reading":  {object{"name": "ci", "password": "password of alice", "packages_and_scopes_permission": "read-only"}, 200, `"readonly":true`},
		"npm 11, no access":     {object{"name": "ci", "password": "password of alice", "packages_and_scopes_permission": "no-access"}, 200, `"readonly":true`},
		"for an org only":       {object{"name": "ci", "password": "password of alice", "orgs": []string{"acme"}, "orgs_permission": "read-write"}, 200, `"readonly":true`},
		"its token as password": {object{"name": "ci", "password": alice.token}, 200, `"token":"`},
		"no password":           {object{"name": "ci"}, 401, "error"},
		"a wrong password":      {object{"name": "ci", "password": "no such password"}, 401, "error"},
		"another's password":    {object{"name": "ci", "password": "password of bob"}, 401, "error"},
		"another's token":       {object{"name": "ci", "password": bob.token}, 401, "error"},
		"an unknown permission": {object{"name": "ci", "password": "password of alice", "packages_and_scopes_permission": "all"}, 400, "permission"},
		"a negative time":       {object{"name": "ci", "password": "password of alice", "expires": -1}, 400, "expires"},
		"a time that overflows": {object{"name": "ci", "password": "password of alice", "expires": 1 << 40}, 400, "expires"},
		"no network":            {object{"name": "ci", "password": "password of alice", "cidr_whitelist": []string{"x"}}, 400, "error"},
		"types":                 {object{"name": 7}, 400, `\"name\" may not be`},
	} {
		t.Run(name, func(t *testing.T) {
			n.t = t
			a := alice.do("POST", "/-/npm/v1/tokens", tc.body).want(t, tc.status, tc.want)
			if a.StatusCode == 200 && (a.Header.Get("Cache-Control") != "no-store" || a.json(t)["key"] == "") {
				t.Errorf("answer %v %s", a.Header, a.body)
			}
		})
	}
	n.t = t
	n.as("").do("POST", "/-/npm/v1/tokens", object{"password": "password of alice"}).want(t, 401, "")
	n.as("").get("/-/npm/v1/tokens").want(t, 401, "")
	list := alice.get("/-/npm/v1/tokens").want(t, 200, `"urls":{}`)
	if strings.Contains(string(list.body), alice.token) {
		t.Error("the list shows a whole token")
	}
	for _, o := range list.json(t)["objects"].([]any) {
		hint := o.(object)["token"].(string)
		if len(hint) > 12 || !strings.HasPrefix(alice.token, hint[:7]) {
			t.Errorf("a token is shown as %q", hint)
		}
	}
}

// Tokens do what they say, and no more; revoking ends them.
func TestTokenLimits(t *testing.T) {
	n := start(t, setup{})
	alice := n.user("alice")
	alice.publish("a", "1.0.0")
	alice.publish("b", "1.0.0")
	create := func(body object) (*node, string) {
		t.Helper()
		body["password"] = "password of alice"
		m := alice.do("POST", "/-/npm/v1/tokens", body).want(t, 200, "").json(t)
		return n.as(m["token"].(string)), m["key"].(string)
	}
	read, _ := create(object{"name": "r", "readonly": true})
	onlyA, key := create(object{"name": "a", "packages": []string{"a"}})
	doc := func(name string) object { return document(name, "1.1.0", tgz(t, name, "1.1.0")) }
	read.do("PUT", "/a", doc("a")).want(t, 403, "read")
	read.do("PUT", "/-/package/a/dist-tags/beta", `"1.0.0"`).want(t, 403, "")
	read.do("POST", "/-/npm/v1/tokens", object{"name": "more", "password": read.token, "packages_and_scopes_permission": "read-write"}).want(t, 200, `"readonly":true`)
	onlyA.do("PUT", "/b", doc("b")).want(t, 403, "")
	onlyA.do("PUT", "/a", doc("a")).want(t, 201, "")
	bob := n.user("bob")
	bob.do("DELETE", "/-/npm/v1/tokens/token/"+key, nil).want(t, 404, "")
	alice.do("DELETE", "/-/npm/v1/tokens/token/"+key, nil).want(t, 200, "")
	onlyA.get("/-/whoami").want(t, 401, "")
	alice.do("DELETE", "/-/npm/v1/tokens/token/"+read.token, nil).want(t, 200, "")
	read.get("/-/whoami").want(t, 401, "")
	n.as("").do("DELETE", "/-/npm/v1/tokens/token/"+key, nil).want(t, 401, "")
}

func TestProfile(t *testing.T) {
	n := start(t, setup{})
	alice := n.user("alice")
	n.as("").get("/-/npm/v1/user").want(t, 401, "")
	n.as("").do("POST", "/-/npm/v1/user", object{"fullname": "X"}).want(t, 401, "")
	p := alice.get("/-/npm/v1/user").want(t, 200, "").json(t)
	if p["name"] != "alice" || p["email"] != "alice@example.com" || p["tfa"] != nil || p["cidr_whitelist"] != nil || p["created"] == "" {
		t.Errorf("profile = %v", p)
	}
	alice.do("POST", "/-/npm/v1/user", object{"email": "alice@example.com", "fullname": "Alice", "homepage": nil, "twitter": nil}).want(t, 200, `"fullname":"Alice"`)
	alice.do("POST", "/-/npm/v1/user", object{"email": nil, "fullname": nil}).want(t, 200, `"email":"alice@example.com","email_verified":false,"fullname":""`)
	alice.do("POST", "/-/npm/v1/user", object{"email": "nowhere"}).want(t, 400, "mail")
	alice.do("POST", "/-/npm/v1/user", object{"tfa": object{"mode": "auth-and-writes", "password": "x"}}).want(t, 400, "no two-factor")
	alice.do("POST", "/-/npm/v1/user", object{"password": object{"old": "wrong one", "new": "a new password"}}).want(t, 403, "")
	alice.do("POST", "/-/npm/v1/user", object{"password": object{"old": "password of alice", "new": "a new password"}}).want(t, 200, "")
	n.as("").do("PUT", couch+"alice", credentials("alice", "password of alice", "")).want(t, 401, "")
	n.as("").do("PUT", couch+"alice", credentials("alice", "a new password", "")).want(t, 201, "")
	n.get("/-/npm/v1/user").want(t, 200, `"name":"admin"`) // REGISTRY_TOKEN has no account
}

// Every write leaves one line that says who did what, whatever came of it; no
// line of the log has a secret.
func TestAuditLines(t *testing.T) {
	n := start(t, setup{signUp: true})
	alice := n.user("alice")
	alice.publish("@acme/a", "1.0.0")
	n.as("").do("PUT", "/@acme%2fa", document("@acme/a", "1.1.0", tgz(t, "@acme/a", "1.1.0"))).want(t, 401, "")
	n.as("wrong-token-of-somebody").do("DELETE", "/@acme%2fa/-rev/1-0", nil).want(t, 401, "")
	alice.do("PUT", "/@acme%2fa", document("@acme/a", "1.1.0", tgz(t, "other", "1.1.0"))).want(t, 400, "")
	alice.do("PUT", "/-/package/@acme%2fa/dist-tags/old", `"1.0.0"`).want(t, 201, "")
	p := alice.packument("@acme/a")
	p["versions"].(object)["1.0.0"].(object)["deprecated"] = "old"
	alice.do("PUT", "/@acme%2fa", p).want(t, 201, "")
	alice.do("POST", "/-/npm/v1/tokens", object{"name": "ci", "password": "password of alice"}).want(t, 200, "")
	n.as("").do("PUT", couch+"alice", credentials("alice", "a wrong password", "")).want(t, 401, "")
	alice.do("POST", "/-/npm/v1/security/advisories/bulk", object{}).want(t, 200, "")
	basic := base64.StdEncoding.EncodeToString([]byte("alice:password of alice"))
	n.do("PUT", "/~/acme/app/x", object{}, "Authorization: Basic "+basic).want(t, 403, "publish-commit")
	done := alice.do("POST", "/-/v1/login", object{}).json(t)["doneUrl"].(string)
	_, poll, _ := strings.Cut(done, "/-/")
	n.as("").get("/-/"+poll).want(t, 202, "")
	alice.do("DELETE", "/-/npm/v1/tokens/token/"+alice.token+"x", nil).want(t, 404, "")
	alice.do("DELETE", "/-/user/token/"+alice.token, nil).want(t, 200, "")

	log := n.log.String()
	who := `alice`
	var lines []string
	for line := range strings.Lines(log) {
		if _, audit, ok := strings.Cut(line, "msg=audit "); ok {
			lines = append(lines, audit)
			if !strings.Contains(audit, "remote=127.0.0.1 ") || !strings.Contains(audit, "request=") {
				t.Errorf("audit line %s", audit)
			}
		}
	}
	for i, want := range []string{
		`action="sign up" target="user alice" status=201`, `action=publish target=@acme/a@1.0.0 status=201`,
		`who=anonymous action=change target=@acme/a status=401`, `who=anonymous action=unpublish target=@acme/a status=401`,
		`action=publish target=@acme/a@1.1.0 status=400`, `action=dist-tag target="@acme/a@1.0.0 old" status=201`,
		`action=deprecate target=@acme/a status=201`, `action="token create" target="token `, `action=login target="user alice" status=401`,
		`action=PUT target=/~/acme/app/x status=403`, `action="token revoke" target=/-/npm/v1/tokens/token/… status=404`,
		`action=logout target=/-/user/token/… status=200`,
	} {
		if i >= len(lines) {
			t.Fatalf("there is no audit line with %s", want)
		}
		line := strings.Replace(lines[i], "remote=127.0.0.1 ", "", 1)
		if !strings.Contains(line, want) {
			t.Errorf("audit line %d is %s, want %s", i, line, want)
		}
		if refused := strings.Contains(line, "status=4"); !refused && !strings.Contains(line, who) {
			t.Errorf("audit line %d does not name alice: %s", i, line)
		}
	}
	if len(lines) != 12 {
		t.Errorf("%d audit lines, want 12:\n%s", len(lines), strings.Join(lines, ""))
	}
	_, secret, _ := strings.Cut(done, "authId=")
	for name, secret := range map[string]string{"token": alice.token, "password": "password of alice", "wrong password": "a wrong password", "wrong token": "wrong-token-of-somebody",
		"login's secret": secret, "REGISTRY_TOKEN": rootToken, "Basic": basic} {
		if strings.Contains(log, secret) {
			t.Errorf("the log has the %s", name)
		}
	}
}
