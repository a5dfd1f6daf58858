package registry_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/org/registry-action/internal/clients/s3server"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/tarball"
	"github.com/org/registry-action/internal/wire"
	"github.com/org/registry-action/registry"
)

// bucketLog sees what comes to a bucket by signed URLs, and refuses what S3 does: other credentials beside them.
type bucketLog struct {
	mu       sync.Mutex
	requests []string // method and type of each
	two      int      // had two kinds of credentials
}

func watchBucket(server *s3server.Server) *bucketLog {
	l := &bucketLog{}
	server.Fail(func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		if !r.URL.Query().Has("X-Amz-Signature") || strings.Contains(r.URL.Path, "/probe/") {
			pass.ServeHTTP(w, r)
			return
		}
		l.mu.Lock()
		l.requests = append(l.requests, r.Method)
		two := r.Header.Get("Authorization") != ""
		if two {
			l.two++
		}
		l.mu.Unlock()
		if two {
			http.Error(w, "<Error><Code>InvalidArgument</Code><Message>Only one auth mechanism allowed</Message></Error>", http.StatusBadRequest)
			return
		}
		pass.ServeHTTP(w, r)
	})
	return l
}

// take returns what came since it was last asked.
func (l *bucketLog) take() (requests []string, two int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	requests, two = l.requests, l.two
	l.requests, l.two = nil, 0
	return requests, two
}

// linking starts a server whose clients are sent to a bucket, under another host name.
func linking(t *testing.T, c registry.Config) (*node, *bucketLog, *s3server.Server) {
	t.Helper()
	return linkingTo(t, "localhost", c)
}

func linkingTo(t *testing.T, host string, c registry.Config) (*node, *bucketLog, *s3server.Server) {
	t.Helper()
	server, bucket := onS3(t)
	log := watchBucket(server)
	bucket.Endpoint = strings.Replace(bucket.Endpoint, "127.0.0.1", host, 1)
	c.S3, c.S3Redirect = bucket, true
	return start(t, c), log, server
}

// follow gets what a redirect leads to.
func (n *node) follow(a answer) answer {
	n.t.Helper()
	to := a.Header.Get("Location")
	if a.StatusCode != http.StatusFound || !strings.HasPrefix(to, "http://localhost:") || !strings.Contains(to, "X-Amz-Signature=") || len(a.body) > 0 {
		n.t.Fatalf("%s = %d to %q with %d bytes, want a redirect to the bucket", a.Request.URL, a.StatusCode, to, len(a.body))
	}
	if cache := a.Header.Get("Cache-Control"); cache != "no-store" {
		n.t.Errorf("%s is redirected with Cache-Control %q", a.Request.URL, cache)
	}
	resp, err := http.Get(to)
	if err != nil {
		n.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		n.t.Fatal(err)
	}
	return answer{resp, body}
}

const manyBytes = 1200 << 10 // more than what goes through the server

