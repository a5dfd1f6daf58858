package npmapi_test

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestPublishRefuses(t *testing.T) {
	n := start(t, setup{maxPackage: 1 << 20})
	b := tgz(t, "a", "1.0.0")
	attachment := func(doc object) object { return doc["_attachments"].(object)["a-1.0.0.tgz"].(object) }
	for name, tc := range map[string]struct {
		body   any
		status int
		want   string
	}{
		"no JSON":                {"{", 400, "JSON"},
		"nothing":                {"", 400, "JSON"},
		"an array":               {"[]", 400, "array"},
		"null":                   {"null", 400, "nothing that can be changed"},
		"something behind it":    {`{"name":"a","versions":{}} {}`, 400, "after top-level value"},
		"a member's type":        {`{"name":7}`, 400, `\"name\" may not be of the type number`},
		"another name":           {document("b", "1.0.0", tgz(t, "b", "1.0.0")), 400, `the address names package \"a\", the body \"b\"`},
		"another name inside":    {document("a", "1.0.0", tgz(t, "b", "1.0.0")), 400, `has the name \"b\"`},
		"another version inside": {document("a", "1.0.0", tgz(t, "a", "2.0.0")), 400, `has the version \"2.0.0\"`},
		"no versions":            {document("a", "1.0.0", b, func(d, _ object) { d["versions"] = object{} }), 400, "exactly one version"},
		"two versions":           {document("a", "1.0.0", b, func(d, r object) { d["versions"] = object{"1.0.0": r, "1.0.1": r} }), 400, "exactly one version"},
		"names that differ":      {document("a", "1.0.0", b, func(_, r object) { r["version"] = "1.0.1" }), 400, "they must be the same"},
		"no version":             {document("a", "x", tgz(t, "a", "x")), 400, "version"},
		"a range as tag":         {document("a", "1.0.0", b, func(d, _ object) { d["dist-tags"] = object{"^1": "1.0.0"} }), 400, "tag"},
		"a tag of another":       {document("a", "1.0.0", b, func(d, _ object) { d["dist-tags"] = object{"latest": "0.9.0"} }), 400, "tags only its own version"},
		"another integrity":      {document("a", "1.0.0", b, func(_, r object) { r["dist"] = object{"integrity": integrity([]byte("x"))} }), 400, "integrity"},
		"another shasum":         {document("a", "1.0.0", b, func(_, r object) { r["dist"] = object{"shasum": strings.Repeat("0", 40)} }), 400, "shasum"},
		"another length":         {document("a", "1.0.0", b, func(d, _ object) { attachment(d)["length"] = len(b) + 1 }), 400, "length"},
		"no base64":              {document("a", "1.0.0", b, func(d, _ object) { attachment(d)["data"] = "%%%" }), 400, `_attachments[\"a-1.0.0.tgz\"].data is not base64`},
		"no data":                {document("a", "1.0.0", b, func(d, _ object) { delete(attachment(d), "data") }), 400, "attachment"},
		"a number as data":       {document("a", "1.0.0", b, func(d, _ object) { attachment(d)["data"] = 0 }), 400, "attachment"},
		"no archive":             {document("a", "1.0.0", b, func(d, _ object) { attachment(d)["data"] = base64.StdEncoding.EncodeToString([]byte("text")) }), 400, "tarball"},
		"two tarballs":           {document("a", "1.0.0", b, func(d, _ object) { d["_attachments"].(object)["b.tgz"] = attachment(d) }), 400, "more than 1 tarballs"},
		"no tarball":             {document("a", "1.0.0", b, func(d, _ object) { d["_attachments"] = object{"a.sigstore": object{"data": "{}"}} }), 400, "no tarball"},
		"a broken bundle":        {document("a", "1.0.0", b, func(d, _ object) { d["_attachments"].(object)["a.sigstore"] = object{"data": "{"} }), 400, "sigstore"},
		"a bundle of another":    {document("a", "1.0.0", b, func(d, _ object) { d["_attachments"].(object)["a.sigstore"] = object{"data": "{}"} }), 400, "error"},
		"an unknown access":      {document("a", "1.0.0", b, func(d, _ object) { d["access"] = "secret" }), 400, "access"},
		"a large tarball":        {document("a", "1.0.0", pack(t, `{"name":"a","version":"1.0.0"}`, noise(2<<20))), 413, "larger than"},
		"a large text":           {document("a", "1.0.0", b, func(d, _ object) { d["readme"] = strings.Repeat("x", 21<<20) }), 413, "longer than"},
		"many members":           {`{"versions":{` + strings.Repeat(`"":{},`, 50_000) + `"1":{}}}`, 413, "more than 50000 members"},
		"nested deeply":          {`{"versions":` + strings.Repeat("[", 20_000), 400, "nested"},
	} {
		t.Run(name, func(t *testing.T) {
			n.t = t
			a := n.do("PUT", "/a", tc.body)
			if a.StatusCode != tc.status || !strings.Contains(string(a.body), tc.want) {
				t.Errorf("answer %d %.400s, want %d with %q", a.StatusCode, a.body, tc.status, tc.want)
			}
		})
	}
	n.t = t
	n.get("/a").want(t, 404, "")
}

