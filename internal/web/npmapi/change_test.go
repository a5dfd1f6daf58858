package npmapi_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestDeprecate(t *testing.T) {
	n := start(t, setup{})
	n.publish("@acme/a", "1.0.0")
	n.publish("@acme/a", "1.1.0")
	p := n.packument("@acme/a")
	// npm sends the whole packument back; whatever else it says of a version is not taken over.
	for version, v := range p["versions"].(object) {
		v.(object)["dist"] = object{"tarball": "http://evil.example/x.tgz", "integrity": "sha512-AAAA", "shasum": "00"}
		v.(object)["dependencies"] = object{"evil": "*"}
		if version == "1.0.0" {
			v.(object)["deprecated"] = "too old"
		}
	}
	p["dist-tags"] = object{"latest": "1.0.0"}
	p["readme"], p["maintainers"] = "evil", []any{object{"name": "mallory"}}
	n.as("").do("PUT", "/@acme%2fa", p).want(t, 401, "")
	n.user("bob").do("PUT", "/@acme%2fa", p).want(t, 403, "owner")
	n.do("PUT", "/@acme%2fa", p).want(t, 201, "")
	after := n.packument("@acme/a")
	if text := fmt.Sprint(after); strings.Contains(text, "evil") || strings.Contains(text, "mallory") {
		t.Errorf("a deprecation changed more: %s", text)
	}
	if got := after["dist-tags"].(object)["latest"]; got != "1.1.0" {
		t.Errorf("a deprecation moved latest to %v", got)
	}
	if got := after["versions"].(object)["1.0.0"].(object)["deprecated"]; got != "too old" {
		t.Errorf("deprecated = %v", got)
	}
	if n.get("/@acme%2fa", corgi).json(t)["versions"].(object)["1.0.0"].(object)["deprecated"] != "too old" {
		t.Error("the abbreviated form has no deprecation")
	}
	after["versions"].(object)["1.0.0"].(object)["deprecated"] = ""
	n.do("PUT", "/@acme%2fa", after).want(t, 201, "")
	if v := n.packument("@acme/a")["versions"].(object)["1.0.0"].(object); v["deprecated"] != nil {
		t.Errorf("deprecated = %v after it was taken back", v["deprecated"])
	}
	after["versions"].(object)["9.9.9"] = object{"name": "@acme/a", "version": "9.9.9"}
	n.do("PUT", "/@acme%2fa", after).want(t, 400, "9.9.9 is not published here")
	n.do("PUT", "/other", object{"versions": object{}}).want(t, 404, "")
}

func TestStars(t *testing.T) {
	n := start(t, setup{})
	n.publish("a", "1.0.0")
	alice := n.user("alice")
	rows := func(want string) {
		t.Helper()
		n.get(`/-/_view/starredByUser?key=%22alice%22`).want(t, 200, want)
	}
	star := func(on bool) object {
		p := alice.packument("a")
		body := object{"_id": p["_id"], "_rev": p["_rev"], "users": object{}}
		if on {
			body["users"] = object{"alice": true}
		}
		return body
	}
	alice.do("PUT", "/a", star(true)).want(t, 201, "")
	rows(`{"rows":[{"value":"a"}]}`)
	if got := fmt.Sprint(n.packument("a")["users"]); got != "map[alice:true]" {
		t.Errorf("users = %s", got)
	}
	alice.get("/-/user/v1/star").want(t, 200, `["a"]`)
	n.get("/-/user/alice/stars").want(t, 200, `["a"]`)
	alice.do("PUT", "/a", star(false)).want(t, 201, "")
	rows(`{"rows":[]}`)

	// pnpm: its own endpoints, or the whole packument.
	alice.do("PUT", "/-/user/v1/star", object{"name": "a", "package": "a"}).want(t, 200, "")
	rows(`"a"`)
	alice.do("DELETE", "/-/user/package/a/star", nil).want(t, 200, "")
	rows(`{"rows":[]}`)
	whole := alice.packument("a")
	whole["users"] = object{"alice": true}
	alice.do("PUT", "/a/-rev/"+whole["_rev"].(string), whole).want(t, 201, "")
	rows(`"a"`)
	n.as("").do("PUT", "/a", star(true)).want(t, 401, "")
	n.as("").do("PUT", "/-/user/v1/star", object{"name": "a"}).want(t, 401, "")
	n.get("/-/_view/starredByUser?key=alice").want(t, 400, "JSON string")
	n.get("/-/user/v1/star").want(t, 200, "[]")
}

