package restapi_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/web/webtest"
)

const manifest = `{"name":"@acme/core","version":"1.0.0","description":"core","author":{"name":"Ann"},"scripts":{"test":"x"},"dependencies":{"a":"^1.0.0"}}`

// The requests of Pantry's own client and of its README.
func TestPublishForms(t *testing.T) {
	file := tgz(t, manifest)
	forms := map[string]func(n *node) webtest.Answer{
		"form, metadata first": func(n *node) webtest.Answer { return n.postForm(part{"metadata", manifest}, part{"tarball", file}) },
		"form, tarball first":  func(n *node) webtest.Answer { return n.postForm(part{"tarball", file}, part{"metadata", manifest}) },
		"form, name and version only": func(n *node) webtest.Answer {
			return n.postForm(part{"metadata", `{"name":"@acme/core","version":"1.0.0"}`}, part{"tarball", file})
		},
		"JSON": func(n *node) webtest.Answer {
			return n.postJSON(`{"metadata":` + manifest + `,"tarball":"` + base64Of(file) + `"}`)
		},
		"JSON, tarball first": func(n *node) webtest.Answer {
			return n.postJSON(`{"tarball":"` + base64Of(file) + `","metadata":` + manifest + `}`)
		},
	}
	for name, publish := range forms {
		t.Run(name, func(t *testing.T) {
			n := start(t, setup{})
			m := publish(n).Want(t, 201, `"success":true`).JSON()
			if m["message"] != "Published @acme/core@1.0.0" || m["tarballUrl"] != n.URL+"/packages/@acme/core/1.0.0/tarball" {
				t.Errorf("answer = %v", m)
			}
			n.Get("/packages/@acme/core/1.0.0/tarball").Want(t, 200, file)
			n.Get("/packages/@acme/core").Want(t, 200, `"dependencies":{"a":"^1.0.0"}`)
			if left := n.Spooled(t); len(left) > 0 {
				t.Errorf("left in the spool folder: %q", left)
			}
		})
	}
}

func TestRepublish(t *testing.T) {
	n := start(t, setup{})
	file := n.publish(manifest)
	n.postForm(part{"metadata", manifest}, part{"tarball", file}).Want(t, 200, `"unchanged":true`)
	other := strings.Replace(manifest, `"core"`, `"other"`, 1)
	a := n.postForm(part{"metadata", other}, part{"tarball", tgz(t, other)}).Want(t, 409, "Version already exists")
	if a.JSON()["code"] != "version_exists" {
		t.Errorf("code = %v", a.JSON()["code"])
	}
	n.Get("/packages/@acme/core/1.0.0/tarball").Want(t, 200, file)
}

// The archive decides; what the metadata says beside it is not taken.
func TestMetadataDoesNotDecide(t *testing.T) {
	n := start(t, setup{})
	file := tgz(t, `{"name":"pkg","version":"1.0.0"}`)
	n.postForm(part{"metadata", `{"name":"pkg","version":"1.0.0","description":"forged","dependencies":{"evil":"*"},"NAME":"x","Version":"9.9.9"}`}, part{"tarball", file}).
		Want(t, 201, "Published pkg@1.0.0")
	if m := n.Get("/packages/pkg").JSON(); m["description"] != nil || m["dependencies"] != nil {
		t.Errorf("the metadata got in: %v", m)
	}
}

func TestDistTags(t *testing.T) {
	n := start(t, setup{})
	n.publish(`{"name":"pkg","version":"1.0.0"}`)
	n.publish(`{"name":"pkg","version":"2.0.0-beta.1","tag":"beta"}`)
	n.publish(`{"name":"pkg","version":"3.0.0-rc.1","publishConfig":{"tag":"next"}}`)
	for tag, want := range map[string]string{"latest": "1.0.0", "beta": "2.0.0-beta.1", "next": "3.0.0-rc.1"} {
		n.Get("/packages/pkg/"+tag).Want(t, 200, `"version":"`+want+`"`)
	}
	n.Get("/packages/pkg").Want(t, 200, `"version":"1.0.0"`)
}

