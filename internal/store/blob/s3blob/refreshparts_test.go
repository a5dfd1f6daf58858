package s3blob_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/org/registry-action/internal/clients"
	"github.com/org/registry-action/internal/clients/s3server"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/awsconfig"
	"github.com/org/registry-action/internal/store/blob"
	"github.com/org/registry-action/internal/store/blob/s3blob"
)

// largeSize is that of a blob of three parts.
const largeSize = 20 << 20

// startMoto starts another S3 that ends with the test.
func startMoto(t *testing.T) (url string) {
	t.Helper()
	moto, err := clients.StartMoto(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := moto.Stop(); err != nil {
			t.Error(err)
		}
	})
	return moto.URL
}

// api is a client of a bucket besides the store.
func api(t *testing.T, endpoint string) *s3.Client {
	t.Helper()
	c, err := awsconfig.Load(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	return s3.NewFromConfig(c, awsconfig.S3(endpoint, true))
}

// shelf is a bucket of its own, with a store that copies a MiB in one request.
type shelf struct {
	*s3blob.Store
	t      *testing.T
	api    *s3.Client
	bucket string
}

func newShelf(t *testing.T, endpoint, bucket string) *shelf {
	t.Helper()
	s := &shelf{t: t, api: api(t, endpoint), bucket: bucket}
	if _, err := s.api.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &bucket}); err != nil {
		t.Fatal(err)
	}
	s.Store = openWith(t, s3blob.Config{Bucket: bucket, Endpoint: endpoint, PathStyle: true, Spool: t.TempDir()})
	s.SetCopyAtOnce(1 << 20)
	return s
}

func nameOf(key blob.Key) *string {
	hex := key.Digest.Hex()
	return aws.String(string(key.Space) + "/" + hex[:2] + "/" + hex)
}

// object is what the bucket says of a blob.
func (s *shelf) object(key blob.Key) *s3.HeadObjectOutput {
	s.t.Helper()
	head, err := s.api.HeadObject(s.t.Context(), &s3.HeadObjectInput{Bucket: &s.bucket, Key: nameOf(key), ChecksumMode: types.ChecksumModeEnabled})
	if err != nil {
		s.t.Fatal(err)
	}
	return head
}

// refreshed refreshes a blob and checks that it is the same object afterwards.
func (s *shelf) refreshed(body []byte) (after *s3.HeadObjectOutput) {
	s.t.Helper()
	key := keyOf(body)
	before := s.object(key)
	if err := s.Refresh(s.t.Context(), key, time.Now().Add(time.Hour)); err != nil {
		s.t.Fatal(err)
	}
	after = s.object(key)
	if !maps.Equal(after.Metadata, before.Metadata) || len(after.Metadata) == 0 || after.StorageClass != before.StorageClass || aws.ToString(after.ContentType) != aws.ToString(before.ContentType) {
		s.t.Errorf("it had the metadata %v, the class %q, the type %q, and has %v, %q, %q", before.Metadata, before.StorageClass, *before.ContentType, after.Metadata, after.StorageClass, *after.ContentType)
	}
	wantContent(s.t, s.Store, body)
	return after
}

// uploads counts uploads that were begun and have not ended.
func (s *shelf) uploads() int {
	s.t.Helper()
	list, err := s.api.ListMultipartUploads(s.t.Context(), &s3.ListMultipartUploadsInput{Bucket: &s.bucket})
	if err != nil {
		s.t.Fatal(err)
	}
	return len(list.Uploads)
}