func TestOwners(t *testing.T) {
	n := start(t, setup{})
	alice, bob := n.user("alice"), n.user("bob")
	alice.publish("a", "1.0.0")
	owners := func(want string) {
		t.Helper()
		if got := fmt.Sprint(n.packument("a")["maintainers"]); got != want {
			t.Errorf("maintainers = %s, want %s", got, want)
		}
	}
	put := func(who *node, names ...string) answer {
		p := who.packument("a")
		var list []any
		for _, name := range names {
			list = append(list, object{"name": name, "email": ""})
		}
		return who.do("PUT", "/a/-rev/"+p["_rev"].(string), object{"_id": "a", "_rev": p["_rev"], "maintainers": list})
	}
	put(bob, "bob").want(t, 403, "owner")
	put(alice, "alice", "carol").want(t, 400, `there is no user \"carol\"`)
	put(alice, "alice", "bob").want(t, 201, `"ok":true`)
	owners("[map[email: name:alice] map[email: name:bob]]")
	put(bob, "bob").want(t, 201, "")
	owners("[map[email: name:bob]]")
	put(bob).want(t, 400, "")
	alice.do("PUT", "/a", document("a", "1.1.0", tgz(t, "a", "1.1.0"))).want(t, 403, "owner")
	stale := object{"_id": "a", "maintainers": []any{object{"name": "alice"}}}
	bob.do("PUT", "/a/-rev/1-0", stale).want(t, 409, "stale_revision")

	// pnpm
	alice.do("PUT", "/-/package/a/owners", object{"user": "alice"}).want(t, 403, "")
	bob.do("PUT", "/-/package/a/owners", object{"user": "alice"}).want(t, 200, "")
	bob.do("PUT", "/-/package/a/owners", object{"user": "carol"}).want(t, 400, "carol")
	bob.do("DELETE", "/-/package/a/owners/bob", nil).want(t, 200, "")
	owners("[map[email: name:alice]]")
	n.get("/-/package/a/collaborators").want(t, 200, `{"alice":"read-write"}`)
	n.get("/-/package/a/collaborators?format=cli").want(t, 200, `[{"user":"alice","permissions":"read-write"}]`)
	n.get("/-/user/alice/package").want(t, 200, `{"a":"read-write"}`)
	n.get("/-/user/bob/package").want(t, 200, `{}`)

	// Only who is known learns who has an account.
	n.as("").get("/-/user/org.couchdb.user:alice").want(t, 401, "")
	bob.get("/-/user/org.couchdb.user:alice").want(t, 200, `"email":"alice@example.com","name":"alice"`)
	bob.get("/-/user/org.couchdb.user:carol").want(t, 404, "")
	bob.get("/-/user/alice").want(t, 404, "")
}

// What an admin gives to a name that nobody has would be the next one's who signs up under it.
func TestOwnersThatNobodyIs(t *testing.T) {
	n := start(t, setup{signUp: true})
	n.publish("@acme/a", "1.0.0")
	n.do("PUT", "/-/package/@acme%2fa/owners", object{"user": "ghost"}).want(t, 400, "ghost")
	n.do("PUT", "/-/org/acme/user", object{"user": "ghost"}).want(t, 400, "ghost")
	ghost := n.user("ghost")
	ghost.do("PUT", "/@acme%2fa", document("@acme/a", "1.0.1", tgz(t, "@acme/a", "1.0.1"))).want(t, 403, "owner")
	n.do("PUT", "/-/package/@acme%2fa/owners", object{"user": "ghost"}).want(t, 200, "")
	ghost.do("PUT", "/@acme%2fa", document("@acme/a", "1.0.1", tgz(t, "@acme/a", "1.0.1"))).want(t, 201, "")
}

func TestScopeOwners(t *testing.T) {
	n := start(t, setup{})
	alice, bob := n.user("alice"), n.user("bob")
	n.get("/-/org/acme/user").want(t, 404, "nobody owns")
	alice.publish("@acme/a", "1.0.0")
	n.get("/-/org/acme/user").want(t, 200, `{"alice":"owner"}`)
	n.get("/-/org/acme/package").want(t, 200, `{"@acme/a":"read-write"}`)
	n.get("/-/org/none/package").want(t, 404, "")
	bob.do("PUT", "/-/org/acme/user", object{"user": "bob", "role": "owner"}).want(t, 403, "")
	alice.do("PUT", "/-/org/acme/user", object{"user": "bob", "role": "developer"}).want(t, 400, "owners only")
	alice.do("PUT", "/-/org/acme/user", object{"user": "carol", "role": "owner"}).want(t, 400, "carol")
	alice.do("PUT", "/-/org/acme/user", object{"user": "bob", "role": "owner"}).want(t, 201, `"org":{"name":"acme","size":2}`)
	bob.publish("@acme/b", "1.0.0")
	alice.do("DELETE", "/-/org/acme/user", object{"user": "bob"}).want(t, 200, "")
	n.get("/-/org/acme/user").want(t, 200, `{"alice":"owner"}`)
	n.as("").do("PUT", "/-/org/acme/user", object{"user": "bob"}).want(t, 401, "")
}

