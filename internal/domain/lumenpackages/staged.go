package lumenpackages

import (
	"context"
	"errors"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/store/blob"
	"github.com/org/registry-action/internal/store/kv"
)

// stageFor is how long an archive waits for its metadata; well below what its bytes are held for.
const stageFor = 2 * time.Hour

// stagedRow is an archive that its sender can publish by its digest.
type stagedRow struct {
	Size int64 `json:"size"`
}

// Stage keeps an archive, as it was sent, for some hours: the metadata of a version may name it. Nobody else sees it.
func (s *Service) Stage(ctx context.Context, who Principal, u *Upload, announced digest.SHA256) error {
	if err := who.MayRelease(principalNameOf(u)); err != nil {
		return err
	}
	if u.sentDigest() != announced {
		return mismatch(announced, u.sentDigest())
	}
	all := u.archives()
	sent := all[len(all)-1]
	if err := s.store(ctx, sent); err != nil {
		return err
	}
	row := kv.JSON(stagedKey(sent.Digest, who.User()), stagedRow{sent.Size})
	row.Expires = s.now().Add(stageFor)
	return s.db.Apply(ctx, kv.Put(row))
}

func principalNameOf(u *Upload) string { return pkg{name: u.Manifest.Name}.principalName() }

// Staged returns the size of an archive that who has staged, in bytes; fault.NotFound for others'.
func (s *Service) Staged(ctx context.Context, who Principal, d digest.SHA256) (size int64, err error) {
	if who.User() == "" {
		return 0, absentArtifact(d)
	}
	row, _, found, err := kv.ReadJSON[stagedRow](ctx, s.db, stagedKey(d, who.User()))
	if err == nil && !found {
		err = absentArtifact(d)
	}
	return row.Size, err
}

// Reopen receives an archive anew that who has staged, or that is published.
func (s *Service) Reopen(ctx context.Context, who Principal, d digest.SHA256) (u *Upload, err error) {
	if _, err := s.Staged(ctx, who, d); errors.Is(err, fault.NotFound) {
		_, err = s.artifact(ctx, d)
		if err != nil {
			return nil, err
		}
	} else if err != nil {
		return nil, err
	}
	b, _, err := s.blobs.Open(ctx, artifact{part: part{Digest: d}}.blobKey())
	if errors.Is(err, blob.ErrNotFound) {
		err = absentArtifact(d)
	}
	if err != nil {
		return nil, err
	}
	defer func() {
		if cerr := b.Close(); cerr != nil && err == nil {
			err = errors.Join(cerr, u.Close())
		}
	}()
	return s.Receive(ctx, who, b)
}
