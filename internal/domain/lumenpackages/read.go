package lumenpackages

import (
	"context"
	"errors"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/lumen"
	"github.com/org/registry-action/internal/store/kv"
)

// Index is index.json.
func (s *Service) Index(ctx context.Context) (Document, error) {
	t, err := s.present(ctx)
	if err != nil {
		return Document{}, err
	}
	return t.index, nil
}

// Keys is keys.json.
func (s *Service) Keys(ctx context.Context) (Document, error) {
	t, err := s.present(ctx)
	if err != nil {
		return Document{}, err
	}
	return t.keys, nil
}

// Checkpoint is checkpoint.json; it is signed anew when the index changes, and before it expires.
func (s *Service) Checkpoint(ctx context.Context) (Document, error) {
	t, err := s.present(ctx)
	if err != nil {
		return Document{}, err
	}
	return t.check, nil
}

// PackageIndex is packages/{name}/index.json; fault.NotFound if there is none.
func (s *Service) PackageIndex(ctx context.Context, name string) (Document, error) {
	if lumen.ValidName(name, true) != nil {
		return Document{}, absent(name)
	}
	sum, found, err := s.summaryOf(ctx, name)
	if err == nil && !found {
		err = absent(name)
	}
	if err != nil {
		return Document{}, err
	}
	entries, err := s.entries(ctx, name)
	if err != nil {
		return Document{}, err
	}
	return newDocument(lumen.Encode(packageIndex(sum, entries))), nil
}

// Metadata is packages/{name}/{version}.json; fault.NotFound if there is none.
func (s *Service) Metadata(ctx context.Context, name, version string) (Document, error) {
	return s.stored(ctx, name, version, metadataKey)
}

// Signature is signatures/{name}/{version}.sig.json; fault.NotFound if there is none.
func (s *Service) Signature(ctx context.Context, name, version string) (Document, error) {
	return s.stored(ctx, name, version, signatureKey)
}

// stored is a document of a version, whose row has its bytes.
func (s *Service) stored(ctx context.Context, name, version string, key func(name, version string) kv.Key) (Document, error) {
	if lumen.ValidName(name, true) != nil {
		return Document{}, absent(name)
	}
	if lumen.ValidVersion(version) != nil {
		return Document{}, absentVersion(name, version)
	}
	row, err := s.db.Get(ctx, key(name, version))
	if errors.Is(err, kv.ErrNotFound) {
		return Document{}, absentVersion(name, version)
	}
	if err != nil {
		return Document{}, err
	}
	return newDocument(row.Value), nil
}

func absentArtifact(d digest.SHA256) error {
	return fault.New(fault.NotFound, "Artifact not found: no version here has the archive %s", d)
}

// artifact reads what is known of an archive of a version.
func (s *Service) artifact(ctx context.Context, d digest.SHA256) (artifactRow, error) {
	a, _, found, err := kv.ReadJSON[artifactRow](ctx, s.db, artifactKey(d))
	if err == nil && !found {
		err = absentArtifact(d)
	}
	return a, err
}

// Artifact opens an archive by its digest, of versions of Lumen packages only.
func (s *Service) Artifact(ctx context.Context, d digest.SHA256) (Content, error) {
	a, err := s.artifact(ctx, d)
	if err != nil {
		return Content{}, err
	}
	b, info, err := s.blobs.Open(ctx, a.blobKey())
	if err != nil {
		return Content{}, err
	}
	return Content{ReadSeekCloser: b, Size: info.Size, Digest: d, Kind: a.Kind, Name: a.Name, Version: a.Version}, nil
}