// What is too large for one copy is copied in parts, to the same object: bytes, metadata, ETag, a checksum of the service.
func TestRefreshInParts(t *testing.T) {
	s := newShelf(t, s3server.Start(t).URL, "parts")
	body := content(largeSize)
	if _, _, err := s.Put(t.Context(), keyOf(body), bytes.NewReader(body)); err != nil {
		t.Fatal(err)
	}
	ours := s.object(keyOf(body))
	if again := s.refreshed(body); *again.ETag != *ours.ETag || aws.ToString(again.ChecksumSHA256)+aws.ToString(again.ChecksumCRC64NVME) == "" {
		t.Errorf("its ETag was %s and is %s, its checksum %v", *ours.ETag, *again.ETag, again)
	}
	if _, created, err := s.Put(t.Context(), keyOf(body), bytes.NewReader(body)); created || err != nil {
		t.Errorf("a Put afterwards: created %t, %v", created, err)
	}

	// An object that came whole and by another way: of those VersityGW tells the SHA-256 of parts, as S3 does of all.
	_, err := s.api.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: &s.bucket, Key: nameOf(keyOf(body)), Body: bytes.NewReader(body), ContentType: aws.String("application/x-test"), Metadata: map[string]string{"a": "b"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if others := s.refreshed(body); *others.ETag != *ours.ETag || aws.ToString(others.ChecksumSHA256) != aws.ToString(ours.ChecksumSHA256) {
		t.Errorf("its checksum is %q, that of a Put of the same bytes %q", aws.ToString(others.ChecksumSHA256), aws.ToString(ours.ChecksumSHA256))
	}
	if n := s.uploads(); n != 0 {
		t.Errorf("%d uploads were begun and have not ended", n)
	}
}

// One request copies up to the limit. The storage class stays, however it is copied.
func TestRefreshAtTheLimit(t *testing.T) {
	_ = s3server.Start(t) // the credentials
	s := newShelf(t, startMoto(t), "limit")
	for _, size := range []int{1 << 20, 1<<20 + 1} {
		body := content(size)
		_, err := s.api.PutObject(t.Context(), &s3.PutObjectInput{
			Bucket: &s.bucket, Key: nameOf(keyOf(body)), Body: bytes.NewReader(body), Metadata: map[string]string{"a": "b"}, StorageClass: types.StorageClassStandardIa,
		})
		if err != nil {
			t.Fatal(err)
		}
		after := s.refreshed(body)
		if inParts, want := strings.Contains(*after.ETag, "-"), size > 1<<20; inParts != want || after.StorageClass != types.StorageClassStandardIa {
			t.Errorf("%d bytes were copied in parts: %t, want %t; their class is %q", size, inParts, want, after.StorageClass)
		}
	}
}

// A copy in parts that can't come to its end changes nothing and leaves nothing.
func TestRefreshInPartsFails(t *testing.T) {
	server := s3server.Start(t)
	s := newShelf(t, server.URL, "failing")
	body := content(largeSize)
	key := keyOf(body)
	late := time.Now().Add(time.Hour)
	put := func() {
		t.Helper()
		server.Fail(nil)
		if _, _, err := s.Put(t.Context(), key, bytes.NewReader(body)); err != nil {
			t.Fatal(err)
		}
	}
	on := func(method, query string, f s3server.Fault) {
		server.Fail(func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
			if r.Method == method && r.URL.Query().Has(query) {
				f(w, r, pass)
				return
			}
			pass.ServeHTTP(w, r)
		})
	}
	gone := func(w http.ResponseWriter, r *http.Request, pass http.Handler) { // deleted in this moment
		if err := s.Delete(context.WithoutCancel(r.Context()), key); err != nil {
			t.Error(err)
		}
		pass.ServeHTTP(w, r)
	}

	put()
	on(http.MethodPut, "partNumber", func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { w.WriteHeader(http.StatusForbidden) })
	if err := s.Refresh(t.Context(), key, late); !errors.Is(err, fault.Unavailable) {
		t.Errorf("without the right to copy: %v", err)
	}
	server.Fail(nil)
	wantContent(t, s.Store, body)

	on(http.MethodPost, "uploads", gone)
	if err := s.Refresh(t.Context(), key, late); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("deleted before the first part: %v", err)
	}

	put()
	on(http.MethodPost, "uploadId", gone)
	if err := s.Refresh(t.Context(), key, late); err != nil && !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("deleted before the end: %v", err)
	}
	server.Fail(nil)
	if _, err := s.Stat(t.Context(), key); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("what was deleted meanwhile has come back: %v", err)
	}
	if n := s.uploads(); n != 0 {
		t.Errorf("%d uploads were begun and have not ended", n)
	}
}
