package npmapi_test

import (
	"encoding/base64"
	"strings"
	"testing"
)

// TestPrivateReads: with READ_AUTH nothing is read without a token, by whatever path.
func TestPrivateReads(t *testing.T) {
	n := start(t, setup{readAuth: true})
	alice := n.user("alice")
	alice.publish("@acme/a", "1.0.0")
	sha := n.publishCommit("acme/app", "@acme/p", "pr/7")
	n.upstream.texts = map[string]string{"far": `{"name":"far","dist-tags":{},"versions":{}}`}
	preview := "0.0.0-commit.g" + sha[:10]
	reads := []string{
		"/@acme%2fa", "/@acme/a", "/@acme%2fa/1.0.0", "/@acme/a/-/a-1.0.0.tgz", "/@acme/a/-/@acme/a-1.0.0.tgz", "/far",
		"/-/package/@acme%2fa/dist-tags", "/-/v1/search?text=a", "/-/package/@acme%2fa/access", "/-/package/@acme%2fa/visibility",
		"/-/package/@acme%2fa/collaborators", "/-/org/acme/user", "/-/org/acme/package", "/-/user/alice/package", "/-/user/alice/stars",
		"/-/npm/v1/attestations/@acme%2fa@1.0.0", "/-/all", "/-/stage", `/-/_view/starredByUser?key=%22alice%22`, "/nothing", "/-/nothing",
		"/-/whoami", "/-/npm/v1/user", "/-/npm/v1/tokens", "/-/user/org.couchdb.user:alice", "/-/user/v1/star",
	}
	for _, root := range []string{"", "/npm", "/~/acme/app"} {
		for _, path := range reads {
			for _, method := range []string{"GET", "HEAD"} {
				for _, token := range []string{"", "wrong", "regact_wrong"} {
					a := n.as(token).do(method, root+path, nil)
					if a.StatusCode != 401 || !strings.HasPrefix(a.Header.Get("WWW-Authenticate"), "Bearer") || a.Header.Get("Cache-Control") != "no-store" {
						t.Errorf("%s %s with the token %q = %d %s", method, root+path, token, a.StatusCode, a.body)
					}
				}
			}
		}
		n.as("").do("POST", root+"/-/npm/v1/security/advisories/bulk", object{"far": []string{"1.0.0"}}).want(t, 401, "")
		n.as("").get(root+"/-/ping").want(t, 200, "")
		n.as("").get(root+"/-/npm/v1/keys").want(t, 200, "keys")
	}
	n.as("").get("/~/acme/app/@acme%2fp/-/p-"+preview+".tgz").want(t, 401, "")
	n.as("").get("/~/acme/app").want(t, 401, "")
	for _, path := range []string{"/commits/" + sha, "/commits/" + sha + "/@acme/p", "/commits/" + sha + "/@acme/p/tarball", "/acme/app/@acme/p@pr-7", "/@acme/p@" + sha} {
		n.as("").get(path).want(t, 401, "")
		a := alice.get(path)
		if a.StatusCode >= 400 || !strings.HasPrefix(a.Header.Get("Cache-Control"), "private, ") {
			t.Errorf("%s with a token = %d, Cache-Control %q", path, a.StatusCode, a.Header.Get("Cache-Control"))
		}
	}
	if len(n.upstream.asked) > 0 {
		t.Errorf("upstream was asked for %q by nobody", n.upstream.asked)
	}
	basic := func(user, secret string) string {
		return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+secret))
	}
	for name, header := range map[string]string{
		"bearer": "Authorization: Bearer " + alice.token, "another case": "authorization: bearer " + alice.token, "bare": "Authorization: " + alice.token,
		"user and token": basic("alice", alice.token), "user and password": basic("alice", "password of alice"), "token in a URL": basic(alice.token, ""),
	} {
		for _, path := range []string{"/@acme%2fa", "/@acme/a/-/a-1.0.0.tgz", "/far", "/~/acme/app/@acme%2fp", "/-/v1/search?text=a"} {
			a := n.as("").get(path, header)
			if a.StatusCode != 200 || !strings.HasPrefix(a.Header.Get("Cache-Control"), "private, ") {
				t.Errorf("%s with %s = %d, Cache-Control %q", path, name, a.StatusCode, a.Header.Get("Cache-Control"))
			}
		}
	}
}

// On a public server reads don't look at credentials: a token that is no longer good does not matter.
func TestPublicReads(t *testing.T) {
	n := start(t, setup{})
	n.publish("a", "1.0.0")
	for _, path := range []string{"/a", "/a/1.0.0", "/a/-/a-1.0.0.tgz", "/-/package/a/dist-tags", "/-/v1/search?text=a", "/-/ping", "/-/npm/v1/keys"} {
		n.as("regact_expired").get(path).want(t, 200, "")
	}
}
