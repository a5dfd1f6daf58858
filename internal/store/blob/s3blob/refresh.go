package s3blob

import (
	"context"
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

// copyTimeout is how long the service may take to copy an object within itself.
const copyTimeout = 3 * time.Minute

// Refresh copies an old object onto itself, which starts its age anew. The service does not copy more than 5 GiB.
func (s *Store) Refresh(ctx context.Context, key blob.Key, before time.Time) error {
	if err := check(ctx, key.Space); err != nil {
		return err
	}
	head, err := s.head(ctx, key)
	if err != nil || !aws.ToTime(head.LastModified).Before(before) {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, copyTimeout)
	defer cancel()
	_, err = s.api.CopyObject(ctx, &s3.CopyObjectInput{
		Bucket: &s.bucket, Key: s.name(key), CopySource: new((&url.URL{Path: s.bucket + "/" + *s.name(key)}).EscapedPath()),
		CopySourceIfMatch: head.ETag, ChecksumAlgorithm: types.ChecksumAlgorithmSha256,
		// Onto itself an object is copied only if something changes; what tells who put it must not.
		MetadataDirective: types.MetadataDirectiveReplace, Metadata: head.Metadata,
	})
	if awsconfig.Status(err) == http.StatusPreconditionFailed {
		return nil // stored anew in this moment
	}
	return wrap(ctx, "refreshing", key, err)
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
