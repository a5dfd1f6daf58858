package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/blob"
	"github.com/org/registry-action/internal/store/blob/fsblob"
	"github.com/org/registry-action/internal/store/blob/s3blob"
)

// S3 names a bucket of S3, or of a server that speaks its protocol. Credentials are found as by every program of AWS.
type S3 struct {
	Bucket    string `json:"bucket"`              // empty: none
	Prefix    string `json:"prefix,omitzero"`     // in front of every key
	Region    string `json:"region,omitzero"`     // default: what AWS's own configuration says, else us-east-1
	Endpoint  string `json:"endpoint,omitzero"`   // URL of a server that is not Amazon's
	PathStyle bool   `json:"path_style,omitzero"` // the bucket stands in the path and not in the host
}

func (s S3) String() string {
	return strings.TrimRight("s3://"+s.Bucket+"/"+strings.Trim(s.Prefix, "/"), "/")
}

// storageFile, in the data folder, tells where its bytes are if they are not in the folder.
const storageFile = "storage.json"

// bucketTimeout is how long the start waits for the bucket.
const bucketTimeout = time.Minute

type closingStore interface {
	blob.Store
	io.Closer
}

// InFolder, in place of a bucket or a table, is the data folder itself.
const InFolder = "local"

// openBlobs opens the store of bytes that the data folder's metadata speaks of, and tells which it is.
func openBlobs(c Config) (closingStore, S3, error) {
	bucket, err := chooseBucket(c)
	if err != nil {
		return nil, S3{}, err
	}
	if bucket.Bucket == "" {
		blobs, err := fsblob.Open(blobFolder(c.DataDir))
		if err != nil {
			return nil, S3{}, fmt.Errorf("opening the blobs in %s: %w", c.DataDir, err)
		}
		return blobs, S3{}, nil
	}
	blobs, err := openBucket(c, bucket)
	if err != nil {
		return nil, S3{}, err
	}
	if err := remember(c.DataDir, bucket); err != nil {
		return nil, S3{}, errors.Join(fmt.Errorf("noting the bucket in the data folder: %w", err), blobs.Close())
	}
	return blobs, bucket, nil
}

func openBucket(c Config, bucket S3) (closingStore, error) {
	ctx, cancel := context.WithTimeout(context.Background(), bucketTimeout)
	defer cancel()
	blobs, err := s3blob.Open(ctx, s3blob.Config{
		Bucket: bucket.Bucket, Prefix: bucket.Prefix, Region: bucket.Region, Endpoint: bucket.Endpoint, PathStyle: bucket.PathStyle,
		Spool: spoolFolder(c.DataDir), Retried: c.retried("blobs"),
	})
	if err != nil {
		return nil, err
	}
	if err := blobs.CheckRules(ctx, c.Retention); err != nil {
		return nil, errors.Join(err, blobs.Close())
	}
	return blobs, nil
}

// chooseBucket returns the bucket to use, none for the data folder itself: what Config says, else what the folder
// remembers. Metadata whose bytes are elsewhere would promise packages that nobody can install, so another place than
// the one the bytes are in is refused.
func chooseBucket(c Config) (S3, error) {
	kept, err := remembered(c.DataDir)
	switch {
	case err != nil || c.S3.Bucket == "":
		return kept, err
	case kept.Bucket == "" && c.S3.Bucket == InFolder:
		return S3{}, nil
	case kept.Bucket != "" && c.S3.Bucket == InFolder:
		return S3{}, fault.New(fault.Invalid, "the bytes of the packages in the data folder %s are in %s; leave S3_BUCKET out, or move them here with: registry-server migrate --from s3 --to local", c.DataDir, kept)
	case kept.Bucket != "" && !kept.same(c.S3):
		return S3{}, fault.New(fault.Invalid, "the bytes of the packages in the data folder %s are in %s, not in %s; leave S3_BUCKET and S3_PREFIX out, or, if you have copied them, remove %s",
			c.DataDir, kept, c.S3, filepath.Join(c.DataDir, storageFile))
	case kept.Bucket != "":
		return c.S3, nil
	}
	held, err := hasBlobs(c.DataDir)
	if err != nil {
		return S3{}, err
	}
	if held {
		return S3{}, fault.New(fault.Invalid, "the bytes of the packages in the data folder %s are in the folder itself, in blobs; leave S3_BUCKET out, choose an empty folder with --data (REGISTRY_DATA), or move them with: registry-server migrate --from local --to s3 --s3-bucket %s", c.DataDir, c.S3.Bucket)
	}
	return c.S3, nil
}

// same reports whether two names are of one place.
func (s S3) same(o S3) bool {
	return s.Bucket == o.Bucket && strings.Trim(s.Prefix, "/") == strings.Trim(o.Prefix, "/")
}

func blobFolder(data string) string { return filepath.Join(data, "blobs") }

func spoolFolder(data string) string { return filepath.Join(data, "spool") }

// hasBlobs reports whether a server kept blobs in the folder itself.
func hasBlobs(data string) (bool, error) {
	found, err := filepath.Glob(filepath.Join(blobFolder(data), "[a-z]*", "*", "*"))
	if err != nil {
		return false, fmt.Errorf("looking for blobs in %s: %w", data, err)
	}
	return len(found) > 0, nil
}

// remembered is the bucket that remember noted; none if there is no note.
func remembered(data string) (s S3, err error) {
	text, err := os.ReadFile(filepath.Join(data, storageFile))
	if errors.Is(err, fs.ErrNotExist) {
		return S3{}, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err == nil && s.Bucket == "" {
		err = errors.New("it names no bucket")
	}
	if err != nil {
		return S3{}, fmt.Errorf("reading where bytes are stored, in %s: %w", filepath.Join(data, storageFile), err)
	}
	return s, nil
}

func remember(data string, s S3) error {
	if kept, err := remembered(data); err == nil && kept == s {
		return nil
	}
	return writeNote(filepath.Join(data, storageFile), s)
}
