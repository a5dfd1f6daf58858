package s3blob

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/org/registry-action/internal/store/awsconfig"
	"github.com/org/registry-action/internal/store/blob"
)

const (
	// partSize bytes go in one request; larger blobs go in several, partsAtOnce at a time.
	partSize    = 8 << 20
	partsAtOnce = 4
	maxParts    = 10_000 // of S3; larger blobs have larger parts

	// putKey is the metadata that tells a Put its own object from another's, should the answer get lost.
	putKey = "put"

	putTries = 8
	putPause = 50 * time.Millisecond // grows with each try
)

// errConflict: another Put or Delete of the same key was under way; nothing was stored.
var errConflict = errors.New("the bucket is busy with the same key")

// Put stores the bytes of r. They wait in the spool folder until all are there.
func (s *Store) Put(ctx context.Context, key blob.Key, r io.Reader) (_ blob.Info, created bool, err error) {
	if err := check(ctx, key.Space); err != nil {
		return blob.Info{}, false, err
	}
	body, err := s.receive(ctx, key, r)
	if err != nil {
		return blob.Info{}, false, err
	}
	defer func() { _ = body.Close() }() // it was only read; the folder is emptied at the next start
	key.Digest = body.digest
	for try := range putTries {
		info, created, err := s.store(ctx, key, body)
		if err == nil && !created {
			err = s.reuse(ctx, info)
		}
		// ErrNotFound: the object that was there was deleted in this moment.
		if !errors.Is(err, errConflict) && !errors.Is(err, blob.ErrNotFound) {
			return info, created, err
		}
		if err := pause(ctx, time.Duration(try)*putPause); err != nil {
			return blob.Info{}, false, err
		}
	}
	return blob.Info{}, false, fmt.Errorf("putting blob %s: %w", key, busy(errConflict))
}

// store sends the bytes unless the bucket has them, and describes what is there then.
func (s *Store) store(ctx context.Context, key blob.Key, body *received) (info blob.Info, created bool, err error) {
	multipart := body.size > partSize
	conditional := !s.unconditional.Load()
	if multipart || !conditional {
		// Most blobs are new: of a small one the condition tells, a large one is not sent for nothing.
		if info, err := s.Stat(ctx, key); !errors.Is(err, blob.ErrNotFound) {
			return info, false, err
		}
	}
	id := rand.Text()
	send := s.sendWhole
	if multipart {
		send = s.sendParts
	}
	now := time.Now()
	sent := send(ctx, key, body, id)
	switch {
	case sent == nil:
		return infoOf(key, &body.size, &now), true, nil
	case awsconfig.Status(sent) == http.StatusNotImplemented && conditional:
		s.unconditional.Store(true)
		return s.store(ctx, key, body)
	case ctx.Err() != nil:
		return blob.Info{}, false, wrap(ctx, "putting", key, sent)
	}
	// An object that is there is good, whatever became of the answer; which of the Puts made it says its metadata.
	head, err := s.head(ctx, key)
	switch {
	case err == nil:
		return infoOf(key, head.ContentLength, head.LastModified), head.Metadata[putKey] == id, nil
	case !errors.Is(err, blob.ErrNotFound):
		return blob.Info{}, false, err
	case awsconfig.Status(sent) == http.StatusPreconditionFailed:
		return blob.Info{}, false, err
	case awsconfig.Status(sent) == http.StatusConflict:
		return blob.Info{}, false, fmt.Errorf("putting blob %s: %w", key, errConflict)
	}
	return blob.Info{}, false, fmt.Errorf("putting blob %s: %w", key, outage(ctx, sent))
}

// sendWhole sends a small blob in one request.
func (s *Store) sendWhole(ctx context.Context, key blob.Key, body *received, id string) error {
	ctx, cancel := context.WithTimeout(ctx, partTimeout)
	defer cancel()
	_, err := s.api.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &s.bucket, Key: s.name(key), Body: body.section(0, body.size), ContentLength: &body.size,
		ChecksumSHA256: new(sum(key.Digest)), IfNoneMatch: s.condition(), Metadata: map[string]string{putKey: id},
	})
	return err
}

// condition is that of an object that is not there yet, if the service knows it.
func (s *Store) condition() *string {
	if s.unconditional.Load() {
		return nil
	}
	return new("*")
}

func sum(digest [sha256.Size]byte) string { return base64.StdEncoding.EncodeToString(digest[:]) }

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
