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

// openBlobs opens the store of bytes that the data folder's metadata speaks of.
func openBlobs(c Config) (closingStore, error) {
	bucket, err := chooseBucket(c)
	if err != nil {
		return nil, err
	}
	if bucket.Bucket == "" {
		blobs, err := fsblob.Open(blobFolder(c.DataDir))
		if err != nil {
			return nil, fmt.Errorf("opening the blobs in %s: %w", c.DataDir, err)
		}
		return blobs, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), bucketTimeout)
	defer cancel()
	blobs, err := s3blob.Open(ctx, s3blob.Config{
		Bucket: bucket.Bucket, Prefix: bucket.Prefix, Region: bucket.Region, Endpoint: bucket.Endpoint, PathStyle: bucket.PathStyle,
		Spool: spoolFolder(c.DataDir),
	})
	if err != nil {
		return nil, err
	}
	if err := remember(c.DataDir, bucket); err != nil {
		return nil, errors.Join(fmt.Errorf("noting the bucket in the data folder: %w", err), blobs.Close())
	}
	return blobs, nil
}

// chooseBucket returns the bucket to use, none for the data folder itself. Metadata whose bytes are elsewhere would
// promise packages that nobody can install, so another place than the folder's own is refused.
func chooseBucket(c Config) (S3, error) {
	kept, err := remembered(c.DataDir)
	if err != nil || c.SameStorage {
		return kept, err
	}
	file := filepath.Join(c.DataDir, storageFile)
	switch {
	case kept.Bucket != "" && (kept.Bucket != c.S3.Bucket || strings.Trim(kept.Prefix, "/") != strings.Trim(c.S3.Prefix, "/")):
		return S3{}, fault.New(fault.Invalid, "the bytes of the packages in the data folder %s are in %s; set S3_BUCKET and S3_PREFIX to that, or, if you have copied them elsewhere, remove %s", c.DataDir, kept, file)
	case kept.Bucket == "" && c.S3.Bucket != "":
		held, err := hasBlobs(c.DataDir)
		if err != nil {
			return S3{}, err
		}
		if held {
			return S3{}, fault.New(fault.Invalid, "the bytes of the packages in the data folder %s are in the folder itself, in blobs; unset S3_BUCKET, choose an empty folder with --data (REGISTRY_DATA), or copy them to %s and move the folder blobs away", c.DataDir, c.S3)
		}
	}
	return c.S3, nil
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
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	temp := filepath.Join(data, storageFile+".new")
	if err := os.WriteFile(temp, append(text, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(temp, filepath.Join(data, storageFile))
}
