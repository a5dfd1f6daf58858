package main

import (
	"context"
	"strings"

	"github.com/org/registry-action/internal/lumentree"
	"github.com/org/registry-action/internal/lumentree/s3tree"
)

// bucketFlags say how to reach the bucket of an s3:// URL.
type bucketFlags struct {
	S3Endpoint  string `name:"s3-endpoint" env:"S3_ENDPOINT" placeholder:"URL" group:"Bucket" help:"A server of S3's protocol that is not Amazon's."`
	S3Region    string `name:"s3-region" env:"S3_REGION" placeholder:"REGION" group:"Bucket" help:"Default: as AWS's own configuration says."`
	S3PathStyle bool   `name:"s3-force-path-style" env:"S3_FORCE_PATH_STYLE" group:"Bucket" help:"The bucket stands in the path of URLs, not in the host."`
}

// writingFlags are bucketFlags of a command that writes.
type writingFlags struct {
	bucketFlags
	NoLock bool `name:"no-lock" group:"Bucket" help:"Nobody else writes to the bucket, whose service knows no conditional writes."`
}

const bucketScheme = "s3://"

// open opens the tree in a bucket to read.
func (f bucketFlags) open(ctx context.Context, url string) (*s3tree.Bucket, error) {
	return f.bucket(ctx, url, s3tree.Config{})
}

func (f bucketFlags) bucket(ctx context.Context, url string, c s3tree.Config) (*s3tree.Bucket, error) {
	bucket, prefix, err := s3tree.ParseURL(url)
	if err != nil {
		return nil, err
	}
	c.Bucket, c.Prefix, c.Region, c.Endpoint, c.PathStyle = bucket, prefix, f.S3Region, f.S3Endpoint, f.S3PathStyle
	return s3tree.Open(ctx, c)
}

// sink opens a folder or a bucket to write to, once nobody else does.
func (f writingFlags) sink(ctx context.Context, to string, overwrite bool) (lumentree.Sink, error) {
	if !strings.HasPrefix(to, bucketScheme) {
		return lumentree.OpenDisk(ctx, strings.TrimPrefix(to, fileScheme))
	}
	b, err := f.bucket(ctx, to, s3tree.Config{Overwrite: overwrite, NoLock: f.NoLock})
	if err != nil {
		return nil, err
	}
	if err := b.Lock(ctx); err != nil {
		return nil, err
	}
	return b, nil
}

const fileScheme = "file://"

// openTree opens a registry to read: by its URL, in a bucket, or as a folder.
func openTree(ctx context.Context, name, token string, f bucketFlags) (lumentree.Tree, func() error, error) {
	switch {
	case isSite(name):
		site, err := lumentree.OpenSite(name, token)
		if err != nil {
			return nil, nil, err
		}
		return site, site.Close, nil
	case strings.HasPrefix(name, bucketScheme):
		b, err := f.open(ctx, name)
		if err != nil {
			return nil, nil, err
		}
		return b, b.Close, nil
	}
	folder, err := lumentree.OpenFolder(strings.TrimPrefix(name, fileScheme))
	if err != nil {
		return nil, nil, err
	}
	return folder, folder.Close, nil
}

func isSite(name string) bool {
	return strings.HasPrefix(name, "http://") || strings.HasPrefix(name, "https://")
}
