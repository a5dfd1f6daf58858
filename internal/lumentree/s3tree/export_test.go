package s3tree

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// OpenWith is Open with requests that a test answers.
func OpenWith(c Config, client s3.HTTPClient) *Bucket {
	api := s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: &c.Endpoint, UsePathStyle: true, HTTPClient: client, Credentials: aws.AnonymousCredentials{},
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired, ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
	})
	return &Bucket{cfg: c, api: api, etags: map[string]string{}}
}

// Renew renews the lock now.
func (b *Bucket) Renew(ctx context.Context) error { return b.lease.update(ctx, b.lease.doc) }
