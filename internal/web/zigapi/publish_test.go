package zigapi_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/domain/auth"
)

// The answer has all of Pantry's members, and a dependency that holds what it says.
func TestPublish(t *testing.T) {
	n := start(t, setup{})
	manifest := zon("greet", "1.0.0")
	a := n.postForm(part{"tarball", archive(t, manifest, "one")}, part{"manifest", manifest}, part{"description", "Says hello"}).Want(t, http.StatusCreated, "")
	m := a.JSON()
	at := n.URL + "/zig/packages/greet/1.0.0/tarball"
	for member, want := range map[string]any{
		"success": true, "name": "greet", "version": "1.0.0", "message": "Published greet@1.0.0", "description": "Says hello",
		"tarballUrl": at, "fetchCommand": "zig fetch --save " + at, "hash": m["packageHash"],
		"dependency": ".greet = .{\n    .url = \"" + at + "\",\n    .hash = \"" + a.Text("hash") + "\",\n},",
	} {
		if m[member] != want {
			t.Errorf("%s = %v, want %v", member, m[member], want)
		}
	}
	if !strings.HasPrefix(a.Text("hash"), "greet-1.0.0-") || len(a.Text("legacyHash")) != 68 || !strings.HasPrefix(a.Text("legacyHash"), "1220") {
		t.Errorf("hash = %s, legacyHash = %s", a.Text("hash"), a.Text("legacyHash"))
	}
	if !strings.HasPrefix(a.Text("fingerprint"), "0x") {
		t.Errorf("fingerprint = %v, want text: JSON's numbers lose digits", m["fingerprint"])
	}
	if zig, _ := json.Marshal(m["zig"]); string(zig) != `["0.14","0.15","0.16","0.17"]` {
		t.Errorf("zig = %s", zig)
	}
	if _, ok := m["warnings"].([]any); !ok {
		t.Errorf("warnings = %v, want a list", m["warnings"])
	}
	if left := n.Spooled(t); len(left) != 0 {
		t.Errorf("the publish leaves %v", left)
	}
	if log := n.Lines.String(); !strings.Contains(log, "who=admin action=publish target=zig:greet@1.0.0") {
		t.Errorf("the log lacks the audit line: %s", log)
	}
}

// A manifest for old compilers gives the hash that they know.
func TestPublishForOldCompilers(t *testing.T) {
	n := start(t, setup{})
	manifest := `.{ .name = "greet", .version = "1.0.0", .paths = .{""} }`
	a := n.postForm(part{"tarball", archive(t, manifest, "one")}).Want(t, http.StatusCreated, `"zig":["0.11","0.12","0.13","0.14","0.15"]`)
	if a.Text("hash") != a.Text("legacyHash") || !strings.Contains(a.Text("dependency"), a.Text("legacyHash")) {
		t.Errorf("hash = %s, dependency = %s, want the legacy hash %s", a.Text("hash"), a.Text("dependency"), a.Text("legacyHash"))
	}
	a.Want(t, http.StatusCreated, `"code":"string_name"`)
}

func TestPublishJSON(t *testing.T) {
	n := start(t, setup{})
	manifest := zon("greet", "1.0.0")
	body, err := json.Marshal(map[string]string{
		"tarball": base64.StdEncoding.EncodeToString([]byte(archive(t, manifest, "one"))), "manifest": manifest, "description": "Says hello",
	})
	if err != nil {
		t.Fatal(err)
	}
	n.postJSON(string(body)).Want(t, http.StatusCreated, `"description":"Says hello"`)
	n.postJSON(`{"tarball": "%%%"}`).Want(t, http.StatusBadRequest, `"Invalid base64 tarball data`)
	n.postJSON(`{"tarball": 7}`).Want(t, http.StatusBadRequest, `"code":"invalid_base64"`)
	n.postJSON(`{"manifest": ""}`).Want(t, http.StatusBadRequest, `"code":"missing_part"`)
	n.postJSON(`{"tarball": "aGk=", "description": 7}`).Want(t, http.StatusBadRequest, `"code":"`)
	n.postJSON(`{"tarball": "aGk="}`).Want(t, http.StatusBadRequest, `"code":"bad_archive"`)
	n.postJSON(`[`).Want(t, http.StatusBadRequest, "")
	if left := n.Spooled(t); len(left) != 0 {
		t.Errorf("refused publishes leave %v", left)
	}
}

