package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/clients/s3server"
)

// asked counts the requests for archives.
type asked struct {
	http.Handler
	mu sync.Mutex
	n  int
}

func (a *asked) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.Contains(r.URL.Path, "/artifacts/") {
		a.mu.Lock()
		a.n++
		a.mu.Unlock()
	}
	a.Handler.ServeHTTP(w, r)
}

func TestLumenImportURL(t *testing.T) {
	first, www := t.TempDir(), t.TempDir()
	url, stop := lumenServer(t, first)
	cli(t, "", "export", "lumen", www, "--registry", url).want(0, "14 written")
	static := &asked{Handler: http.FileServer(http.Dir(www))}
	web := httptest.NewServer(static)
	defer web.Close()
	want := files(t, www, "artifacts", "packages/@acme/http/index", "packages/@acme/uri/index")

	onBoth(t, func(t *testing.T, data string) { // of a running server, and of a stopped one
		cli(t, "", "import", "lumen", web.URL, "--data", data).want(0, "2 packages: 3 versions imported, 0 there already").want(0, "signatures are not imported")
		static.n = 0
		cli(t, "", "import", "lumen", web.URL+"/", "--data", data).want(0, "0 versions imported, 3 there already")
		if static.n > 0 {
			t.Errorf("%d archives are fetched that are there", static.n)
		}
		cli(t, "", "import", "lumen", url+"/lumen", "--data", data).want(0, "3 there already")
		cli(t, "", "import", "lumen", "file://"+www, "--data", data).want(0, "3 there already")
		back := filepath.Join(t.TempDir(), "back")
		cli(t, "", "export", "lumen", back, "--data", data).want(0, "14 written")
		if diff := cmp.Diff(want, files(t, back, "artifacts", "packages/@acme/http/index", "packages/@acme/uri/index")); diff != "" {
			t.Errorf("what was imported (-there +here): %s", diff)
		}
	})
	stop()
	cli(t, "", "import", "lumen", url+"/lumen", "--data", t.TempDir()).want(1, "does a server answer there?")
	cli(t, "", "import", "lumen", web.URL+"/packages", "--data", t.TempDir()).want(1, "give the root of a Lumen registry")
	cli(t, "", "import", "lumen", "http://user:secret@x", "--data", t.TempDir()).want(1, "is not the URL of a registry")
}

// What a foreign server serves is as little believed as what is in a folder.
func TestLumenImportHostileURL(t *testing.T) {
	www := t.TempDir()
	url, _ := lumenServer(t, t.TempDir())
	cli(t, "", "export", "lumen", www, "--registry", url).want(0, "14 written")
	for name := range files(t, www, "artifacts") {
		if err := os.WriteFile(filepath.Join(www, name), []byte("evil"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	web := httptest.NewServer(http.FileServer(http.Dir(www)))
	defer web.Close()
	data := t.TempDir()
	r := cli(t, "", "import", "lumen", web.URL, "--data", data).want(1, "0 versions imported, 0 there already, 3 refused")
	if strings.Count(r.stdout, "refused @acme/") != 3 {
		t.Errorf("the report: %s", r.stdout)
	}

	// A registry that leads to hosts of this network that the operator did not name.
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a private host was asked") }))
	defer inside.Close()
	leads := httptest.NewServer(http.RedirectHandler(inside.URL, http.StatusFound))
	defer leads.Close()
	cli(t, "", "import", "lumen", leads.URL, "--data", data).want(1, "where no request is sent")
	cli(t, "", "verify", "lumen", leads.URL).want(1, "where no request is sent")
}

// A folder and a bucket take the same commands.
func TestLumenBucket(t *testing.T) {
	s := s3server.Start(t)
	at := []string{"--s3-endpoint", s.URL, "--s3-force-path-style"}
	run := func(code int, want string, args ...string) result {
		t.Helper()
		return cli(t, "", append(args, at...)...).want(code, want)
	}
	const tree, exported = "s3://" + s3server.Bucket + "/tree", "s3://" + s3server.Bucket + "/exported"
	p := lumenPackage(t, "@acme/http", "1.0.0")
	run(0, "published (sha256:", "publish", "lumen", p, "--registry", tree)
	run(0, "was published already", "publish", "lumen", p, "--registry", tree)
	run(0, "published (sha256:", "publish", "lumen", lumenPackage(t, "@acme/http", "1.1.0"), "--registry", tree)
	run(0, "1 package, 2 versions", "verify", "lumen", tree)

	data := t.TempDir()
	_, stop := serving(t, data)
	run(0, "2 versions imported", "import", "lumen", tree, "--data", data)
	run(0, "2 there already", "import", "lumen", tree, "--data", data)
	stop()
	run(0, "10 files: 10 written", "export", "lumen", exported, "--data", data)
	run(0, "10 files: 0 written", "export", "lumen", exported, "--data", data)
	run(0, "2 signed", "verify", "lumen", exported)
	run(1, "this is an export of a server", "publish", "lumen", p, "--registry", exported)
	run(0, "10 files", "export", "lumen", tree, "--data", data) // which has them all
	run(1, "there is no bucket", "export", "lumen", "s3://none", "--data", data)
	run(1, "there is no bucket", "publish", "lumen", p, "--registry", "s3://none")
	run(1, "there is no index.json", "verify", "lumen", "s3://"+s3server.Bucket+"/nothing")

	// Another server's packages are not written over.
	other := t.TempDir()
	_, stop = lumenServer(t, other)
	stop()
	run(1, "another registry was exported to this place", "export", "lumen", exported, "--data", other)
}