func TestAccess(t *testing.T) {
	n := start(t, setup{})
	n.publish("a", "1.0.0")
	n.get("/-/package/a/visibility").want(t, 200, `"public":true`)
	n.do("POST", "/-/package/a/access", object{"access": "private"}).want(t, 200, "")
	n.get("/-/package/a/visibility").want(t, 200, `"public":false`)
	n.get("/-/package/a/access").want(t, 200, `"access":"restricted"`)
	n.do("POST", "/-/package/a/access", object{"access": "public"}).want(t, 200, "")
	n.do("POST", "/-/package/a/access", object{"access": "x"}).want(t, 400, "")
	n.do("POST", "/-/package/a/access", object{}).want(t, 400, "name the access")
	n.do("POST", "/-/package/a/access", object{"publish_requires_tfa": true}).want(t, 400, "two-factor")
	n.as("").do("POST", "/-/package/a/access", object{"access": "public"}).want(t, 401, "")
	n.get("/-/package/none/visibility").want(t, 404, "")
}

func TestDistTags(t *testing.T) {
	n := start(t, setup{})
	n.publish("@acme/a", "1.0.0")
	n.publish("@acme/a", "2.0.0")
	for _, path := range []string{"/-/package/@acme%2fa/dist-tags", "/-/package/@acme/a/dist-tags", "/npm/-/package/@acme%2Fa/dist-tags"} {
		n.get(path).want(t, 200, `{"latest":"2.0.0"}`)
		n.do("PUT", path+"/old", `"1.0.0"`).want(t, 201, "")
		n.get(path).want(t, 200, `{"latest":"2.0.0","old":"1.0.0"}`)
		n.get("/@acme/a/old").want(t, 200, `"version":"1.0.0"`)
		n.do("DELETE", path+"/old", nil).want(t, 200, "")
		n.do("PUT", path+"/old", `"3.0.0"`).want(t, 404, "")
		n.do("PUT", path+"/1.x", `"1.0.0"`).want(t, 400, "")
		n.do("PUT", path+"/old", `1.0.0`).want(t, 400, "JSON")
		n.do("DELETE", path+"/latest", nil).want(t, 400, "latest")
		n.as("").do("PUT", path+"/old", `"1.0.0"`).want(t, 401, "")
		n.as("").do("DELETE", path+"/old", nil).want(t, 401, "")
	}
}

func TestUnpublish(t *testing.T) {
	n := start(t, setup{})
	one := n.publish("@acme/a", "1.0.0")
	n.publish("@acme/a", "1.1.0")
	bob := n.user("bob")
	p := n.packument("@acme/a")
	delete(p["versions"].(object), "1.0.0")
	rev := p["_rev"].(string)
	n.as("").do("PUT", "/@acme%2fa/-rev/"+rev, p).want(t, 401, "")
	bob.do("PUT", "/@acme%2fa/-rev/"+rev, p).want(t, 403, "")
	n.do("PUT", "/@acme%2fa/-rev/1-0", p).want(t, 409, "stale_revision")
	n.do("PUT", "/@acme%2fa", p).want(t, 201, "") // without a revision nothing is removed
	n.get("/@acme%2fa/1.0.0").want(t, 200, "")
	n.do("PUT", "/@acme%2fa/-rev/"+rev, p).want(t, 201, "")
	n.get("/@acme%2fa/1.0.0").want(t, 404, "unpublished")
	n.get("/@acme%2fa/-/a-1.0.0.tgz").want(t, 404, "")

	// The second step finds nothing left to do, again and again.
	rev = n.packument("@acme/a")["_rev"].(string)
	for range 2 {
		n.do("DELETE", "/@acme/a/-/a-1.0.0.tgz/-rev/"+rev, nil).want(t, 200, `"ok":true`)
	}
	n.as("").do("DELETE", "/@acme/a/-/a-1.0.0.tgz/-rev/"+rev, nil).want(t, 401, "")

	// The version may come back with the same bytes only.
	n.do("PUT", "/@acme%2fa", document("@acme/a", "1.0.0", tgz(t, "@acme/a", "1.0.0", `"main":"x"`))).want(t, 403, "version_gone")
	n.do("PUT", "/@acme%2fa", document("@acme/a", "1.0.0", one)).want(t, 201, "")
	if got := n.get("/@acme%2fa/-/a-1.0.0.tgz").body; !bytes.Equal(got, one) {
		t.Error("a version came back with other bytes")
	}

	// Straight to the second step.
	rev = n.packument("@acme/a")["_rev"].(string)
	n.do("DELETE", "/@acme/a/-/@acme/a-1.1.0.tgz/-rev/"+rev, nil).want(t, 200, "")
	n.get("/@acme%2fa/1.1.0").want(t, 404, "")

	bob.do("DELETE", "/@acme%2fa/-rev/1-0", nil).want(t, 403, "")
	n.do("DELETE", "/@acme%2fa/-rev/1-0", nil).want(t, 409, "")
	n.do("DELETE", "/@acme%2fa/-rev/"+n.packument("@acme/a")["_rev"].(string), nil).want(t, 200, "")
	n.get("/@acme%2fa").want(t, 404, "unpublished")
	n.do("DELETE", "/@acme/a/-/a-1.0.0.tgz/-rev/1", nil).want(t, 200, "")
	if slices.Contains(n.upstream.asked, "@acme/a") {
		t.Error("upstream was asked for a name of ours")
	}
}