// noise does not compress.
func noise(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return string(b)
}

// The archive decides what a version is, whatever is said beside it.
func TestPublishBelievesTheArchive(t *testing.T) {
	n := start(t, setup{})
	b := tgz(t, "@acme/a", "1.0.0", `"dependencies":{"left-pad":"^1.0.0"}`, `"data":"no base64"`)
	n.do("PUT", "/@acme%2fa", document("@acme/a", "1.0.0", b, func(doc, r object) {
		r["dependencies"] = object{"evil": "1.0.0"}
		r["hasInstallScript"], r["deprecated"], r["_npmUser"], r["maintainers"] = false, "no", object{"name": "mallory"}, []any{object{"name": "mallory"}}
		r["data"] = "no base64" // a member of package.json is not a tarball
		r["dist"].(object)["signatures"] = []any{object{"keyid": "k", "sig": "s"}}
		r["dist"].(object)["attestations"] = object{"url": "http://evil.example/"}
		doc["time"], doc["maintainers"], doc["_rev"] = object{"1.0.0": "1999-01-01T00:00:00.000Z"}, []any{object{"name": "mallory"}}, "7"
		doc["data"] = "no base64"
	})).want(t, 201, "")
	p := n.packument("@acme/a")
	v := p["versions"].(object)["1.0.0"].(object)
	if got := fmt.Sprint(v["dependencies"]); got != "map[left-pad:^1.0.0]" {
		t.Errorf("dependencies = %s", got)
	}
	if v["gitHead"] != "abc123" || v["_npmVersion"] != "11.0.0" || p["readme"] != "# @acme/a" {
		t.Errorf("gitHead, _npmVersion, readme = %v, %v, %v", v["gitHead"], v["_npmVersion"], p["readme"])
	}
	d := v["dist"].(object)
	if d["integrity"] != integrity(b) || strings.Contains(fmt.Sprint(d), "evil") || fmt.Sprint(d["signatures"]) == "[map[keyid:k sig:s]]" {
		t.Errorf("dist = %v", d)
	}
	if strings.Contains(fmt.Sprint(p), "mallory") || v["deprecated"] != nil || strings.HasPrefix(p["time"].(object)["1.0.0"].(string), "1999") {
		t.Errorf("what the client says was believed: %v", p)
	}
}

