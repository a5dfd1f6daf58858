package s3blob

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/org/registry-action/internal/store/awsconfig"
	"github.com/org/registry-action/internal/store/blob"
)

var _ blob.Refresher = (*Store)(nil)

const (
	// copyTimeout is how long the service may take to copy an object within itself.
	copyTimeout = 3 * time.Minute
	// copyAtOnce bytes are the most that the service copies in one request.
	copyAtOnce = 5 << 30
)

// Refresh copies an old object onto itself, which starts its age anew. What tells who put it stays, and how it is kept.
func (s *Store) Refresh(ctx context.Context, key blob.Key, before time.Time) error {
	if err := check(ctx, key.Space); err != nil {
		return err
	}
	head, err := s.head(ctx, key)
	if err != nil || !aws.ToTime(head.LastModified).Before(before) {
		return err
	}
	copied := s.copyWhole
	if aws.ToInt64(head.ContentLength) > s.copyAtOnce {
		copied = s.copyParts
	}
	err = copied(ctx, key, head)
	switch awsconfig.Status(err) {
	case http.StatusPreconditionFailed:
		return nil // stored anew in this moment
	case http.StatusConflict:
		return fmt.Errorf("refreshing blob %s: %w", key, busy(err))
	}
	return wrap(ctx, "refreshing", key, err)
}

// source is an object as it stands in the header of a copy.
func (s *Store) source(key blob.Key) *string {
	return new((&url.URL{Path: s.bucket + "/" + *s.name(key)}).EscapedPath())
}

func (s *Store) copyWhole(ctx context.Context, key blob.Key, head *s3.HeadObjectOutput) error {
	ctx, cancel := context.WithTimeout(ctx, copyTimeout)
	defer cancel()
	_, err := s.api.CopyObject(ctx, &s3.CopyObjectInput{
		Bucket: &s.bucket, Key: s.name(key), CopySource: s.source(key), CopySourceIfMatch: head.ETag,
		ChecksumAlgorithm: types.ChecksumAlgorithmSha256, StorageClass: head.StorageClass,
		// Onto itself an object is copied only if something changes.
		MetadataDirective: types.MetadataDirectiveReplace, Metadata: head.Metadata, ContentType: head.ContentType,
	})
	return err
}

// copyParts copies a large object part by part. One that was deleted meanwhile does not come back, if the service knows
// the condition.
func (s *Store) copyParts(ctx context.Context, key blob.Key, head *s3.HeadObjectOutput) error {
	err := s.copyPartsWith(ctx, key, head, types.ChecksumAlgorithmSha256)
	if errors.Is(err, errNoSum) {
		return s.copyPartsWith(ctx, key, head, "") // the service chooses
	}
	return err
}

func (s *Store) copyPartsWith(ctx context.Context, key blob.Key, head *s3.HeadObjectOutput, sums types.ChecksumAlgorithm) error {
	begin := s3.CreateMultipartUploadInput{
		ChecksumAlgorithm: sums, Metadata: head.Metadata, ContentType: head.ContentType, StorageClass: head.StorageClass,
	}
	one := func(ctx context.Context, upload *string, number int32, from, size int64) (types.CompletedPart, error) {
		if err := ctx.Err(); err != nil {
			return types.CompletedPart{}, err
		}
		// The service goes on with a part that nobody waits for, and might end it after the upload was dropped.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), copyTimeout)
		defer cancel()
		out, err := s.api.UploadPartCopy(ctx, &s3.UploadPartCopyInput{
			Bucket: &s.bucket, Key: s.name(key), UploadId: upload, PartNumber: &number,
			CopySource: s.source(key), CopySourceIfMatch: head.ETag, CopySourceRange: new(fmt.Sprintf("bytes=%d-%d", from, from+size-1)),
		})
		if err != nil {
			return types.CompletedPart{}, err
		}
		part := types.CompletedPart{PartNumber: &number, ETag: out.CopyPartResult.ETag}
		if sums == "" {
			return part, nil
		}
		if part.ChecksumSHA256 = out.CopyPartResult.ChecksumSHA256; !isSum(part.ChecksumSHA256) {
			return part, errNoSum
		}
		return part, nil
	}
	var end s3.CompleteMultipartUploadInput
	if !s.unconditional.Load() {
		end.IfMatch = head.ETag
	}
	return s.inParts(ctx, key, *head.ContentLength, begin, one, end)
}

// errNoSum: the service does not tell the SHA-256 of a part that it has copied, without which an upload that was begun
// with it can't be ended. VersityGW tells that of the whole object in place of it.
var errNoSum = errors.New("a part was copied without its checksum")

// isSum reports whether a checksum is one SHA-256, and not one of several.
func isSum(text *string) bool {
	raw, err := base64.StdEncoding.DecodeString(aws.ToString(text))
	return err == nil && len(raw) == sha256.Size
}

// reuse keeps the object that a Put found in its place from being removed for its age.
func (s *Store) reuse(ctx context.Context, info blob.Info) error {
	old := time.Now().Add(-blob.RefreshAfter)
	if info.Space != blob.Commits || !info.ModTime.Before(old) {
		return nil
	}
	if err := s.Refresh(ctx, info.Key, old); err != nil {
		return fmt.Errorf("putting blob %s: %w", info.Key, err)
	}
	return nil
}
