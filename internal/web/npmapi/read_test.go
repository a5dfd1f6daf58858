package npmapi_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

// Packages that are called as other paths of the server begin are packages none the less.
func TestCollidingNames(t *testing.T) {
	n := start(t, setup{})
	for _, name := range []string{"packages", "search", "publish", "commits", "npm", "zig", "lumen", "analytics", "health"} {
		b := n.publish(name, "1.0.0")
		if name != "health" {
			n.get("/"+name).want(t, 200, `"name":"`+name+`"`)
			n.get("/"+name, corgi).want(t, 200, `"name":"`+name+`"`)
		}
		for _, root := range []string{"", "/npm"} {
			if a := n.get(root+"/"+name+"/-/"+name+"-1.0.0.tgz").want(t, 200, ""); !bytes.Equal(a.body, b) {
				t.Errorf("the tarball of %s has other bytes", name)
			}
		}
		n.get("/npm/"+name).want(t, 200, `"name":"`+name+`"`)
		n.get("/npm/"+name+"/1.0.0").want(t, 200, `"version":"1.0.0"`)
		n.get("/-/package/"+name+"/dist-tags").want(t, 200, "1.0.0")
		rev := n.get("/npm/" + name + "?write=true").json(t)["_rev"].(string)
		n.do("DELETE", "/"+name+"/-/"+name+"-1.0.0.tgz/-rev/"+rev, nil).want(t, 200, "")
		n.get("/npm/"+name).want(t, 404, "")
	}
	n.get("/health").want(t, 200, `"status":"ok"`)
	n.get("/").want(t, 200, "registry-server")
	n.get("/nothing/to/see").want(t, 404, `"error"`)
}

func TestVersion(t *testing.T) {
	n := start(t, setup{})
	n.publish("@acme/a", "1.0.0", `"bin":"x.js"`)
	for _, path := range []string{"/@acme%2fa/1.0.0", "/@acme/a/latest", "/npm/@acme/a/1.0.0"} {
		v := n.get(path).want(t, 200, "").json(t)
		d := v["dist"].(object)
		if v["name"] != "@acme/a" || v["version"] != "1.0.0" || !strings.HasSuffix(d["tarball"].(string), "/@acme/a/-/a-1.0.0.tgz") || d["signatures"] == nil {
			t.Errorf("%s = %v", path, v)
		}
	}
	n.get("/@acme/a/2.0.0").want(t, 404, `"error"`)
	n.get("/@acme/a/^1.0.0").want(t, 404, `"error"`)
	n.get("/@acme/a/-/a-2.0.0.tgz").want(t, 404, `"error"`)
	n.get("/@acme/a/-/b-1.0.0.tgz").want(t, 404, `"error"`)
	n.get("/none/1.0.0").want(t, 404, `"error"`)
}

func TestSearch(t *testing.T) {
	n := start(t, setup{})
	n.user("alice").publish("@acme/widget", "1.0.0", `"description":"a small thing"`, `"keywords":["thing"]`, `"author":"Ann <ann@example.com>"`)
	a := n.get("/-/v1/search?text=thing&size=20&from=0&quality=0.65&popularity=0.98&maintenance=0.5").want(t, 200, `"total":2`)
	var found struct {
		Objects []struct {
			Package struct {
				Name, Version, Description, Date string
				Keywords                         []string
				Publisher                        struct{ Username string }
				Maintainers                      []struct{ Username string }
				Links                            map[string]string
			}
			SearchScore float64
		}
	}
	if err := json.Unmarshal(a.body, &found); err != nil {
		t.Fatal(err)
	}
	if len(found.Objects) != 2 || found.Objects[1].Package.Name != "of-upstream" {
		t.Fatalf("search = %s", a.body)
	}
	p := found.Objects[0].Package
	if p.Name != "@acme/widget" || p.Version != "1.0.0" || p.Description != "a small thing" || len(p.Keywords) != 1 || p.Publisher.Username != "alice" ||
		len(p.Maintainers) != 1 || p.Maintainers[0].Username != "alice" || len(p.Date) != 24 || p.Links["npm"] == "" {
		t.Errorf("the hit is %+v", p)
	}
	for _, query := range []string{"", "?text=", "?text=x&size=-1&from=x", "?text=x&size=99999999999999999999", "?text=" + strings.Repeat("x", 5000), "?text=%00%ff", "?text=x&from=9999999"} {
		n.get("/-/v1/search"+query).want(t, 200, `"objects":[`)
	}
}

func TestUpstream(t *testing.T) {
	n := start(t, setup{})
	n.upstream.texts = map[string]string{"far": `{"name":"far","dist-tags":{"latest":"1.0.0"},"versions":{"1.0.0":{"name":"far","version":"1.0.0","dist":{"tarball":"https://cdn.example/x.tgz"}}},"time":{"modified":"2020-01-01T00:00:00.000Z"}}`}
	n.upstream.tarballs = map[string]string{"far-1.0.0.tgz": strings.Repeat("far ", 50_000)}
	a := n.get("/far").want(t, 200, "")
	if a.Header.Get("Warning") != "" {
		t.Errorf("a fresh answer has the warning %q", a.Header.Get("Warning"))
	}
	a = n.get("/far/-/far-1.0.0.tgz").want(t, 200, "")
	if string(a.body) != n.upstream.tarballs["far-1.0.0.tgz"] || a.ContentLength != 200_000 || a.Header.Get("ETag") != `"up-far-1.0.0.tgz"` {
		t.Errorf("the tarball has %d bytes, header %v", len(a.body), a.Header)
	}
	n.get("/far/-/far-1.0.0.tgz", `If-None-Match: "up-far-1.0.0.tgz"`).want(t, 304, "")

	// A tarball that breaks off is not taken for a whole one.
	n.upstream.cut = true
	resp, err := http.Get(n.url + "/far/-/far-1.0.0.tgz")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got, err := io.ReadAll(resp.Body); err == nil {
		t.Errorf("half a tarball came as a whole one of %d bytes", len(got))
	}

	// While upstream is down, what is known is stale, and what is not is not absent.
	n.upstream.down = true
	if a := n.get("/far").want(t, 200, ""); !strings.Contains(strings.Join(a.Header.Values("Warning"), ","), "110 ") {
		t.Errorf("a stale answer has the warning %q", a.Header.Values("Warning"))
	}
	if a := n.get("/unknown").want(t, 503, `"error"`); a.Header.Get("Retry-After") == "" {
		t.Error("503 without Retry-After")
	}
}

func TestAdvisories(t *testing.T) {
	n := start(t, setup{})
	const path = "/-/npm/v1/security/advisories/bulk"
	n.do("POST", path, object{}).want(t, 200, "{}")
	n.do("POST", path, object{"lodash": []string{"4.0.0"}}).want(t, 200, `{"lodash":[{"id":1,"title":"bad"}]}`)
	for _, body := range []string{"", "[]", `{"a":"1.0.0"}`, `{"a":[1]}`} {
		n.do("POST", path, body).want(t, 400, "JSON")
	}
	n.do("POST", path, `{"a":[`+strings.Repeat(`"",`, 60_000)+`""]}`).want(t, 413, "50000")
	n.do("POST", path, "{"+strings.Repeat(`"":[],`, 60_000)+`"a":[]}`).want(t, 413, "50000")
	n.get(path).want(t, 405, "POST")
	n.do("POST", "/-/npm/v1/security/audits/quick", object{}).want(t, 404, "bulk audits only")
}