func TestStage(t *testing.T) {
	n := start(t, setup{})
	alice, bob := n.user("alice"), n.user("bob")
	alice.publish("@acme/a", "1.0.0")
	b := tgz(t, "@acme/a", "1.1.0")
	doc := document("@acme/a", "1.1.0", b, func(d, _ object) { d["dist-tags"] = object{"next": "1.1.0"} })
	n.as("").do("POST", "/-/stage/package/@acme%2fa", doc).want(t, 401, "")
	bob.do("POST", "/-/stage/package/@acme%2fa", doc).want(t, 403, "")
	id := alice.do("POST", "/-/stage/package/@acme%2fa", doc).want(t, 201, "").json(t)["stageId"].(string)
	alice.get("/@acme%2fa/1.1.0").want(t, 404, "")
	for _, path := range []string{"/-/stage", "/-/stage?page=0&perPage=100", "/-/stage?package=@acme%2fa"} {
		a := alice.get(path).want(t, 200, `"total":1`).json(t)
		item := a["items"].([]any)[0].(object)
		if item["id"] != id || item["packageName"] != "@acme/a" || item["version"] != "1.1.0" || item["tag"] != "next" || item["actor"] != "alice" || item["actorType"] != "user" {
			t.Errorf("%s lists %v", path, item)
		}
	}
	alice.get("/-/stage?page=1").want(t, 200, `"items":[]`)
	alice.get("/-/stage?package=b").want(t, 200, `"total":0`)
	bob.get("/-/stage").want(t, 200, `"total":0`)
	n.as("").get("/-/stage").want(t, 401, "")
	alice.get("/-/stage/"+id).want(t, 200, `"version":"1.1.0"`)
	if got := alice.get("/-/stage/"+id+"/tarball").want(t, 200, ""); !bytes.Equal(got.body, b) {
		t.Error("the staged tarball has other bytes")
	}
	for _, path := range []string{"/-/stage/" + id, "/-/stage/" + id + "/tarball", "/-/stage/none"} {
		bob.get(path).want(t, 404, "")
		n.as("").get(path).want(t, 401, "")
	}
	bob.do("POST", "/-/stage/"+id+"/approve", nil).want(t, 404, "")
	n.as("").do("DELETE", "/-/stage/"+id, nil).want(t, 401, "")
	alice.do("POST", "/-/stage/"+id+"/dance", nil).want(t, 404, "")
	alice.do("POST", "/-/stage/"+id+"/approve", nil).want(t, 201, "")
	alice.get("/@acme%2fa/next").want(t, 200, `"version":"1.1.0"`)
	alice.get("/-/stage/"+id).want(t, 404, "")
	id = alice.do("POST", "/-/stage/package/@acme%2fa", document("@acme/a", "1.2.0", tgz(t, "@acme/a", "1.2.0"))).json(t)["stageId"].(string)
	alice.do("DELETE", "/-/stage/"+id, nil).want(t, 200, "")
	alice.do("POST", "/-/stage/"+id+"/approve", nil).want(t, 404, "")
}
