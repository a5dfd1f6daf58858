package s3blob

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/store/blob"
)

// smallBlob bytes are read at once, and checked; a larger blob is read as it is asked for.
const smallBlob = 256 << 10

// errChanged: the object is not the blob that its key names, so somebody else writes into the bucket.
var errChanged = errors.New("the object does not have the bytes that its key names")

// Open opens a blob with one request, whose answer brings the bytes.
func (s *Store) Open(ctx context.Context, key blob.Key) (blob.Blob, blob.Info, error) {
	if err := check(ctx, key.Space); err != nil {
		return nil, blob.Info{}, err
	}
	b, info, err := s.open(ctx, key)
	if err != nil {
		return nil, blob.Info{}, err
	}
	if info.Size > smallBlob {
		return b, info, nil
	}
	content, err := io.ReadAll(io.LimitReader(b, smallBlob+1))
	_ = b.Close() // it was only read
	if err == nil && digest.Of(content) != key.Digest {
		err = fmt.Errorf("opening blob %s: %w: %w", key, errChanged, blob.ErrDigest)
	}
	if err != nil {
		return nil, blob.Info{}, err
	}
	return memory{bytes.NewReader(content)}, info, nil
}

func (s *Store) open(ctx context.Context, key blob.Key) (*object, blob.Info, error) {
	// What is open outlives the call that opened it, and ends with its Close; each read has a time limit of its own.
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	o := &object{store: s, key: key, ctx: life, cancel: cancel}
	out, err := o.get(ctx, "")
	if err != nil {
		cancel()
		return nil, blob.Info{}, wrap(ctx, "opening", key, err)
	}
	o.body, o.size = out.Body, aws.ToInt64(out.ContentLength)
	return o, infoOf(key, out.ContentLength, out.LastModified), nil
}

// memory is a blob of which all is here.
type memory struct{ *bytes.Reader }

// Close does nothing.
func (memory) Close() error { return nil }

// get asks for the object, or a range of it. It ends with ctx; the body of its answer ends with the object's Close.
func (o *object) get(ctx context.Context, byteRange string) (*s3.GetObjectOutput, error) {
	call, cancel := context.WithCancelCause(o.ctx)
	stop := context.AfterFunc(ctx, func() { cancel(context.Cause(ctx)) })
	timer := time.AfterFunc(callTimeout, func() { cancel(errSlow) })
	in := &s3.GetObjectInput{Bucket: &o.store.bucket, Key: o.store.name(o.key)}
	if byteRange != "" {
		in.Range = &byteRange
	}
	out, err := o.store.api.GetObject(call, in)
	inTime, unasked := timer.Stop(), stop()
	switch {
	case err == nil && inTime && unasked:
		out.Body = &stallingBody{ReadCloser: out.Body, limit: o.store.stall, ctx: call, cancel: cancel}
		return out, nil
	case err == nil:
		_ = out.Body.Close() // it has been cancelled
	}
	err = errors.Join(err, ctx.Err(), context.Cause(call))
	cancel(nil)
	return nil, err
}

var errSlow = errors.New("S3 sent nothing for too long")

// stallingBody gives up when one read takes too long. The time in which nobody reads does not count.
type stallingBody struct {
	io.ReadCloser
	limit  time.Duration
	ctx    context.Context // of the request
	cancel context.CancelCauseFunc
}

func (b *stallingBody) Read(p []byte) (int, error) {
	timer := time.AfterFunc(b.limit, func() { b.cancel(errSlow) })
	defer timer.Stop()
	n, err := b.ReadCloser.Read(p)
	if err != nil && context.Cause(b.ctx) == errSlow {
		err = errSlow
	}
	return n, err
}

func (b *stallingBody) Close() error {
	b.cancel(nil)
	return b.ReadCloser.Close()
}
