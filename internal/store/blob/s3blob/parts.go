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

// sendParts sends a large blob. Its parts are visible once all are there; of an upload that fails nothing stays, and
// of one whose sender died what the bucket's lifecycle rule for incomplete uploads removes.
func (s *Store) sendParts(ctx context.Context, key blob.Key, body *received, id string) error {
	call, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	begun, err := s.api.CreateMultipartUpload(call, &s3.CreateMultipartUploadInput{
		Bucket: &s.bucket, Key: s.name(key), ChecksumAlgorithm: types.ChecksumAlgorithmSha256, Metadata: map[string]string{putKey: id},
	})
	if err != nil {
		return err
	}
	parts, err := s.uploadParts(ctx, key, begun.UploadId, body)
	if err == nil {
		err = s.complete(ctx, key, begun.UploadId, parts)
	}
	if err != nil {
		s.abort(ctx, key, begun.UploadId)
		return err
	}
	return nil
}

func (s *Store) uploadParts(ctx context.Context, key blob.Key, upload *string, body *received) ([]types.CompletedPart, error) {
	size := max(partSize, (body.size+maxParts-1)/maxParts)
	parts := make([]types.CompletedPart, (body.size+size-1)/size)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(partsAtOnce)
	for i := range parts {
		from := int64(i) * size
		g.Go(func() (err error) {
			parts[i], err = s.uploadPart(ctx, key, upload, int32(i+1), body.section(from, min(size, body.size-from)))
			return err
		})
	}
	return parts, g.Wait()
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

func (s *Store) complete(ctx context.Context, key blob.Key, upload *string, parts []types.CompletedPart) error {
	ctx, cancel := context.WithTimeout(ctx, partTimeout) // the service may take minutes to put them together
	defer cancel()
	_, err := s.api.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &s.bucket, Key: s.name(key), UploadId: upload, IfNoneMatch: s.condition(),
		MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	})
	return err
}

// abort drops an upload, even if the caller has gone. What it can't drop the lifecycle rule does.
func (s *Store) abort(ctx context.Context, key blob.Key, upload *string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTimeout)
	defer cancel()
	_, _ = s.api.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &s.bucket, Key: s.name(key), UploadId: upload})
}
