package npmapi_test

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"strings"
	"testing"
)

// publishCommit publishes a commit with one package and returns its SHA.
func (n *node) publishCommit(repository, name, ref string) string {
	n.t.Helper()
	sha := fmt.Sprintf("%040x", len(repository)*1000+len(name)*10+len(ref)+0xabc)
	sha = sha[30:] + sha[:30]
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, f := range [][2]string{{"sha", sha}, {"repository", "https://github.com/" + repository}, {"ref", ref}} {
		if err := w.WriteField(f[0], f[1]); err != nil {
			n.t.Fatal(err)
		}
	}
	part, err := w.CreateFormFile("package:"+name, "x.tgz")
	if err != nil {
		n.t.Fatal(err)
	}
	part.Write(tgz(n.t, name, "0.0.0-commit.g"+sha[:10]))
	w.Close()
	n.do("POST", "/publish/commit", b.Bytes(), "Content-Type: "+w.FormDataContentType()).want(n.t, 201, "")
	return sha
}

func TestPreviewRegistry(t *testing.T) {
	n := start(t, setup{})
	version := "0.0.0-commit.g" + n.publishCommit("acme/app", "@acme/p", "pr/7")[:10]
	n.publishCommit("group/sub/app", "deep", "pr/1")
	n.publish("@rel/a", "1.0.0")
	n.upstream.texts = map[string]string{"far": `{"name":"far","dist-tags":{"latest":"2.0.0"},"versions":{"2.0.0":{"name":"far","version":"2.0.0","dist":{"tarball":"https://cdn.example/far-2.0.0.tgz"}}}}`}
	root := "/~/acme/app"
	for _, accept := range []string{corgi, "Accept: application/json"} {
		p := n.get(root+"/@acme%2fp", accept).want(t, 200, "").json(t)
		if got := p["dist-tags"].(object)["pr-7"]; got != version {
			t.Errorf("pr-7 = %v, want %s", got, version)
		}
		d := dist(t, p, version)
		if want := n.url + "/~/acme/app/@acme/p/-/p-" + version + ".tgz"; d["tarball"] != want {
			t.Errorf("dist.tarball = %v, want %s", d["tarball"], want)
		}
		n.get(strings.TrimPrefix(d["tarball"].(string), n.url)).want(t, 200, "")
	}
	n.get(root+"/@acme/p/pr-7").want(t, 200, version)
	n.get(root+"/-/package/@acme%2fp/dist-tags").want(t, 200, "pr-7")
	n.get(root+"/far").want(t, 200, n.url+"/~/acme/app/far/-/far-2.0.0.tgz")
	n.get(root+"/@rel%2fa").want(t, 200, `"1.0.0"`)
	n.get("/~/group%2Fsub/app/deep").want(t, 200, n.url+"/~/group%2Fsub/app/deep/-/deep-")
	n.get("/~/group%2fsub/app").want(t, 200, `"repository":"group/sub/app"`)
	n.get(root+"/").want(t, 200, n.url+root)
	n.get("/@acme%2fp").want(t, 404, "") // never in the main registry
	for _, path := range []string{"/~/none/none/@acme%2fp", "/~/none/none/", "/~/none/none", "/~/acme/none", "/~/..%2f../x/"} {
		n.get(path).want(t, 404, "no preview registry")
	}
	n.get("/~/..%2f..%2fx/y/a").want(t, 404, "")
	n.get("/~/acme").want(t, 404, "")

	// It is read-only; accounts work there too.
	for _, w := range [][2]string{
		{"PUT", "/@acme%2fp"}, {"PUT", "/@acme%2fp/-rev/1"}, {"DELETE", "/@acme%2fp/-rev/1"}, {"DELETE", "/@acme/p/-/p-" + version + ".tgz/-rev/1"},
		{"PUT", "/-/package/@acme%2fp/dist-tags/x"}, {"DELETE", "/-/package/@acme%2fp/dist-tags/pr-7"}, {"PUT", "/-/package/@acme%2fp/owners"},
		{"POST", "/-/package/@acme%2fp/access"}, {"PUT", "/-/pnpr/v0/publish"}, {"POST", "/-/stage/package/@acme%2fp"}, {"PUT", "/-/org/acme/user"},
	} {
		n.do(w[0], root+w[1], object{}).want(t, 403, "publish-commit")
	}
	n.get(root+"/-/whoami").want(t, 200, "admin")
	n.get(root+"/-/ping").want(t, 200, "")
	n.get(root+"/-/npm/v1/keys").want(t, 200, "SHA256:")
	n.get(root+"/-/v1/search?text=p").want(t, 200, "objects")
	n.do("POST", root+"/-/npm/v1/security/advisories/bulk", object{"lodash": []string{"1.0.0"}}).want(t, 200, "lodash")
}

// What a repository has is where npm has versions: who wants one gets it, and of others the repository.
func TestRepository(t *testing.T) {
	n := start(t, setup{})
	sha := n.publishCommit("group/sub/app", "deep", "pr/1")
	n.publishCommit("acme/app", "p", "branch/main")
	n.publishCommit("plain/latest", "q", "branch/main")
	n.publish("acme", "1.0.0")
	n.publish("plain", "1.0.0")

	got := n.get("/Group/sub/app").want(t, 200, "").json(t)
	if got["previewRegistry"] != n.url+"/~/group%2Fsub/app/" || got["repository"] != "https://github.com/group/sub/app" || got["total"] != 1.0 {
		t.Errorf("the repository is %v", got)
	}
	ref := got["refs"].([]any)[0].(object)
	commit := got["commits"].([]any)[0].(object)
	if ref["kind"] != "pr" || ref["name"] != "1" || ref["distTag"] != "pr-1" || ref["sha"] != sha || commit["sha"] != sha || fmt.Sprint(commit["packages"]) != "[deep]" {
		t.Errorf("the repository is %v", got)
	}
	n.get("/acme/app").want(t, 200, `"branch-main"`)
	n.get("/acme/app?from=1").want(t, 200, `"commits":[]`)
	n.get("/acme/1.0.0").want(t, 200, `"version":"1.0.0"`)
	n.get("/npm/plain/latest").want(t, 200, `"version":"1.0.0"`)
	n.get("/plain/latest", corgi).want(t, 200, `"version":"1.0.0"`)
	n.get("/plain/latest").want(t, 200, `"previewRegistry"`)
	n.get("/acme/none").want(t, 404, "")
	n.get("/group/sub/app/none").want(t, 404, "")
	n.do("PUT", "/group/sub/app", object{}).want(t, 404, "")

	n = start(t, setup{readAuth: true})
	n.publishCommit("acme/app", "p", "branch/main")
	n.as("").get("/acme/app").want(t, 401, "")
	n.get("/acme/app").want(t, 200, `"branch-main"`)
}