func TestPublishRefusals(t *testing.T) {
	n := start(t, setup{maxPackage: 100 << 10})
	file := tgz(t, manifest)
	meta := func(text string) []part { return []part{{"metadata", text}, {"tarball", file}} }
	tests := []struct {
		name   string
		parts  []part
		status int
		text   string
	}{
		{"no metadata", []part{{"tarball", file}}, 400, "Missing metadata"},
		{"no tarball", []part{{"metadata", manifest}}, 400, "Missing tarball"},
		{"nothing", nil, 400, "Missing metadata"},
		{"no JSON", meta("{"), 400, "Invalid metadata JSON"},
		{"no object", meta("[]"), 400, "Invalid metadata JSON"},
		{"null", meta("null"), 400, "Invalid metadata JSON"},
		{"twice", []part{{"metadata", manifest}, {"metadata", manifest}, {"tarball", file}}, 400, "twice"},
		{"two tarballs", []part{{"metadata", manifest}, {"tarball", file}, {"tarball", file}}, 400, "twice"},
		{"another part", append(meta(manifest), part{"tarbal", "x"}), 400, "tarbal"},
		{"no name", meta(`{"version":"1.0.0"}`), 400, "Package name is required"},
		{"a name that is none", meta(`{"name":{"a":1},"version":"1.0.0"}`), 400, "Package name is required"},
		{"a long name", meta(fmt.Sprintf(`{"name":%q,"version":"1.0.0"}`, strings.Repeat("a", 215))), 400, "Package name exceeds 214 characters"},
		{"a path as name", meta(`{"name":"../../etc/passwd","version":"1.0.0"}`), 400, "Package name contains invalid characters"},
		{"a path in a scope", meta(`{"name":"@../x","version":"1.0.0"}`), 400, "Package name contains invalid characters"},
		{"a reserved name", meta(`{"name":"constructor","version":"1.0.0"}`), 400, "Package name is reserved"},
		{"a name of every object", meta(`{"name":"__proto__","version":"1.0.0"}`), 400, "Package name"},
		{"no version", meta(`{"name":"@acme/core"}`), 400, "Package version is required"},
		{"a number as version", meta(`{"name":"@acme/core","version":1e400}`), 400, "Package version is required"},
		{"a word as version", meta(`{"name":"@acme/core","version":"latest"}`), 400, "Version contains invalid characters"},
		{"a path as version", meta(`{"name":"@acme/core","version":"../../x"}`), 400, "Version contains invalid characters"},
		{"a property as version", meta(`{"name":"@acme/core","version":"__proto__"}`), 400, "Version contains invalid characters"},
		{"a huge version", meta(`{"name":"@acme/core","version":"99999999999999999999.0.0"}`), 400, "Version contains invalid characters"},
		{"another name", meta(`{"name":"other","version":"1.0.0"}`), 400, "@acme/core"},
		{"another version", meta(`{"name":"@acme/core","version":"2.0.0"}`), 400, "1.0.0"},
		{"a tag that is a version", meta(`{"name":"@acme/core","version":"1.0.0","tag":"1.2"}`), 400, "dist-tag"},
		{"a tag that is none", meta(`{"name":"@acme/core","version":"1.0.0","tag":["beta"]}`), 400, "dist-tag"},
		{"an empty tarball", []part{{"metadata", manifest}, {"tarball", ""}}, 400, ""},
		{"junk", []part{{"metadata", manifest}, {"tarball", "junk"}}, 400, ""},
		{"half a tarball", []part{{"metadata", manifest}, {"tarball", file[:len(file)/2]}}, 400, ""},
		{"large", []part{{"metadata", manifest}, {"tarball", strings.Repeat("x", 101<<10)}}, 0, ""},
		{"large metadata", meta(`{"name":"` + strings.Repeat("a", 3<<20) + `"}`), 413, "metadata"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := n.postForm(tt.parts...)
			if tt.status == 0 {
				tt.status = a.StatusCode // of several right ones
			}
			if a.Want(t, tt.status, tt.text); a.StatusCode < 400 || a.StatusCode >= 500 {
				t.Errorf("status %d, want one that says that the request is wrong", a.StatusCode)
			}
			n.Get("/packages/@acme/core").Want(t, 404, "Package not found")
			if left := n.Spooled(t); len(left) > 0 {
				t.Errorf("left in the spool folder: %q", left)
			}
		})
	}
}

func TestTooLarge(t *testing.T) {
	n := start(t, setup{maxPackage: 2 << 10})
	file := tgz(t, `{"name":"pkg","version":"1.0.0","x":"`+noise(8<<10)+`"}`)
	n.postForm(part{"metadata", manifest}, part{"tarball", file}).Want(t, 413, "Tarball exceeds maximum size")
	n.postJSON(`{"metadata":{},"tarball":"`+base64Of(file)+`"}`).Want(t, 413, "Tarball exceeds maximum size")
	n.postForm(part{"metadata", manifest}, part{"tarball", strings.Repeat(noise(1<<20), 5)}).Want(t, 413, "")
}

