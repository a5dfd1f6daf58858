package registry_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/org/registry-action/internal/action/regclient"
	"github.com/org/registry-action/internal/clients/s3server"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/tarball"
	"github.com/org/registry-action/internal/store/storetest"
	"github.com/org/registry-action/internal/wire"
	"github.com/org/registry-action/registry"
)

func (n *node) client(token string) *regclient.Client {
	n.t.Helper()
	c, err := regclient.New(regclient.Options{BaseURL: n.url, Token: token, Retries: -1})
	if err != nil {
		n.t.Fatal(err)
	}
	return c
}

// publishParts publishes in two steps, as publish-commit does.
func (n *node) publishParts(p wire.Publication, blobs map[digest.SHA256][]byte) wire.Published {
	n.t.Helper()
	c := n.client("")
	plan, err := c.Plan(n.t.Context(), p)
	if err != nil {
		n.t.Fatal(err)
	}
	sources := map[digest.SHA256]regclient.Source{}
	for d, b := range blobs {
		sources[d] = regclient.Source{Name: "a blob", Size: int64(len(b)), Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }}
	}
	if err := c.Upload(n.t.Context(), plan, sources, 0, nil); err != nil {
		n.t.Fatal(err)
	}
	done, _, err := c.Publish(n.t.Context(), p)
	if err != nil {
		n.t.Fatal(err)
	}
	return done
}

// twoStep is a publish of one whole archive.
func twoStep(t *testing.T, name string) (wire.Publication, []byte, digest.SHA256) {
	t.Helper()
	body := []byte(tgz(t, name, "1.0.0", noise(manyBytes)))
	part := tarball.Part{Digest: digest.Of(body), Size: int64(len(body))}
	return wire.Publication{SHA: sha, Repository: "org/repo", Packages: []wire.Package{{Name: name, Tarball: &part}}}, body, part.Digest
}

// plan asks where a publish's bytes go.
func (n *node) plan(p wire.Publication, header ...string) wire.Plan {
	n.t.Helper()
	a := n.postJSON("/publish/commit/plan", p, header...)
	var plan wire.Plan
	if err := json.Unmarshal(a.body, &plan); err != nil || a.StatusCode != http.StatusOK || a.Header.Get("Cache-Control") != "no-store" {
		n.t.Fatalf("the plan: %d %v %s", a.StatusCode, a.Header, a.body)
	}
	return plan
}

// Large parts of a commit go straight to the bucket, and are read back before anybody sees them.
func TestDirectUpload(t *testing.T) {
	n, log, _ := linking(t, registry.Config{})
	p, body, d := twoStep(t, "@acme/a")
	done := n.publishParts(p, map[digest.SHA256][]byte{d: body})
	if len(done.Packages) != 1 || done.Packages[0].Integrity != sri(string(body)) {
		t.Errorf("published %+v", done)
	}
	if requests, two := log.take(); strings.Join(requests, " ") != http.MethodPut || two > 0 {
		t.Errorf("the bucket is asked %q, %d with our token", requests, two)
	}
	if got := n.follow(n.get("/commits/" + sha + "/@acme/a/tarball")); !bytes.Equal(got.body, body) {
		t.Errorf("read back: %d bytes", len(got.body))
	}
	if again := n.publishParts(p, nil); !again.Packages[0].Unchanged {
		t.Errorf("again: %+v", again)
	}
	if strings.Contains(n.log.String(), "X-Amz") {
		t.Error("a signed URL is in the log")
	}
}

// Where the bucket can't be reached, what it is for goes through the server.
func TestDirectUploadFallsBack(t *testing.T) {
	n, _, server := linking(t, registry.Config{})
	server.Fail(func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		if r.Method == http.MethodPut && r.URL.Query().Has("X-Amz-Signature") {
			s3server.Reset(w)
			return
		}
		pass.ServeHTTP(w, r)
	})
	p, body, d := twoStep(t, "@acme/a")
	if done := n.publishParts(p, map[digest.SHA256][]byte{d: body}); len(done.Packages) != 1 {
		t.Errorf("published %+v", done)
	}
}

// hungUp stands for the answer of a service that reads no more of a request that it refuses.
const hungUp = 499

