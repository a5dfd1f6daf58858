package registry_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/clients/s3server"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/registry"
)

// onS3 names a bucket whose server ends with the test.
func onS3(t *testing.T) (*s3server.Server, registry.S3) {
	server := s3server.Start(t)
	return server, registry.S3{Bucket: s3server.Bucket, Prefix: "npm", Endpoint: server.URL, PathStyle: true}
}

// publishAll publishes a release, a commit's package and a Zig package, and returns what each address then gives.
func (n *node) publishAll() map[string]string {
	n.t.Helper()
	release, ofCommit := tgz(n.t, "@acme/a", "1.0.0", noise(400_000)), tgz(n.t, "@acme/b", "1.0.0", "of a commit")
	if _, err := n.Publish(n.t.Context(), strings.NewReader(release)); err != nil {
		n.t.Fatal(err)
	}
	if a := n.postForm("sha", sha, "repository", "org/repo", "package:@acme/b", ofCommit); a.StatusCode != http.StatusCreated {
		n.t.Fatalf("the commit: %d %s", a.StatusCode, a.body)
	}
	z, err := n.PublishZig(n.t.Context(), zigTar(n.t, "1.0.0", "one"), "")
	if err != nil {
		n.t.Fatal(err)
	}
	zig := n.get("/zig/p/" + z.LegacyHash + ".tar.gz")
	if zig.StatusCode != http.StatusOK || len(zig.body) == 0 {
		n.t.Fatalf("the Zig package: %d, %d bytes", zig.StatusCode, len(zig.body))
	}
	return map[string]string{
		"/@acme/a/-/a-1.0.0.tgz":               release,
		"/commits/" + sha + "/@acme/b/tarball": ofCommit,
		"/zig/p/" + z.LegacyHash + ".tar.gz":   string(zig.body),
	}
}

func (n *node) wantAll(files map[string]string) {
	n.t.Helper()
	for path, want := range files {
		if a := n.get(path); a.StatusCode != http.StatusOK || string(a.body) != want {
			n.t.Errorf("GET %s = %d, %d bytes, want %d", path, a.StatusCode, len(a.body), len(want))
		}
		if a := n.get(path, "Range: bytes=-7"); a.StatusCode != http.StatusPartialContent || string(a.body) != want[len(want)-7:] {
			n.t.Errorf("the end of %s = %d, %d bytes", path, a.StatusCode, len(a.body))
		}
	}
}

// Whatever is published is in the bucket, and only there, and a server that starts later has it.
func TestS3(t *testing.T) {
	server, bucket := onS3(t)
	n := start(t, registry.Config{S3: bucket})
	files := n.publishAll()
	n.wantAll(files)
	server.Fail(func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { s3server.Reset(w) })
	n.wantAll(files) // from the cache
	server.Fail(nil)
	if _, err := os.Stat(filepath.Join(n.dir, "blobs")); !os.IsNotExist(err) {
		t.Errorf("there is a folder of blobs: %v", err)
	}
	left, err := os.ReadDir(filepath.Join(n.dir, "spool"))
	if err != nil || len(left) > 0 {
		t.Errorf("in the spool folder there is %v, %v", left, err)
	}
	n.stop()

	again := start(t, registry.Config{S3: bucket, DataDir: n.dir})
	again.wantAll(files)
	again.stop()

	// A command that knows the folder only.
	c := registry.Config{DataDir: n.dir, BaseURL: "http://localhost", NoUpstream: true}
	reg, err := registry.New(c)
	if err != nil {
		t.Fatal(err)
	}
	defer reg.Close()
	f, err := reg.Tarball(t.Context(), "@acme/a", "1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got, err := io.ReadAll(f); err != nil || string(got) != files["/@acme/a/-/a-1.0.0.tgz"] {
		t.Errorf("a command reads %d bytes, %v", len(got), err)
	}
}