func TestJSONRefusals(t *testing.T) {
	n := start(t, setup{})
	file := base64Of(tgz(t, manifest))
	for text, want := range map[string]string{
		``:                              "Invalid JSON body",
		`{`:                             "Invalid JSON body",
		`[]`:                            "Invalid JSON body",
		`"x"`:                           "Invalid JSON body",
		`{"metadata":` + manifest + `}`: "Missing metadata or tarball",
		`{"tarball":"` + file + `"}`:    "Missing metadata or tarball",
		`{"metadata":` + manifest + `,"tarball":7}`:                           "Invalid base64 tarball data",
		`{"metadata":` + manifest + `,"tarball":null}`:                        "Invalid base64 tarball data",
		`{"metadata":` + manifest + `,"tarball":"%%%"}`:                       "Invalid base64 tarball data",
		`{"metadata":` + manifest + `,"tarball":""}`:                          "",
		`{"metadata":"x","tarball":"` + file + `"}`:                           "Invalid metadata JSON",
		`{"metadata":[],"tarball":"` + file + `"}`:                            "Invalid metadata JSON",
		`{"metadata":{},"tarball":"` + file + `"}`:                            "Package name is required",
		`{"metadata":` + manifest + `,"tarball":"` + file + `"} trailing`:     "Invalid JSON body",
		`{"metadata":` + manifest + `,"tarball":"` + file + `","tarball":""}`: "",
	} {
		if a := n.postJSON(text).Want(t, 400, want); a.JSON()["error"] == nil {
			t.Errorf("%.60s: %s is not {\"error\"}", text, a.Data)
		}
		n.Get("/packages/@acme/core").Want(t, 404, "Package not found")
		if left := n.Spooled(t); len(left) > 0 {
			t.Errorf("%.60s: left in the spool folder: %q", text, left)
		}
	}
}

// Members called "tarball" are base64 at the top only.
func TestMetadataWithTarballMembers(t *testing.T) {
	n := start(t, setup{})
	text := `{"name":"pkg","version":"1.0.0","dist":{"tarball":"https://other.example/x.tgz"},"tarball":"no base64!"}`
	n.postJSON(`{"metadata":`+text+`,"tarball":"`+base64Of(tgz(t, text))+`"}`).Want(t, 201, "Published pkg@1.0.0")
}

func TestWhoMayPublish(t *testing.T) {
	n := start(t, setup{})
	file := tgz(t, manifest)
	token := func(p auth.Permission, only ...string) string {
		secret, _, err := n.auth.CreateToken(t.Context(), auth.Operator(), auth.NewToken{Name: "ci", Permission: p, Packages: only})
		if err != nil {
			t.Fatal(err)
		}
		return secret
	}
	post := func(token string) webtest.Answer {
		return n.as(token).postForm(part{"metadata", manifest}, part{"tarball", file})
	}
	post("").Want(t, 401, "Authorization required")
	post("wrong").Want(t, 401, "Invalid token")
	post(token(auth.Read)).Want(t, 403, "Token does not have publish permission")
	post(token(auth.Publish, "@other/*")).Want(t, 403, "@acme/core")
	post(token(auth.Publish, "@acme/*")).Want(t, 201, "Published")
	if left := n.Spooled(t); len(left) > 0 {
		t.Errorf("left in the spool folder: %q", left)
	}
	// A bare token, as some of Pantry's clients send it.
	body, header := form(t, part{"metadata", manifest}, part{"tarball", file})
	n.as("").Do("POST", "/publish", body, header, "Authorization: "+webtest.RootToken).Want(t, 200, "unchanged")
}

func TestContentTypes(t *testing.T) {
	n := start(t, setup{})
	for _, mt := range []string{"text/plain", "application/x-www-form-urlencoded", "", "multipart/mixed; boundary=x"} {
		n.Do("POST", "/publish", strings.NewReader("x"), "Content-Type: "+mt).Want(t, 415, "Unsupported content type")
	}
	n.Do("POST", "/publish", strings.NewReader("x"), "Content-Type: multipart/form-data").Want(t, 400, "")
	n.Do("POST", "/publish", strings.NewReader("x"), "Content-Type: multipart/form-data; boundary=abc").Want(t, 400, "")
	body, header := form(t, part{"metadata", manifest}, part{"tarball", tgz(t, manifest)})
	body.Truncate(body.Len() - 40)
	n.Do("POST", "/publish", body, header).Want(t, 400, "")
}

// noise does not compress; it is the same each time.
func noise(n int) string {
	b, x := make([]byte, n), uint32(1)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_"[x>>26]
	}
	return string(b)
}
