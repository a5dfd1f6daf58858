package s3blob

import (
	"context"
	"crypto/sha256"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"

	"github.com/org/registry-action/internal/store/blob"
)

// part makes one part of an upload, of so many bytes from an offset on.
type part func(ctx context.Context, upload *string, number int32, from, size int64) (types.CompletedPart, error)

// inParts makes an object of parts. It is visible once all are there, if the condition of end holds then; of an upload
// that fails nothing stays, and of one whose sender died what the bucket's lifecycle rule for incomplete uploads removes.
func (s *Store) inParts(ctx context.Context, key blob.Key, size int64, begin s3.CreateMultipartUploadInput, one part, end s3.CompleteMultipartUploadInput) error {
	call, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	begin.Bucket, begin.Key = &s.bucket, s.name(key)
	begun, err := s.api.CreateMultipartUpload(call, &begin)
	if err != nil {
		return err
	}
	parts, err := allParts(ctx, size, begun.UploadId, one)
	if err == nil {
		end.Bucket, end.Key, end.UploadId = &s.bucket, s.name(key), begun.UploadId
		end.MultipartUpload = &types.CompletedMultipartUpload{Parts: parts}
		err = s.complete(ctx, &end)
	}
	if err != nil {
		s.abort(ctx, key, begun.UploadId)
	}
	return err
}

// allParts makes the parts, some at a time. Where they begin depends on the size alone, so that a copy in parts has the
// ETag and the checksum of what was sent in parts.
func allParts(ctx context.Context, size int64, upload *string, one part) ([]types.CompletedPart, error) {
	each := max(partSize, (size+maxParts-1)/maxParts)
	parts := make([]types.CompletedPart, (size+each-1)/each)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(partsAtOnce)
	for i := range parts {
		from := int64(i) * each
		g.Go(func() (err error) {
			parts[i], err = one(ctx, upload, int32(i+1), from, min(each, size-from))
			return err
		})
	}
	return parts, g.Wait()
}

// sendParts sends a large blob.
func (s *Store) sendParts(ctx context.Context, key blob.Key, body *received, id string) error {
	begin := s3.CreateMultipartUploadInput{ChecksumAlgorithm: types.ChecksumAlgorithmSha256, Metadata: map[string]string{putKey: id}}
	send := func(ctx context.Context, upload *string, number int32, from, size int64) (types.CompletedPart, error) {
		return s.uploadPart(ctx, key, upload, number, body.section(from, size))
	}
	return s.inParts(ctx, key, body.size, begin, send, s3.CompleteMultipartUploadInput{IfNoneMatch: s.condition()})
}

func (s *Store) uploadPart(ctx context.Context, key blob.Key, upload *string, number int32, part *io.SectionReader) (types.CompletedPart, error) {
	hash := sha256.New()
	if _, err := io.Copy(hash, io.NewSectionReader(part, 0, part.Size())); err != nil {
		return types.CompletedPart{}, err
	}
	checksum := new(sum([sha256.Size]byte(hash.Sum(nil))))
	ctx, cancel := context.WithTimeout(ctx, partTimeout*time.Duration(1+part.Size()/partSize))
	defer cancel()
	out, err := s.api.UploadPart(ctx, &s3.UploadPartInput{
		Bucket: &s.bucket, Key: s.name(key), UploadId: upload, PartNumber: &number,
		Body: part, ContentLength: new(part.Size()), ChecksumSHA256: checksum,
	})
	if err != nil {
		return types.CompletedPart{}, err
	}
	return types.CompletedPart{PartNumber: &number, ETag: out.ETag, ChecksumSHA256: checksum}, nil
}

func (s *Store) complete(ctx context.Context, in *s3.CompleteMultipartUploadInput) error {
	ctx, cancel := context.WithTimeout(ctx, partTimeout) // the service may take minutes to put them together
	defer cancel()
	_, err := s.api.CompleteMultipartUpload(ctx, in)
	return err
}

// abort drops an upload, even if the caller has gone. What it can't drop the lifecycle rule does.
func (s *Store) abort(ctx context.Context, key blob.Key, upload *string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTimeout)
	defer cancel()
	_, _ = s.api.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &s.bucket, Key: s.name(key), UploadId: upload})
}