// Who lies about what he uploads has published nothing, and left nothing.
func TestDirectUploadOfOtherBytes(t *testing.T) {
	n, _, _ := linking(t, registry.Config{})
	p, body, _ := twoStep(t, "@acme/a")
	direct := n.plan(p).Missing[0].Direct
	if direct == nil {
		t.Fatal("there is no direct way")
	}
	evil := bytes.Clone(body)
	evil[len(evil)-1] ^= 1
	put := func(url string, body []byte, edit func(http.Header)) int {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, url, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range direct.Header {
			req.Header.Set(name, value)
		}
		if edit != nil {
			edit(req.Header)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return hungUp // before all of the body was sent
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	other := strings.NewReplacer(digest.Of(body).Hex(), digest.Of(evil).Hex(), "/commits/", "/packages/").Replace(direct.URL)
	for name, status := range map[string]int{
		"other bytes":       put(direct.URL, evil, nil),
		"another key":       put(other, evil, nil),
		"a space of others": put(strings.Replace(direct.URL, "/commits/", "/packages/", 1), body, nil),
		"no checksum":       put(direct.URL, evil, func(h http.Header) { h.Del("X-Amz-Checksum-Sha256") }),
		"too little":        put(direct.URL, body[:100], nil),
	} {
		if status < 400 {
			t.Errorf("%s: PUT = %d", name, status)
		}
	}
	if a := n.postJSON("/publish/commit", p); a.StatusCode != http.StatusBadRequest || a.json(t)["code"] != "missing_blobs" {
		t.Errorf("the publish of what did not come = %d %s", a.StatusCode, a.body)
	}
	if a := n.get("/commits/" + sha); a.StatusCode != http.StatusNotFound {
		t.Errorf("the commit is there: %d %s", a.StatusCode, a.body)
	}
	if status := put(direct.URL, body, nil); status != http.StatusOK {
		t.Errorf("the right bytes: %d", status)
	}
	if status := put(direct.URL, evil, nil); status < 400 {
		t.Errorf("other bytes over the right ones: %d", status)
	}
	if a := n.postJSON("/publish/commit", p); a.StatusCode != http.StatusCreated {
		t.Errorf("the publish = %d %s", a.StatusCode, a.body)
	}
}

// What is uploaded is no package: it is checked as if it had come through the server.
func TestDirectUploadOfNoPackage(t *testing.T) {
	n, _, _ := linking(t, registry.Config{})
	body := []byte(noise(manyBytes))
	part := tarball.Part{Digest: digest.Of(body), Size: int64(len(body))}
	p := wire.Publication{SHA: sha, Repository: "org/repo", Packages: []wire.Package{{Name: "@acme/a", Tarball: &part}}}
	c := n.client("")
	up := n.plan(p).Missing[0]
	if err := c.Put(t.Context(), up, func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }, nil); err != nil {
		t.Fatal(err)
	}
	if a := n.postJSON("/publish/commit", p); a.StatusCode != http.StatusBadRequest || a.json(t)["code"] != "bad_archive" {
		t.Errorf("the publish = %d %s", a.StatusCode, a.body)
	}
	part.Size-- // what is there has another size
	if a := n.postJSON("/publish/commit", p); a.StatusCode != http.StatusBadRequest || a.json(t)["code"] != "wrong_size" {
		t.Errorf("the publish with another size = %d %s", a.StatusCode, a.body)
	}
}

// Only who may publish gets a signed URL, and only for what can be published.
func TestDirectUploadNeedsRights(t *testing.T) {
	n, _, _ := linking(t, registry.Config{Token: serverToken, MaxPackage: 2 << 20, MaxPublish: 3 << 20})
	p, _, d := twoStep(t, "@acme/a")
	for _, header := range []string{"X-None: ", "Authorization: Bearer another-token-of-somebody"} {
		if a := n.postJSON("/publish/commit/plan", p, header); a.StatusCode != http.StatusUnauthorized || bytes.Contains(a.body, []byte("X-Amz")) {
			t.Errorf("the plan with %q = %d %s", header, a.StatusCode, a.body)
		}
	}
	const bearer = "Authorization: Bearer " + serverToken
	if plan := n.plan(p, bearer); plan.Missing[0].Direct == nil {
		t.Error("there is no direct way")
	}
	p.Packages[0].Tarball.Size = 2<<20 + 1
	if a := n.postJSON("/publish/commit/plan", p, bearer); a.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("the plan of too large a package = %d %s", a.StatusCode, a.body)
	}
	p.Packages[0].Tarball.Size = 2 << 20
	other := tarball.Part{Digest: digest.Of([]byte("other")), Size: 2 << 20}
	p.Packages = append(p.Packages, wire.Package{Name: "@acme/b", Tarball: &other})
	if a := n.postJSON("/publish/commit/plan", p, bearer); a.StatusCode != http.StatusRequestEntityTooLarge || bytes.Contains(a.body, []byte(d.Hex())) {
		t.Errorf("the plan of too large a publish = %d %s", a.StatusCode, a.body)
	}
}

// A bucket that takes whatever comes is not opened to clients; the server says so.
func TestNoDirectUploadToCarelessService(t *testing.T) {
	server, bucket := onS3(t)
	server.Fail(func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		if strings.Contains(r.URL.Path, "/probe/") {
			_, _ = io.Copy(io.Discard, r.Body)
			return
		}
		pass.ServeHTTP(w, r)
	})
	n := start(t, registry.Config{S3: bucket, S3Redirect: true})
	p, body, d := twoStep(t, "@acme/a")
	if plan := n.plan(p); plan.Missing[0].Direct != nil {
		t.Errorf("the plan has %+v", plan.Missing[0].Direct)
	}
	if done := n.publishParts(p, map[digest.SHA256][]byte{d: body}); len(done.Packages) != 1 {
		t.Errorf("published %+v", done)
	}
	if !strings.Contains(n.log.String(), "does not check uploads") {
		t.Errorf("the log: %s", n.log)
	}
	if a := n.get("/commits/" + sha + "/@acme/a/tarball"); a.StatusCode != http.StatusFound {
		t.Errorf("a download = %d", a.StatusCode)
	}
}

// Bytes that no publish refers to go as those do that came through the server.
func TestUnusedDirectUploadIsSwept(t *testing.T) {
	k := storetest.ClockAt(time.Now())
	n, _, _ := linking(t, registry.Config{Now: k.Now})
	p, body, d := twoStep(t, "@acme/a")
	if err := n.client("").Put(t.Context(), n.plan(p).Missing[0], func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }, nil); err != nil {
		t.Fatal(err)
	}
	k.Pass(2 * time.Hour) // the URL has long ended
	if swept, err := n.Sweep(t.Context()); err != nil || swept.Blobs != 0 {
		t.Fatalf("Sweep = %+v, %v", swept, err)
	}
	if plan := n.plan(p); len(plan.Missing) != 0 {
		t.Errorf("%s is missing", d)
	}
	k.Pass(9 * time.Hour)
	if swept, err := n.Sweep(t.Context()); err != nil || swept.Blobs != 1 {
		t.Fatalf("Sweep = %+v, %v", swept, err)
	}
	if plan := n.plan(p); len(plan.Missing) != 1 {
		t.Errorf("%s is not missing", d)
	}
}