// While the bucket is away clients are told to come back, and when it is back all goes on.
func TestS3Outage(t *testing.T) {
	server, bucket := onS3(t)
	n := start(t, registry.Config{S3: bucket, CacheSize: 1}) // nothing is kept here
	files := n.publishAll()
	publish := func() answer {
		return n.postForm("sha", "89abcdef0123456789abcdef0123456789abcdef", "repository", "org/repo", "package:@acme/c", tgz(t, "@acme/c", "1.0.0", "later"))
	}
	for name, fail := range map[string]s3server.Fault{
		"resets": func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { s3server.Reset(w) },
		"500s": func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			http.Error(w, "no", http.StatusInternalServerError)
		},
		"throttling": func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			w.WriteHeader(http.StatusServiceUnavailable)
			io.WriteString(w, "<Error><Code>SlowDown</Code></Error>")
		},
		"rights that are gone": func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			w.WriteHeader(http.StatusForbidden)
			io.WriteString(w, "<Error><Code>AccessDenied</Code><Message>of the secret arn:aws</Message></Error>")
		},
	} {
		server.Fail(fail)
		n.wantAway(name+": GET", n.get("/@acme/a/-/a-1.0.0.tgz"))
		n.wantAway(name+": publish", publish())
		server.Fail(nil)
		n.wantAll(files)
	}
	if a := publish(); a.StatusCode != http.StatusCreated {
		t.Errorf("the publish of afterwards: %d %s", a.StatusCode, a.body)
	}
}

func (n *node) wantAway(what string, a answer) {
	n.t.Helper()
	if a.StatusCode != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "" || !bytes.Contains(a.body, []byte("store_unavailable")) {
		n.t.Errorf("%s = %d %s, Retry-After %q; want 503", what, a.StatusCode, a.body, a.Header.Get("Retry-After"))
	}
	if bytes.Contains(a.body, []byte("arn:aws")) || bytes.Contains(a.body, []byte(n.dir)) {
		n.t.Errorf("%s tells too much: %s", what, a.body)
	}
}

// A server does not start on metadata whose bytes are elsewhere.
func TestStorageElsewhere(t *testing.T) {
	_, bucket := onS3(t)
	other := bucket
	other.Prefix = "elsewhere"
	local, remote := start(t, registry.Config{}), start(t, registry.Config{S3: bucket})
	for _, n := range []*node{local, remote} {
		n.publishAll()
		n.stop()
	}
	for name, c := range map[string]registry.Config{
		"a bucket for what is in the folder": {DataDir: local.dir, S3: bucket},
		"the folder for what is in a bucket": {DataDir: remote.dir, S3: registry.S3{Bucket: registry.InFolder}},
		"another prefix":                     {DataDir: remote.dir, S3: other},
	} {
		c.BaseURL, c.NoUpstream = "http://localhost", true
		r, err := registry.New(c)
		if err == nil {
			r.Close()
		}
		if e, ok := fault.Public(err); !ok || !errors.Is(err, fault.Invalid) || !strings.Contains(e.Message, c.DataDir) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A bucket that is gone is no bucket without the blob that /ready asks for, although S3 answers both with 404.
func TestS3WithoutBucketIsNotReady(t *testing.T) {
	server, bucket := onS3(t)
	n := start(t, registry.Config{S3: bucket})
	if a := n.get("/ready"); a.StatusCode != http.StatusOK {
		t.Fatalf("/ready = %d %s", a.StatusCode, a.body)
	}
	server.Fail(func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.WriteHeader(http.StatusNotFound)
		io.WriteString(w, "<Error><Code>NoSuchBucket</Code></Error>") // net/http sends none of it for a HEAD, as S3
	})
	eventually(t, "/ready says that the bytes are away", func() bool {
		a := n.get("/ready")
		return a.StatusCode == http.StatusServiceUnavailable && strings.Contains(string(a.body), `"blobs":"failed"`)
	})
}
