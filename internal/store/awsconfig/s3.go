package awsconfig

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// S3 returns the options of a client of S3. endpoint is the URL of a server that is not Amazon's, empty for Amazon's;
// with pathStyle the bucket stands in the path of URLs and not in the host. The SDK adds no checksums by itself, which
// not every server knows: whoever puts an object sends its SHA-256.
func S3(endpoint string, pathStyle bool) func(*s3.Options) {
	return func(o *s3.Options) {
		o.UsePathStyle = pathStyle
		if endpoint != "" {
			o.BaseEndpoint = &endpoint
		}
		o.RequestChecksumCalculation, o.ResponseChecksumValidation = aws.RequestChecksumCalculationWhenRequired, aws.ResponseChecksumValidationWhenRequired
	}
}
