// Package s3tree exports Lumen registries into buckets of S3, or of servers that speak its protocol.
package s3tree

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/lumentree"
	"github.com/org/registry-action/internal/store/awsconfig"
)

// Config says which bucket. Credentials are found as by every program of AWS.
type Config struct {
	Bucket    string
	Prefix    string // in front of every path; without slashes at its ends
	Region    string // default: what AWS's own configuration says, else us-east-1
	Endpoint  string // URL of a server that is not Amazon's
	PathStyle bool   // the bucket stands in the path and not in the host
	Overwrite bool   // artifacts that are there are written again: they are not what they should be
}

// ParseURL reads s3://bucket/prefix.
func ParseURL(text string) (bucket, prefix string, err error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "s3" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", "", fault.New(fault.Invalid, "%q names no bucket; write s3://bucket or s3://bucket/prefix", text)
	}
	return u.Host, strings.Trim(u.Path, "/"), nil
}

const (
	callTimeout = 30 * time.Minute // a large archive over a slow line
	inMemory    = 1 << 20          // bytes; larger files are spooled
	sumKey      = "sha256"
)

// Bucket is a lumentree.Sink. A file is visible once it is Put.
type Bucket struct {
	cfg Config
	api *s3.Client
}

// Open returns a sink. It does not ask for the bucket yet.
func Open(ctx context.Context, c Config) (*Bucket, error) {
	loaded, err := awsconfig.Load(ctx, c.Region)
	if err != nil {
		return nil, err
	}
	return &Bucket{cfg: c, api: s3.NewFromConfig(loaded, awsconfig.S3(c.Endpoint, c.PathStyle))}, nil
}

// Close does nothing.
func (*Bucket) Close() error { return nil }

// Commit does nothing: files are durable once they are Put.
func (*Bucket) Commit(context.Context) error { return nil }

func (b *Bucket) key(path string) *string {
	if b.cfg.Prefix == "" {
		return &path
	}
	return new(b.cfg.Prefix + "/" + path)
}

// Open gets an object.
func (b *Bucket) Open(ctx context.Context, path string) (io.ReadCloser, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	out, err := b.api.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.cfg.Bucket, Key: b.key(path)})
	if err != nil {
		cancel()
		return nil, b.explain(err, path)
	}
	return &object{out.Body, cancel}, nil
}

// object ends its request when it is closed.
type object struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (o *object) Close() error {
	defer o.cancel()
	return o.ReadCloser.Close()
}

// Put reads the whole file, so that its reader has checked it, and then sends it with its digest, which the bucket checks.
func (b *Bucket) Put(ctx context.Context, f lumentree.File, r io.Reader) (err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	body, done, err := spool(f, r)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	in := &s3.PutObjectInput{
		Bucket: &b.cfg.Bucket, Key: b.key(f.Path), Body: body, ContentLength: &f.Size,
		ContentType: new(lumentree.ContentType(f.Path)), CacheControl: new(lumentree.CacheControl(f.Path)),
		ChecksumSHA256: new(base64.StdEncoding.EncodeToString(f.Digest[:])), Metadata: map[string]string{sumKey: f.Digest.Hex()},
	}
	if lumentree.Immutable(f.Path) && !b.cfg.Overwrite {
		in.IfNoneMatch = new("*")
	}
	_, err = b.api.PutObject(ctx, in)
	if awsconfig.Status(err) == http.StatusPreconditionFailed {
		return nil // it is there
	}
	return b.explain(err, f.Path)
}

// spool reads a file to its end: into memory, or onto disk.
func spool(f lumentree.File, r io.Reader) (body io.ReadSeeker, done func() error, err error) {
	if f.Size <= inMemory {
		text, err := io.ReadAll(r)
		return bytes.NewReader(text), func() error { return nil }, err
	}
	temp, err := os.CreateTemp("", "export-*")
	if err != nil {
		return nil, nil, err
	}
	done = func() error { return errors.Join(temp.Close(), os.Remove(temp.Name())) }
	_, err = io.Copy(temp, r)
	if err == nil {
		_, err = temp.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, nil, errors.Join(err, done())
	}
	return temp, done, nil
}

// Delete removes an object.
func (b *Bucket) Delete(ctx context.Context, path string) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err := b.api.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b.cfg.Bucket, Key: b.key(path)})
	return b.explain(err, path)
}

// Sizes lists the objects below the prefix.
func (b *Bucket) Sizes(ctx context.Context) (map[string]int64, error) {
	sizes, prefix := map[string]int64{}, *b.key("")
	pages := s3.NewListObjectsV2Paginator(b.api, &s3.ListObjectsV2Input{Bucket: &b.cfg.Bucket, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, b.explain(err, "")
		}
		for _, o := range page.Contents {
			path := strings.TrimPrefix(aws.ToString(o.Key), prefix)
			if !strings.HasPrefix(path, ".") {
				sizes[path] = aws.ToInt64(o.Size)
			}
		}
	}
	return sizes, nil
}

// Sum is the digest that was stored with the object, or that of its bytes.
func (b *Bucket) Sum(ctx context.Context, path string, reread bool) (d digest.SHA256, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if !reread {
		head, err := b.api.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b.cfg.Bucket, Key: b.key(path)})
		if err != nil {
			return d, b.explain(err, path)
		}
		if d, err := digest.Parse(head.Metadata[sumKey]); err == nil {
			return d, nil
		}
	}
	return lumentree.SumOf(ctx, b, path)
}

func (b *Bucket) explain(err error, path string) error {
	switch s := awsconfig.Status(err); {
	case err == nil:
		return nil
	case s == http.StatusNotFound && awsconfig.Code(err) != "NoSuchBucket":
		return fmt.Errorf("%s: %w", path, fs.ErrNotExist)
	case s == http.StatusNotFound:
		return fault.Wrap(err, fault.NotFound, "there is no bucket %q; make it first", b.cfg.Bucket)
	case s == http.StatusForbidden || s == http.StatusUnauthorized:
		return fault.Wrap(err, fault.Forbidden, "the bucket %q does not let these credentials in; they need s3:GetObject, s3:PutObject, s3:DeleteObject and s3:ListBucket", b.cfg.Bucket)
	case s != 0:
		return fault.Wrap(err, fault.Upstream, "the bucket %q answers with the status %d for %q", b.cfg.Bucket, s, path)
	}
	return fault.Wrap(err, fault.Unavailable, "the bucket %q can't be asked: %v", b.cfg.Bucket, err)
}
