package s3blob

import (
	"context"
	"errors"
	"net/http"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/awsconfig"
)

// check asks for the bucket and says what is wrong: fault.Invalid for what the operator has to change, fault.Upstream
// if nobody answers as S3 does.
func (s *Store) check(ctx context.Context, region string) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err := s.api.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &s.bucket})
	switch status := awsconfig.Status(err); {
	case err == nil:
		return nil
	case status == http.StatusNotFound:
		return fault.Wrap(err, fault.Invalid, "there is no bucket %q; make it, or correct S3_BUCKET, S3_REGION or S3_ENDPOINT", s.bucket)
	case status == http.StatusMovedPermanently || status == http.StatusBadRequest && regionOf(err) != "":
		return fault.Wrap(err, fault.Invalid, "the bucket %q is not in the region %s but in %q; set S3_REGION to that", s.bucket, region, regionOf(err))
	case status == http.StatusForbidden || status == http.StatusUnauthorized:
		return fault.Wrap(err, fault.Invalid, "the bucket %q does not let these credentials in; they need s3:ListBucket, s3:GetObject, s3:PutObject, s3:DeleteObject and s3:AbortMultipartUpload", s.bucket)
	case status != 0:
		return fault.Wrap(err, fault.Upstream, "asked for the bucket %q, S3 answers with the status %d; is it S3 that listens at S3_ENDPOINT?", s.bucket, status)
	}
	return fault.Wrap(err, fault.Upstream, "S3 can't be reached to ask for the bucket %q: %v", s.bucket, err)
}

// regionOf is where the answer says that the bucket is.
func regionOf(err error) string {
	if e, ok := errors.AsType[*awshttp.ResponseError](err); ok && e.Response != nil {
		return e.Response.Header.Get("X-Amz-Bucket-Region")
	}
	return ""
}
