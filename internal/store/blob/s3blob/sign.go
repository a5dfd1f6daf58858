package s3blob

import (
	"context"
	"fmt"
	"mime"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/org/registry-action/internal/store/blob"
)

// maxWhole is what S3 takes in one request.
const maxWhole = 5 << 30

var _ blob.Signer = (*Store)(nil)

// SignGet signs a GET of a blob. What the answer says of the bytes is signed, too, so that it is never what somebody
// stored beside them. Its Cache-Control ends with the URL: one that says immutable would be taken for the address of the
// package, and written to lockfiles (pnpm).
func (s *Store) SignGet(ctx context.Context, key blob.Key, valid time.Duration, as blob.Answer) (string, error) {
	if err := check(ctx, key.Space); err != nil {
		return "", err
	}
	in := &s3.GetObjectInput{
		Bucket: &s.bucket, Key: s.name(key), ResponseContentType: &as.ContentType, ResponseContentEncoding: new("identity"),
		ResponseCacheControl: new(fmt.Sprintf("private, max-age=%d", int(valid.Seconds()))),
	}
	if as.Filename != "" {
		in.ResponseContentDisposition = new(mime.FormatMediaType("attachment", map[string]string{"filename": as.Filename}))
	}
	signed, err := s.presign(valid).PresignGetObject(ctx, in)
	if err != nil {
		return "", wrap(ctx, "signing a GET of", key, err)
	}
	return signed.URL, nil
}

// SignPut signs a PUT of a blob. Its SHA-256 and its size are signed headers; so is the condition that the object is
// not there yet, if the service knows it: who finds it there gets 412.
func (s *Store) SignPut(ctx context.Context, key blob.Key, valid time.Duration, size int64) (blob.Request, error) {
	if err := check(ctx, key.Space); err != nil {
		return blob.Request{}, err
	}
	if size > maxWhole {
		return blob.Request{}, fmt.Errorf("a PUT of %d bytes: %w", size, blob.ErrUnsigned)
	}
	if err := s.probe(ctx); err != nil {
		return blob.Request{}, fmt.Errorf("signing a PUT of blob %s: %w", key, err)
	}
	r, err := s.signPut(ctx, s.name(key), sum(key.Digest), size, valid)
	return r, wrap(ctx, "signing a PUT of", key, err)
}

func (s *Store) signPut(ctx context.Context, name *string, checksum string, size int64, valid time.Duration) (blob.Request, error) {
	signed, err := s.presign(valid).PresignPutObject(ctx, &s3.PutObjectInput{
		Bucket: &s.bucket, Key: name, ContentLength: &size, ChecksumSHA256: &checksum, IfNoneMatch: s.condition(),
		ContentType: new("application/octet-stream"),
	})
	if err != nil {
		return blob.Request{}, err
	}
	header := signed.SignedHeader.Clone()
	header.Del("Host")           // the URL has it
	header.Del("Content-Length") // the body has it
	return blob.Request{URL: signed.URL, Header: header}, nil
}

func (s *Store) presign(valid time.Duration) *s3.PresignClient {
	return s3.NewPresignClient(s.api, s3.WithPresignExpires(valid))
}
