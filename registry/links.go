package registry

import (
	"context"
	"errors"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/store/blob"
)

// leastLink is from how many bytes on a client is sent to the bucket. It is more than most packages have: those come
// sooner from the cache on this machine's disk than after another connection.
const leastLink = 1 << 20

// links returns what clients get from the bucket itself; nil without S3_REDIRECT.
func (r *Registry) links() (*blob.Links, error) {
	if !r.config.S3Redirect {
		return nil, nil
	}
	signer, ok := r.stores.blobs.(blob.Signer)
	if !ok {
		return nil, fault.New(fault.Invalid, "clients can't be sent to a data folder; name a bucket with S3_BUCKET, or turn S3_REDIRECT off")
	}
	ctx, cancel := context.WithTimeout(context.Background(), bucketTimeout)
	defer cancel()
	_, err := signer.SignPut(ctx, blob.Key{Space: blob.Commits, Digest: digest.Of(nil)}, time.Minute, 0)
	if errors.Is(err, blob.ErrUnsigned) {
		r.config.Log.Warn("the service of the bucket does not check uploads by signed URLs as S3 does; they go through this server", "err", err)
		err = nil
	}
	return &blob.Links{Signer: signer, Least: leastLink}, err
}
