package registry_test

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/org/registry-action/internal/clients/s3server"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/registry"
)

// Bytes that a later commit uses again start their age anew, so that a rule of the bucket which expires old ones leaves
// them; those of a commit that nobody repeats do not.
func TestReusedBytesStayYoung(t *testing.T) {
	server, bucket := onS3(t)
	var later atomic.Int64
	n := start(t, registry.Config{S3: bucket, Now: func() time.Time { return time.Now().Add(time.Duration(later.Load())) }})
	var copies atomic.Int32
	server.Fail(s3server.Fault(func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		if r.Header.Get("X-Amz-Copy-Source") != "" {
			copies.Add(1)
		}
		pass.ServeHTTP(w, r)
	}))
	defer server.Fail(nil)
	publish := func(sha string) {
		t.Helper()
		if a := n.postForm("sha", sha, "repository", "org/repo", "package:@acme/b", tgz(t, "@acme/b", "1.0.0", "the same bytes")); a.StatusCode != http.StatusCreated {
			t.Fatalf("commit %s: %d %s", sha, a.StatusCode, a.body)
		}
	}
	publish("1111111111111111111111111111111111111111")
	later.Store(int64(20 * 24 * time.Hour))
	publish("2222222222222222222222222222222222222222")
	if got := copies.Load(); got != 0 {
		t.Errorf("bytes of 20 days are made young: %d", got)
	}
	later.Store(int64(40 * 24 * time.Hour))
	publish("3333333333333333333333333333333333333333")
	if copies.Load() == 0 {
		t.Error("bytes of 40 days that are used again stay old")
	}
}

// The bucket may have more than the metadata knows, after a restore of it. What a publish in two steps finds there, and so
// does not bring, starts its age anew, too.
func TestFoundBytesAreMadeYoung(t *testing.T) {
	server, bucket := onS3(t)
	n := start(t, registry.Config{S3: bucket})
	p, body, d := twoStep(t, "@acme/b")
	n.publishParts(p, map[digest.SHA256][]byte{d: body})
	n.stop()
	var copies atomic.Int32
	server.Fail(func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		if r.Header.Get("X-Amz-Copy-Source") != "" {
			copies.Add(1)
		}
		pass.ServeHTTP(w, r)
	})
	defer server.Fail(nil)
	n = start(t, registry.Config{S3: bucket, Now: func() time.Time { return time.Now().Add(40 * 24 * time.Hour) }})
	if plan := n.plan(p); len(plan.Missing) > 0 {
		t.Fatalf("what is there is missing: %+v", plan)
	}
	if copies.Load() != 1 {
		t.Errorf("bytes of 40 days that were found are made young %d times, want once", copies.Load())
	}
}
