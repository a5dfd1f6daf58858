package s3blob

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/store/blob"
)

// List yields the blobs of a space, a page of the service's (1,000 objects) in memory at a time.
func (s *Store) List(ctx context.Context, space blob.Space, after digest.SHA256) iter.Seq2[blob.Info, error] {
	return func(yield func(blob.Info, error) bool) {
		if err := check(ctx, space); err != nil {
			yield(blob.Info{}, err)
			return
		}
		in := &s3.ListObjectsV2Input{Bucket: &s.bucket, Prefix: new(s.folder(space))}
		if !after.IsZero() {
			in.StartAfter = s.name(blob.Key{Space: space, Digest: after})
		}
		pages := s3.NewListObjectsV2Paginator(s.api, in)
		for pages.HasMorePages() {
			page, err := s.page(ctx, pages)
			if err != nil {
				yield(blob.Info{}, fmt.Errorf("listing the blobs of %s: %w", space, err))
				return
			}
			for _, o := range page.Contents {
				d, ok := digestOf(strings.TrimPrefix(aws.ToString(o.Key), *in.Prefix))
				if ok && !yield(infoOf(blob.Key{Space: space, Digest: d}, o.Size, o.LastModified), nil) {
					return
				}
			}
		}
	}
}

func (s *Store) page(ctx context.Context, pages *s3.ListObjectsV2Paginator) (*s3.ListObjectsV2Output, error) {
	call, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	page, err := pages.NextPage(call)
	return page, outage(ctx, err)
}
