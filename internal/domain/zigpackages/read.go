package zigpackages

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/zig"
	"github.com/org/registry-action/internal/store/kv"
)

// hashRow names a version that has a hash.
type hashRow struct {
	Name        string    `json:"name"` // its key
	Version     string    `json:"version"`
	PublishedAt time.Time `json:"publishedAt"`
}

// hashes are the forms of a version's hash.
func (v Version) hashes() []string {
	if v.Hash == "" {
		return []string{v.Legacy}
	}
	return []string{v.Hash, v.Legacy}
}

// Package reads a package; fault.NotFound "Package not found".
func (s *Service) Package(ctx context.Context, name string) (Package, error) {
	p, err := s.living(ctx, name)
	if err != nil {
		return Package{}, err
	}
	out := Package{ID: p.ID, Owners: p.Owners, Created: p.Created, Modified: p.Modified}
	if out.Versions, err = s.versions(ctx, p); err != nil {
		return Package{}, err
	}
	out.Name = out.Latest().Name
	return out, nil
}

// versions reads all versions by semver, lowest first.
func (s *Service) versions(ctx context.Context, p pkg) ([]Version, error) {
	var all []Version
	for row, err := range s.db.Scan(ctx, packagePartition(p.key), kv.Query{Prefix: versionPrefix}) {
		if err != nil {
			return nil, err
		}
		var v Version
		if err := json.Unmarshal(row.Value, &v); err != nil {
			return nil, fmt.Errorf("decoding row %s: %w", row.Key, err)
		}
		all = append(all, v)
	}
	slices.SortFunc(all, Version.compare)
	return all, nil
}

// Version reads one version, or "latest".
func (s *Service) Version(ctx context.Context, name, version string) (Version, error) {
	p, err := s.living(ctx, name)
	if err != nil {
		return Version{}, err
	}
	if version == "latest" {
		version = p.Latest
	}
	return s.readVersion(ctx, p, version)
}

func (s *Service) readVersion(ctx context.Context, p pkg, version string) (Version, error) {
	absent := fault.New(fault.NotFound, "Package version not found: %s has no version %.140q", p.Name, version)
	if !isVersion(version) {
		return Version{}, absent
	}
	v, _, found, err := kv.ReadJSON[Version](ctx, s.db, versionKey(p.key, version))
	if err == nil && !found {
		err = absent
	}
	return v, err
}

// maxSame bounds how many versions with the same content ByHash looks at.
const maxSame = 100

// ByHash finds the version that has a hash, in either form. Of several with the same content the newest that is not yanked.
func (s *Service) ByHash(ctx context.Context, hash string) (Version, error) {
	if !zig.ValidHash(hash) {
		return Version{}, fault.New(fault.NotFound, "Package not found for this hash: %.120q is none that a compiler prints, such as 1220… with 64 hex digits behind, or name-1.2.3-… with 44 characters behind", hash)
	}
	var rows []hashRow
	for row, err := range s.db.Scan(ctx, hashPartition(hash), kv.Query{Limit: maxSame}) {
		if err != nil {
			return Version{}, err
		}
		var r hashRow
		if err := json.Unmarshal(row.Value, &r); err != nil {
			return Version{}, fmt.Errorf("decoding row %s: %w", row.Key, err)
		}
		rows = append(rows, r)
	}
	slices.SortStableFunc(rows, func(a, b hashRow) int { return b.PublishedAt.Compare(a.PublishedAt) })
	var newest *Version
	for _, r := range rows {
		v, err := s.readVersion(ctx, pkg{key: r.Name}, r.Version)
		if err != nil {
			return Version{}, err
		}
		if !v.Yanked {
			return v, nil
		}
		if newest == nil {
			newest = &v
		}
	}
	if newest == nil {
		return Version{}, fault.New(fault.NotFound, "Package not found for this hash: no version published here has the content %.120s", hash)
	}
	return *newest, nil
}

// Open opens a version's archive.
func (s *Service) Open(ctx context.Context, v Version) (Content, error) {
	b, info, err := s.blobs.Open(ctx, blobKey(v.Artifact))
	if err != nil {
		return Content{}, err
	}
	return Content{ReadSeekCloser: b, Size: info.Size}, nil
}