// A version never changes; the same content in another archive is the same.
func TestPublishAgain(t *testing.T) {
	n := start(t, setup{})
	n.publish("greet", "1.0.0", "one")
	n.postForm(part{"tarball", archive(t, zon("greet", "1.0.0"), "one")}).Want(t, http.StatusOK, `"unchanged":true`)
	n.postForm(part{"tarball", archive(t, zon("greet", "1.0.0"), "two")}).Want(t, http.StatusConflict, `"code":"version_exists"`)
}

func TestPublishRefusals(t *testing.T) {
	n := start(t, setup{})
	good := archive(t, zon("greet", "1.0.0"), "one")
	for name, tt := range map[string]struct {
		parts  []part
		status int
		text   string
	}{
		"nothing":        {nil, 400, `"code":"missing_part"`},
		"no tarball":     {[]part{{"manifest", zon("greet", "1.0.0")}}, 400, "Missing tarball"},
		"twice":          {[]part{{"tarball", good}, {"tarball", good}}, 400, "sent twice"},
		"text twice":     {[]part{{"description", "a"}, {"description", "b"}, {"tarball", good}}, 400, "sent twice"},
		"unknown part":   {[]part{{"tarball", good}, {"signature", "x"}}, 400, `\"signature\" is not known here`},
		"long text":      {[]part{{"tarball", good}, {"description", strings.Repeat("x", 2<<20+1)}}, 413, "more than 2097152 bytes"},
		"no archive":     {[]part{{"tarball", "hello"}}, 400, `"code":"bad_archive"`},
		"other manifest": {[]part{{"tarball", good}, {"manifest", zon("greet", "1.0.1")}}, 400, `"code":"manifest_mismatch"`},
		"no manifest":    {[]part{{"tarball", archive(t, "", "one")}}, 400, ""},
		"large":          {[]part{{"tarball", noise(2 << 20)}}, 413, "Tarball exceeds maximum size"},
	} {
		t.Run(name, func(t *testing.T) {
			other := *n
			other.T = t
			other.postForm(tt.parts...).Want(t, tt.status, tt.text)
		})
	}
	n.Do("POST", "/zig/publish", strings.NewReader("x"), "Content-Type: text/plain").Want(t, http.StatusUnsupportedMediaType, "multipart/form-data")
	n.Do("POST", "/zig/publish", strings.NewReader("--x\r\nContent-Disposition: form-data; name=\"tarball\"\r\n\r\nabc"), "Content-Type: multipart/form-data; boundary=x").
		Want(t, http.StatusBadRequest, "the multipart body is broken")
	n.Get("/zig/packages/greet").Want(t, http.StatusNotFound, "Package not found")
	if left := n.Spooled(t); len(left) != 0 {
		t.Errorf("refused publishes leave %v", left)
	}
}

// noise is text that does not compress.
func noise(size int) string {
	b, x := make([]byte, size), uint32(1)
	for i := range b {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		b[i] = byte(x)
	}
	return string(b)
}

func TestWhoMayPublish(t *testing.T) {
	n := start(t, setup{})
	one := part{"tarball", archive(t, zon("my_lib", "1.0.0"), "one")}
	n.as("").postForm(one).Want(t, http.StatusUnauthorized, `"code":"unauthenticated"`)
	n.as("regact_wrong").postForm(one).Want(t, http.StatusUnauthorized, "Invalid token")
	n.newToken(auth.NewToken{Name: "reader", Permission: auth.Read}).postForm(one).Want(t, http.StatusForbidden, `"code":"read_only_token"`)
	n.newToken(auth.NewToken{Name: "npm", Packages: []string{"my-lib", "my*"}}).postForm(one).Want(t, http.StatusForbidden, `"code":"package_not_covered"`)
	n.newToken(auth.NewToken{Name: "ci", User: "alice", Packages: []string{"zig:my-lib"}}).postForm(one).Want(t, http.StatusCreated, `"publisher":"alice"`)

	two := part{"tarball", archive(t, zon("my_lib", "1.1.0"), "two")}
	n.newToken(auth.NewToken{Name: "bob", User: "bob"}).postForm(two).Want(t, http.StatusForbidden, `"code":"not_owner"`)
	n.newToken(auth.NewToken{Name: "granted", User: "bot", Packages: []string{"zig:my_*"}, Grant: true}).postForm(two).Want(t, http.StatusCreated, "")
	hostile := strings.Replace(zon("my_lib", "1.2.0"), "01234567", "07654321", 1)
	n.postForm(part{"tarball", archive(t, hostile, "three")}).Want(t, http.StatusForbidden, `"code":"other_fingerprint"`)
}
