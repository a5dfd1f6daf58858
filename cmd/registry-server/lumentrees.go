package main

import (
	"context"
	"crypto/ed25519"
	"strings"

	"github.com/org/registry-action/internal/config"
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
		return lumentree.OpenDisk(ctx, folderOf(to))
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

// registryFlags name a registry that is changed.
type registryFlags struct {
	Registry string `env:"LUMEN_REGISTRY" required:"" placeholder:"URL" group:"Registry" help:"A server, such as https://registry.example.com/lumen, or a static tree: file:///path/to/registry, s3://bucket/prefix."`
	Token    string `env:"REGISTRY_TOKEN,LUMEN_AUTH_TOKEN" secret:"" group:"Registry" help:"A token that may publish to the server."`
	Key      string `type:"path" placeholder:"FILE" group:"Registry" help:"The key to sign with, of key create or of Lumen's client: a static tree, or the upload to a server, where the key is registered."`
}

// Validate refuses what names no registry; it is called for options that were read.
func (f registryFlags) Validate() error {
	if isSite(f.Registry) || isStatic(f.Registry) {
		return checkFolder(f.Registry)
	}
	return config.Usagef("%q names no registry; write https:// before the host of a server, file:// before a folder, or s3://bucket/prefix", f.Registry)
}

// signer reads the key; nil if there is none.
func (f registryFlags) signer() (ed25519.PrivateKey, error) {
	if f.Key == "" {
		return nil, nil
	}
	return lumentree.ReadKey(f.Key)
}

// site opens the server.
func (f registryFlags) site() (*lumentree.Site, error) {
	return lumentree.OpenSite(lumenBase(f.Registry), f.Token)
}

// isStatic reports whether a registry is a tree that this process writes itself.
func isStatic(registry string) bool {
	return strings.HasPrefix(registry, fileScheme) || strings.HasPrefix(registry, bucketScheme)
}

const fileScheme = "file://"

// folderOf is the folder that a path or a file:// URL names.
func folderOf(name string) string { return strings.TrimPrefix(name, fileScheme) }

// checkFolder refuses file://host/path: read as a path it would be a folder below the present one, which nobody means.
func checkFolder(name string) error {
	path, ok := strings.CutPrefix(name, fileScheme)
	if !ok || strings.HasPrefix(path, "/") || strings.HasPrefix(path, ".") {
		return nil
	}
	return config.Usagef("%q names the folder of another host; write the whole path after file://, as file:///srv/lumen, or one that begins with a dot, as file://./lumen", name)
}

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
	folder, err := lumentree.OpenFolder(folderOf(name))
	if err != nil {
		return nil, nil, err
	}
	return folder, folder.Close, nil
}

func isSite(name string) bool {
	return strings.HasPrefix(name, "http://") || strings.HasPrefix(name, "https://")
}