// The members of a publish may come in any order.
func TestPublishOrder(t *testing.T) {
	n := start(t, setup{})
	data := base64.StdEncoding.EncodeToString(tgz(t, "a", "1.0.0"))
	members := []string{
		`"name":"a"`, `"versions":{"1.0.0":{"name":"a","version":"1.0.0"}}`, `"dist-tags":{"latest":"1.0.0","next":"1.0.0"}`,
		`"_attachments":{"a-1.0.0.tgz":{"length":0,"data":"` + data + `","content_type":"x"}}`,
	}
	status := 201
	for i := range members {
		body := "{" + strings.Join(slices.Concat(members[i:], members[:i]), ",") + "}"
		n.do("PUT", "/a", body).want(t, status, "")
		status = 200
	}
	if got := slices.Sorted(maps.Keys(n.get("/-/package/a/dist-tags").json(t))); !slices.Equal(got, []string{"latest", "next"}) {
		t.Errorf("dist-tags = %q", got)
	}
}

func TestWhoMayPublish(t *testing.T) {
	n := start(t, setup{})
	doc := document("@acme/a", "1.0.0", tgz(t, "@acme/a", "1.0.0"))
	a := n.as("").do("PUT", "/@acme%2fa", doc).want(t, 401, `"error"`)
	if !strings.HasPrefix(a.Header.Get("WWW-Authenticate"), "Bearer") {
		t.Errorf("WWW-Authenticate = %q", a.Header.Get("WWW-Authenticate"))
	}
	n.as("no-token").do("PUT", "/@acme%2fa", doc).want(t, 401, "")
	alice, bob := n.user("alice"), n.user("bob")
	a = alice.do("PUT", "/@acme%2fa", doc).want(t, 201, "")
	if !strings.Contains(a.Header.Get("npm-notice"), "@acme") {
		t.Errorf("npm-notice = %q, want it to name the scope that is taken", a.Header.Get("npm-notice"))
	}
	bob.do("PUT", "/@acme%2fa", document("@acme/a", "1.0.1", tgz(t, "@acme/a", "1.0.1"))).want(t, 403, "owner")
	bob.do("PUT", "/@acme%2fb", document("@acme/b", "1.0.0", tgz(t, "@acme/b", "1.0.0"))).want(t, 403, "owner")
	a = alice.do("PUT", "/@acme%2fa", document("@acme/a", "1.1.0", tgz(t, "@acme/a", "1.1.0"))).want(t, 201, "")
	if a.Header.Get("npm-notice") != "" {
		t.Errorf("a second publish has the notice %q", a.Header.Get("npm-notice"))
	}
	basic := "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("alice:password of alice"))
	n.do("PUT", "/@acme%2fa", document("@acme/a", "1.2.0", tgz(t, "@acme/a", "1.2.0")), basic).want(t, 201, "")
	withToken := "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("alice:"+alice.token))
	n.do("PUT", "/@acme%2fa", document("@acme/a", "1.3.0", tgz(t, "@acme/a", "1.3.0")), withToken).want(t, 201, "")
}

func TestProvenance(t *testing.T) {
	n := start(t, setup{})
	b := tgz(t, "a", "1.0.0")
	bundle := sigstore(t, "pkg:npm/a@1.0.0", b)
	n.do("PUT", "/a", document("a", "1.0.0", b, func(d, _ object) {
		d["_attachments"].(object)["a-1.0.0.sigstore"] = object{"content_type": "application/vnd.dev.sigstore.bundle.v0.3+json", "data": bundle, "length": len(bundle)}
	})).want(t, 201, "")
	n.get("/-/npm/v1/attestations/a@1.0.0").want(t, 200, "slsa.dev/provenance")
	n.publish("@acme/a", "1.0.0")
	n.get("/-/npm/v1/attestations/@acme%2fa@1.0.0").want(t, 404, "error")
	n.get("/-/npm/v1/attestations/@acme/a@1.0.0").want(t, 404, "error")
	n.get("/-/npm/v1/attestations/a").want(t, 400, "{name}@{version}")
}