// Whole tarballs that are large come from the bucket, everything else from the server.
func TestRedirect(t *testing.T) {
	n, _, _ := linking(t, registry.Config{})
	large, small := tgz(t, "@acme/large", "1.0.0", noise(manyBytes)), tgz(t, "@acme/small", "1.0.0", "small")
	for _, text := range []string{large, small} {
		if _, err := n.Publish(t.Context(), strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
	}
	preview := tgz(t, "@acme/preview", "0.0.0-commit.g"+sha[:10], noise(manyBytes))
	if a := n.postForm("sha", sha, "repository", "org/repo", "ref", "pr/7", "package:@acme/preview", preview); a.StatusCode != http.StatusCreated {
		t.Fatalf("the commit: %d %s", a.StatusCode, a.body)
	}
	for path, want := range map[string]struct{ bytes, contentType, disposition string }{
		"/@acme/large/-/large-1.0.0.tgz":                                         {large, "application/octet-stream", ""},
		"/npm/@acme/large/-/large-1.0.0.tgz":                                     {large, "application/octet-stream", ""},
		"/~/org/repo/@acme/large/-/large-1.0.0.tgz":                              {large, "application/octet-stream", ""},
		"/~/org/repo/@acme/preview/-/preview-0.0.0-commit.g" + sha[:10] + ".tgz": {preview, "application/octet-stream", ""},
		"/packages/@acme%2flarge/1.0.0/tarball":                                  {large, "application/gzip", `attachment; filename=acme-large-1.0.0.tgz`},
		"/commits/" + sha + "/@acme/preview/tarball":                             {preview, "", `attachment; filename=`},
		"/org/repo/@acme/preview@" + sha:                                         {preview, "", `attachment; filename=`},
	} {
		got := n.follow(n.get(path))
		if got.StatusCode != http.StatusOK || string(got.body) != want.bytes || !strings.HasPrefix(got.Header.Get("Content-Type"), want.contentType) ||
			!strings.HasPrefix(strings.ReplaceAll(got.Header.Get("Content-Disposition"), `"`, ""), want.disposition) {
			t.Errorf("%s leads to %d, %d bytes, %v", path, got.StatusCode, len(got.body), got.Header)
		}
		if strings.Contains(got.Header.Get("Cache-Control"), "immutable") || strings.Contains(got.Header.Get("Cache-Control"), "public") {
			t.Errorf("%s leads to what pnpm writes into its lockfile: %s", path, got.Header.Get("Cache-Control"))
		}
		etag := `"` + digest.Of([]byte(want.bytes)).Hex() + `"`
		if a := n.request(http.MethodHead, path, nil); a.StatusCode != http.StatusOK || a.Header.Get("ETag") != etag || a.ContentLength != int64(len(want.bytes)) {
			t.Errorf("HEAD %s = %d %v", path, a.StatusCode, a.Header)
		}
		if a := n.get(path, "Range: bytes=5-9"); a.StatusCode != http.StatusPartialContent || string(a.body) != want.bytes[5:10] || a.Header.Get("ETag") != etag {
			t.Errorf("a range of %s = %d %v", path, a.StatusCode, a.Header)
		}
		if a := n.get(path, "If-None-Match: "+etag); a.StatusCode != http.StatusNotModified {
			t.Errorf("a condition on %s = %d", path, a.StatusCode)
		}
	}
	if a := n.get("/@acme/small/-/small-1.0.0.tgz"); a.StatusCode != http.StatusOK || string(a.body) != small {
		t.Errorf("a small one = %d, %d bytes", a.StatusCode, len(a.body))
	}
	if a := n.get("/@acme/large/-/large-2.0.0.tgz"); a.StatusCode != http.StatusNotFound {
		t.Errorf("one that is not there = %d", a.StatusCode)
	}
}

// Zig's compilers take no long addresses, whatever the option says.
func TestNoRedirectForZig(t *testing.T) {
	n, log, _ := linking(t, registry.Config{})
	z, err := n.PublishZig(t.Context(), zigTar(t, "1.0.0", noise(manyBytes)), "")
	if err != nil {
		t.Fatal(err)
	}
	var body []byte
	for _, path := range []string{"/zig/packages/greet/1.0.0/tarball", "/zig/p/" + z.LegacyHash + ".tar.gz"} {
		a := n.get(path)
		if body = a.body; a.StatusCode != http.StatusOK || len(body) < manyBytes {
			t.Errorf("%s = %d, %d bytes", path, a.StatusCode, len(body))
		}
	}
	part := tarball.Part{Digest: digest.Of(body), Size: int64(len(body))}
	p := wire.Publication{SHA: sha, Repository: "org/repo", Packages: []wire.Package{{Name: "zig:greet", Tarball: &part}}}
	n.publishParts(p, map[digest.SHA256][]byte{part.Digest: body})
	if a := n.get("/commits/" + sha + "/zig:greet/tarball"); a.StatusCode != http.StatusOK {
		t.Errorf("of a commit: %d", a.StatusCode)
	}
	if requests, _ := log.take(); strings.Join(requests, " ") != http.MethodPut {
		t.Errorf("the bucket is asked %q", requests)
	}
}

const serverToken = "the-token-of-the-server"

// A signed URL is for whoever may read, and says nothing of how it was asked for.
func TestRedirectOfPrivateReads(t *testing.T) {
	n, _, server := linking(t, registry.Config{Token: serverToken, ReadAuth: true})
	large := tgz(t, "@acme/large", "1.0.0", noise(manyBytes))
	if _, err := n.Publish(t.Context(), strings.NewReader(large)); err != nil {
		t.Fatal(err)
	}
	commit := []string{"sha", sha, "repository", "org/repo", "package:@acme/large", large}
	body, header := form(t, commit...)
	if a := n.request(http.MethodPost, "/publish/commit", body, header, "Authorization: Bearer "+serverToken); a.StatusCode != http.StatusCreated {
		t.Fatalf("the commit: %d %s", a.StatusCode, a.body)
	}
	const bearer = "Authorization: Bearer " + serverToken
	host := strings.TrimPrefix(server.URL, "http://")
	for _, path := range []string{"/@acme/large/-/large-1.0.0.tgz", "/packages/@acme%2flarge/1.0.0/tarball", "/commits/" + sha + "/@acme/large/tarball", "/org/repo/@acme/large@" + sha} {
		for _, credentials := range []string{"X-None: ", "Authorization: Bearer another-token-of-somebody"} {
			if a := n.get(path, credentials); a.StatusCode != http.StatusUnauthorized || a.Header.Get("Location") != "" || bytes.Contains(a.body, []byte("X-Amz")) {
				t.Errorf("%s with %q = %d, %v", path, credentials, a.StatusCode, a.Header)
			}
		}
		a := n.get(path, bearer)
		if got := n.follow(a); string(got.body) != large {
			t.Errorf("%s leads to %d bytes", path, len(got.body))
		}
		if to := a.Header.Get("Location"); strings.Contains(to, serverToken) || !strings.Contains(to, "X-Amz-Expires=300&") {
			t.Errorf("%s leads to %s", path, to)
		}
		// npm and Yarn 1 take a token along to another port of the same host, and others to hosts below it.
		for _, same := range []string{"localhost", "LOCALHOST:8080", "localhost:443"} {
			if a := n.get(path, bearer, "Host: "+same); a.StatusCode != http.StatusOK || string(a.body) != large {
				t.Errorf("%s of %s, a host of the bucket %s = %d", path, same, host, a.StatusCode)
			}
		}
	}
	if strings.Contains(n.log.String(), "X-Amz") {
		t.Error("a signed URL is in the log")
	}
}

// A server without a bucket says that it can't do it.
func TestRedirectNeedsBucket(t *testing.T) {
	r, err := registry.New(registry.Config{DataDir: t.TempDir(), BaseURL: "http://localhost", NoUpstream: true, S3Redirect: true})
	if err == nil {
		r.Close()
	}
	if e, ok := fault.Public(err); !ok || !errors.Is(err, fault.Invalid) || !strings.Contains(e.Message, "S3_BUCKET") {
		t.Errorf("New = %v", err)
	}
}
