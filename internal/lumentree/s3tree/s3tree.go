// Package s3tree reads and writes Lumen registries in buckets of S3, or of servers that speak its protocol.
//
// One writer at a time has a prefix: it holds a lease, which is an object that is only written on the condition that it is still
// what the writer has read. The same holds for each document that is read to be written again.
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
	"sync"
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
	NoLock    bool   // nobody else writes, and the service may not know conditional writes
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

// Bucket is a lumentree.Sink once it is locked, and a lumentree.Tree. A file is visible once it is Put.
type Bucket struct {
	cfg   Config
	api   *s3.Client
	lease *lease // nil: it is not locked

	mu    sync.Mutex
	etags map[string]string // of documents that were read or written, by path; empty: there was none
}

// Open returns a tree. It does not ask for the bucket yet.
func Open(ctx context.Context, c Config) (*Bucket, error) {
	loaded, err := awsconfig.Load(ctx, c.Region)
	if err != nil {
		return nil, err
	}
	if err := awsconfig.CheckCredentials(ctx, loaded); err != nil {
		return nil, err
	}
	return &Bucket{cfg: c, api: s3.NewFromConfig(loaded, awsconfig.S3(c.Endpoint, c.PathStyle)), etags: map[string]string{}}, nil
}

// Close lets others write.
func (b *Bucket) Close() error {
	if b.lease == nil {
		return nil
	}
	return b.lease.release()
}

// Commit does nothing: files are durable once they are Put.
func (*Bucket) Commit(context.Context) error { return nil }

func (b *Bucket) key(path string) *string {
	if b.cfg.Prefix == "" {
		return &path
	}
	return new(b.cfg.Prefix + "/" + path)
}

// name is that of an object as users write it.
func (b *Bucket) name(path string) string { return "s3://" + b.cfg.Bucket + "/" + *b.key(path) }

// note keeps which bytes of a document were seen.
func (b *Bucket) note(path string, etag *string) {
	if lumentree.Immutable(path) {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.etags[path] = aws.ToString(etag)
}

// Open gets an object.
func (b *Bucket) Open(ctx context.Context, path string) (io.ReadCloser, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	out, err := b.api.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.cfg.Bucket, Key: b.key(path)})
	if err != nil {
		cancel()
		if err = b.explain(err, path); errors.Is(err, fs.ErrNotExist) {
			b.note(path, nil)
		}
		return nil, err
	}
	b.note(path, out.ETag)
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

// Put reads the whole file, so that its reader has checked it, and then sends it with its digest, which the bucket checks. A document
// that was read before must still be what it was.
func (b *Bucket) Put(ctx context.Context, f lumentree.File, r io.Reader) (err error) {
	body, done, err := spool(f, r)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	ctx, cancel, err := b.writing(ctx)
	if err != nil {
		return err
	}
	defer cancel()
	in := &s3.PutObjectInput{
		Bucket: &b.cfg.Bucket, Key: b.key(f.Path), Body: body, ContentLength: &f.Size,
		ContentType: new(lumentree.ContentType(f.Path)), CacheControl: new(lumentree.CacheControl(f.Path)),
		ChecksumSHA256: new(base64.StdEncoding.EncodeToString(f.Digest[:])), Metadata: map[string]string{sumKey: f.Digest.Hex()},
	}
	in.IfMatch, in.IfNoneMatch = b.conditions(f.Path)
	out, err := b.api.PutObject(ctx, in)
	switch {
	case err == nil:
		b.note(f.Path, out.ETag)
		return nil
	case lumentree.Immutable(f.Path) && awsconfig.Status(err) == http.StatusPreconditionFailed:
		return nil // it is there
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case awsconfig.Status(err) == http.StatusPreconditionFailed || awsconfig.Status(err) == http.StatusConflict:
		return b.overtaken(ctx, f, err)
	}
	return b.explain(err, f.Path)
}

// conditions are those on which a file is written.
func (b *Bucket) conditions(path string) (match, noneMatch *string) {
	if b.cfg.NoLock {
		return nil, nil
	}
	if lumentree.Immutable(path) {
		if b.cfg.Overwrite {
			return nil, nil
		}
		return nil, new("*")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch etag, known := b.etags[path]; {
	case !known:
		return nil, nil
	case etag == "":
		return nil, new("*")
	default:
		return &etag, nil
	}
}

// overtaken is what it means that a document is not what it was: somebody else has written it, or the answer to an own try was lost.
func (b *Bucket) overtaken(ctx context.Context, f lumentree.File, cause error) error {
	head, err := b.api.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b.cfg.Bucket, Key: b.key(f.Path)})
	if err == nil && head.Metadata[sumKey] == f.Digest.Hex() {
		b.note(f.Path, head.ETag)
		return nil
	}
	return fault.Wrap(cause, fault.Unavailable, "somebody else has written %s meanwhile; try again", b.name(f.Path)).WithCode("overtaken")
}

// writing is the context of a write: it ends in time, and with the lock.
func (b *Bucket) writing(ctx context.Context) (context.Context, func(), error) {
	if b.lease == nil && !b.cfg.NoLock {
		return nil, nil, errors.New("the bucket is not locked")
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	if b.lease == nil {
		return ctx, cancel, nil
	}
	if err := b.lease.check(); err != nil {
		cancel()
		return nil, nil, err
	}
	ctx, lose := context.WithCancelCause(ctx)
	stop := context.AfterFunc(b.lease.ctx, func() { lose(context.Cause(b.lease.ctx)) })
	return ctx, func() { stop(); lose(nil); cancel() }, nil
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
	ctx, cancel, err := b.writing(ctx)
	if err != nil {
		return err
	}
	defer cancel()
	if _, err = b.api.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b.cfg.Bucket, Key: b.key(path)}); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return b.explain(err, path)
	}
	b.note(path, nil)
	return nil
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
	return fault.Wrap(err, fault.Unavailable, "the bucket %q can't be reached; is the address of its service right (--s3-endpoint)?", b.cfg.Bucket)
}