func TestBatch(t *testing.T) {
	n := start(t, setup{})
	for i, path := range []string{"/-/pnpr/v0/publish", "/-/pnpm/v1/publish"} {
		v := fmt.Sprintf("1.0.%d", i)
		doc := func(name, inside string) object { return document(name, v, tgz(t, inside, v)) }
		n.do("PUT", path, object{"packages": []any{doc("@b/x", "@b/x"), doc("@b/y", "other")}}).want(t, 400, "other")
		n.get("/@b%2fx/"+v).want(t, 404, "")
		n.do("PUT", path, object{"packages": []any{doc("@b/x", "@b/x"), doc("@b/y", "@b/y")}}).want(t, 201, `"ok":true`)
		n.get("/@b%2fx/"+v).want(t, 200, "")
		n.get("/@b%2fy/"+v).want(t, 200, "")
		n.do("PUT", path, object{"packages": []any{}}).want(t, 400, "1 to 20")
		n.as("").do("PUT", path, object{"packages": []any{doc("@b/z", "@b/z")}}).want(t, 401, "")
	}
	n.do("PUT", "/-/pnpr/v0/publish", object{"packages": []any{document("@b/x", "1.0.0", tgz(t, "@b/x", "1.0.0", `"main":"x"`))}}).want(t, 403, "version_exists")
}

// Who restricts a package on a server whose reads are open believes that it is hidden.
func TestRestrictedIsNotHidden(t *testing.T) {
	for _, readAuth := range []bool{false, true} {
		n := start(t, setup{readAuth: readAuth})
		alice := n.user("alice")
		doc := func(name, access string) object {
			return document(name, "1.0.0", tgz(t, name, "1.0.0"), func(d, _ object) { d["access"] = access })
		}
		for what, a := range map[string]answer{
			"a publish": alice.do("PUT", "/a", doc("a", "restricted")),
			"a stage":   alice.do("POST", "/-/stage/package/b", doc("b", "restricted")),
			"a batch":   alice.do("PUT", "/-/pnpr/v0/publish", object{"packages": []object{doc("c", "public"), doc("d", "restricted")}}),
			"a change":  alice.do("POST", "/-/package/a/access", object{"access": "private"}),
		} {
			if told := strings.Contains(strings.Join(a.Header.Values("npm-notice"), ","), "READ_AUTH"); a.StatusCode >= 400 || told == readAuth {
				t.Errorf("%s where reads need a token is %v = %d, with the notice %q", what, readAuth, a.StatusCode, a.Header.Values("npm-notice"))
			}
		}
		if a := alice.do("PUT", "/e", doc("e", "public")); strings.Contains(strings.Join(a.Header.Values("npm-notice"), ","), "READ_AUTH") {
			t.Errorf("a public package has the notice %q", a.Header.Values("npm-notice"))
		}
	}
}

// Who can't write is refused before the body is read: it may be large, or no JSON at all.
func TestWhoCannotWriteSendsNothing(t *testing.T) {
	n := start(t, setup{})
	alice := n.user("alice")
	alice.publish("a", "1.0.0")
	token := func(fields object) *node {
		fields["name"], fields["password"] = "t", "password of alice"
		return n.as(alice.do("POST", "/-/npm/v1/tokens", fields).want(t, 200, "").json(t)["token"].(string))
	}
	reader, limited := token(object{"readonly": true}), token(object{"packages": []string{"b"}})
	for _, r := range [][2]string{
		{"PUT", "/a"}, {"PUT", "/a/-rev/1"}, {"PUT", "/-/package/a/dist-tags/x"}, {"PUT", "/-/package/a/owners"}, {"POST", "/-/package/a/access"}, {"POST", "/-/stage/package/a"},
	} {
		reader.do(r[0], r[1], "{").want(t, 403, "only read")
		limited.do(r[0], r[1], "{").want(t, 403, "may not write")
		alice.do(r[0], r[1], "{").want(t, 400, "JSON")
	}
	reader.do("PUT", "/-/pnpr/v0/publish", "{").want(t, 403, "only read")
}
