// Package s3blob keeps blobs in a bucket of S3, or of a server that speaks its protocol:
//
//	{prefix}/{space}/{first 2 hex digits}/{64 hex digits}
//
// Bytes wait in a file of this machine until all of them are there and have the right digest; only then are they sent,
// with SHA-256 sums that the service checks, and on the condition that the object is not there yet. So an object is
// whole or not at all, and whoever finds one under a key needs no ETag: all objects that ever had the key are equal.
//
// Two laws of package blob hold with a limit:
//   - A blob opened before its Delete stays readable to its end while it is read in sequence. Past smallBlob bytes a
//     seek, or a connection that broke, asks the bucket anew and may find the blob gone. Whoever deletes
//     (store/lifetime) does so after everybody's time for it is over.
//   - Of several Puts of the same new bytes exactly one creates if the service knows If-None-Match; on one that
//     answers 501 to it, two at the same moment may both say so. The bytes are the same.
//
// List needs the order of general purpose buckets; directory buckets have none.
package s3blob

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/store/awsconfig"
	"github.com/org/registry-action/internal/store/blob"
	"github.com/org/registry-action/internal/store/spool"
)

// Config says which bucket. Credentials are found as by every program of AWS.
type Config struct {
	Bucket    string
	Prefix    string // in front of every key; slashes at its ends don't count
	Region    string // default: what AWS's own configuration says, else us-east-1
	Endpoint  string // URL of a server that is not Amazon's; empty: Amazon's
	PathStyle bool   // the bucket stands in the path and not in the host
	Spool     string // folder for bytes on their way to the bucket

	Retried func(throttled bool) // is told of every call that is sent once more; nil: nobody
}

// The bounds of what one call may take.
const (
	callTimeout  = 30 * time.Second // of calls without a body, retries included
	partTimeout  = 3 * time.Minute  // of partSize bytes on their way to the bucket, retries included
	abortTimeout = 10 * time.Second // of dropping an upload that failed
	stallTimeout = 30 * time.Second // of one read of a body
)

// what names the bucket to those who can't do anything about it.
const what = "the store of this registry's packages"

// Store keeps blobs in a bucket.
type Store struct {
	api    *s3.Client
	bucket string
	prefix string // empty, or ends with a slash
	spool  spool.Spool
	stall  time.Duration // how long one read of a body may take

	copyAtOnce int64 // bytes; larger objects are copied in parts

	unconditional atomic.Bool // the service does not know If-None-Match
	probed        probed      // how the service takes signed PUTs
}

var _ blob.Store = (*Store)(nil)

// Open returns the store after it has seen that the bucket is there and lets these credentials in.
func Open(ctx context.Context, c Config) (*Store, error) {
	loaded, err := awsconfig.Load(ctx, c.Region)
	if err != nil {
		return nil, err
	}
	if err := awsconfig.CheckCredentials(ctx, loaded); err != nil {
		return nil, err
	}
	api := s3.NewFromConfig(awsconfig.Retried(loaded, c.Retried), awsconfig.S3(c.Endpoint, c.PathStyle))
	s := &Store{api: api, bucket: c.Bucket, spool: spool.Spool{Dir: c.Spool}, stall: stallTimeout, copyAtOnce: copyAtOnce}
	if s.prefix = strings.Trim(c.Prefix, "/"); s.prefix != "" {
		s.prefix += "/"
	}
	if err := s.check(ctx, loaded.Region); err != nil {
		return nil, err
	}
	return s, nil
}

// Close does nothing.
func (*Store) Close() error { return nil }

// Stat describes a blob.
func (s *Store) Stat(ctx context.Context, key blob.Key) (blob.Info, error) {
	if err := check(ctx, key.Space); err != nil {
		return blob.Info{}, err
	}
	head, err := s.head(ctx, key)
	if err != nil {
		return blob.Info{}, err
	}
	return infoOf(key, head.ContentLength, head.LastModified), nil
}

func (s *Store) head(ctx context.Context, key blob.Key) (*s3.HeadObjectOutput, error) {
	call, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	head, err := s.api.HeadObject(call, &s3.HeadObjectInput{Bucket: &s.bucket, Key: s.name(key)})
	if err != nil {
		return nil, wrap(ctx, "looking for", key, err)
	}
	return head, nil
}

// Delete removes a blob.
func (s *Store) Delete(ctx context.Context, key blob.Key) error {
	if err := check(ctx, key.Space); err != nil {
		return err
	}
	call, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err := s.api.DeleteObject(call, &s3.DeleteObjectInput{Bucket: &s.bucket, Key: s.name(key)})
	if err = wrap(ctx, "deleting", key, err); errors.Is(err, blob.ErrNotFound) {
		return nil
	}
	return err
}

func check(ctx context.Context, space blob.Space) error {
	return errors.Join(ctx.Err(), space.Validate())
}

// folder is what the keys of a space begin with.
func (s *Store) folder(space blob.Space) string { return s.prefix + string(space) + "/" }

func (s *Store) name(key blob.Key) *string {
	hex := key.Digest.Hex()
	return new(s.folder(key.Space) + hex[:2] + "/" + hex)
}

// digestOf is the digest that an object of a space is named by; ok is false for an object that is no blob.
func digestOf(name string) (d digest.SHA256, ok bool) {
	dir, file, _ := strings.Cut(name, "/")
	d, err := digest.Parse(file)
	return d, err == nil && d.Hex() == file && dir == file[:2]
}

// infoOf describes an object. Its time has whole seconds in every answer, whatever the service keeps.
func infoOf(key blob.Key, size *int64, modified *time.Time) blob.Info {
	return blob.Info{Key: key, Size: aws.ToInt64(size), ModTime: aws.ToTime(modified).UTC().Truncate(time.Second)}
}

// wrap says what was tried. An object that is not there is blob.ErrNotFound, an outage fault.Unavailable.
func wrap(ctx context.Context, tried string, key blob.Key, err error) error {
	if err == nil {
		return nil
	}
	if awsconfig.Status(err) == http.StatusNotFound && awsconfig.Code(err) != "NoSuchBucket" {
		err = blob.ErrNotFound
	}
	return fmt.Errorf("%s blob %s: %w", tried, key, outage(ctx, err))
}

func busy(err error) error {
	return fault.Wrap(err, fault.Unavailable, "too many publishes of the same bytes at once; send the request again")
}

func outage(ctx context.Context, err error) error {
	if errors.Is(err, blob.ErrNotFound) {
		return err
	}
	return awsconfig.Outage(ctx, err, what)
}
