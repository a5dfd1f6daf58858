package packages

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/packument"
	"github.com/org/registry-action/internal/format/semver"
	"github.com/org/registry-action/internal/store/blob"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/turns"
)

// readVersion reads the row of a version, named by itself or a dist-tag.
func (s *Service) readVersion(ctx context.Context, p pkg, versionOrTag string) (versionRow, error) {
	version := versionOrTag
	if to, ok := p.Tags[versionOrTag]; ok {
		version = to
	}
	key, err := canonical(version)
	if err != nil {
		return versionRow{}, noVersion(p, versionOrTag)
	}
	row, err := s.db.Get(ctx, versionKey(p.name, key))
	if errors.Is(err, kv.ErrNotFound) {
		return versionRow{}, s.missing(ctx, p, versionOrTag, key)
	}
	var v versionRow
	if err == nil {
		err = s.codec.decode(row, &v)
	}
	return v, err
}

func noVersion(p pkg, versionOrTag string) error {
	return fault.New(fault.NotFound, "Package version not found: %s has no version or dist-tag %.230q", p.name, versionOrTag)
}

// missing says why a version is not there.
func (s *Service) missing(ctx context.Context, p pkg, version, key string) error {
	gone, _, found, err := kv.ReadJSON[tombstone](ctx, s.db, goneKey(p.name, key))
	switch {
	case err != nil:
		return err
	case found:
		return fault.New(fault.NotFound, "Package version not found: %s@%s was unpublished on %s", p.name, version, gone.When.Format("2006-01-02")).WithCode("unpublished")
	}
	return noVersion(p, version)
}

// version makes the Version of a row.
func (p pkg) version(r versionRow) Version {
	v := Version{Artifact: r.Artifact, PublishedAt: r.PublishedAt, Provenance: r.Predicate != "", Proof: r.Proof}
	v.Version = packument.Version{
		Name: p.name, Version: r.Version, Manifest: r.Manifest,
		Deprecated: r.Deprecated, InstallScript: r.InstallScript, Shrinkwrap: r.Shrinkwrap,
		Publisher: new(packument.User(r.Publisher)), Maintainers: persons(p.Owners),
		Dist: packument.Dist{
			Shasum: r.Artifact.Shasum, Integrity: r.Artifact.Integrity,
			FileCount: r.Artifact.Files, UnpackedSize: r.Artifact.Unpacked,
			Signatures: r.Signatures, Attestations: attestations(r.Predicate),
		},
	}
	return v
}

func persons(names []string) []packument.Person {
	out := make([]packument.Person, 0, len(names))
	for _, name := range names {
		out = append(out, packument.User(name))
	}
	return out
}

// versions reads all versions by semver, lowest first.
func (s *Service) versions(ctx context.Context, name string) ([]versionRow, error) {
	type parsed struct {
		versionRow
		semver semver.Version
	}
	var all []parsed
	for row, err := range s.db.Scan(ctx, packagePartition(name), kv.Query{Prefix: versionPrefix}) {
		if err != nil {
			return nil, err
		}
		var v parsed
		if err := s.codec.decode(row, &v.versionRow); err != nil {
			return nil, err
		}
		if v.semver, err = semver.Parse(v.Version); err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	slices.SortFunc(all, func(a, b parsed) int { return semver.Compare(a.semver, b.semver) })
	out := make([]versionRow, len(all))
	for i, v := range all {
		out[i] = v.versionRow
	}
	return out, nil
}

// Package reads a package; fault.NotFound if there is none or nothing of it is left. What it holds
// is at least as new as its Revision.
func (s *Service) Package(ctx context.Context, name string) (*Package, error) {
	var out *Package
	err := turns.Retry(name, func() error {
		p, err := s.living(ctx, name)
		if err != nil {
			return err
		}
		rows, err := s.versions(ctx, name)
		if err != nil {
			return err
		}
		if !p.complete(rows) {
			return kv.ErrConflict // unpublished since the head was read
		}
		out, err = s.assemble(ctx, p, rows)
		return err
	})
	return out, err
}

// complete reports whether every dist-tag points at one of the versions.
func (p pkg) complete(rows []versionRow) bool {
	there := make(map[string]bool, len(rows))
	for _, r := range rows {
		there[r.Version] = true
	}
	for _, version := range p.Tags {
		if !there[version] {
			return false
		}
	}
	return true
}

func (s *Service) assemble(ctx context.Context, p pkg, rows []versionRow) (*Package, error) {
	out := &Package{Head: p.summary(), Versions: make([]Version, 0, len(rows))}
	maintainers := persons(p.Owners)
	for _, r := range rows {
		v := p.version(r)
		v.Maintainers = maintainers
		out.Versions = append(out.Versions, v)
		if r.Version == p.Tags[latest] {
			text, err := s.readme(ctx, p.name, r.Readme)
			if err != nil {
				return nil, err
			}
			out.Readme = text
		}
	}
	if p.Stars == 0 {
		return out, nil
	}
	for row, err := range s.db.Scan(ctx, packagePartition(p.name), kv.Query{Prefix: starPrefix}) {
		if err != nil {
			return nil, err
		}
		out.Stars = append(out.Stars, strings.TrimPrefix(row.Sort, starPrefix))
	}
	return out, nil
}

// readme reads a text, if there is one. What is just gone, with its version, is empty.
func (s *Service) readme(ctx context.Context, name, id string) (string, error) {
	if id == "" {
		return "", nil
	}
	row, err := s.db.Get(ctx, readmeKey(name, id))
	if errors.Is(err, kv.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	text, err := s.codec.inflate(row)
	return string(text), err
}

// isoTime is how npm writes times: UTC, in milliseconds.
const isoTime = "2006-01-02T15:04:05.000Z"

// Packument reads a package as the document that describes it. Every dist.tarball is empty: it
// depends on the address that is asked.
func (s *Service) Packument(ctx context.Context, name string) (*packument.Packument, error) {
	p, err := s.Package(ctx, name)
	if err != nil {
		return nil, err
	}
	out := &packument.Packument{
		Name: p.Name, Rev: p.Revision, DistTags: p.Tags, Maintainers: persons(p.Owners), Readme: p.Readme,
		Versions: make([]packument.Version, 0, len(p.Versions)),
		Time:     map[string]string{"created": p.Created.Format(isoTime), "modified": p.Modified.Format(isoTime)},
	}
	for _, v := range p.Versions {
		out.Versions = append(out.Versions, v.Version)
		out.Time[v.Version.Version] = v.PublishedAt.Format(isoTime)
	}
	if len(p.Stars) > 0 {
		out.Users = make(map[string]bool, len(p.Stars))
		for _, user := range p.Stars {
			out.Users[user] = true
		}
	}
	return out, nil
}

// Version reads one version by its version or a dist-tag.
func (s *Service) Version(ctx context.Context, name, versionOrTag string) (Version, error) {
	_, v, err := s.Find(ctx, name, versionOrTag)
	return v, err
}

// Find reads one version by its version or a dist-tag, and the head of its package. It reads no other version.
func (s *Service) Find(ctx context.Context, name, versionOrTag string) (Head, Version, error) {
	var head Head
	var version Version
	err := turns.Retry(name, func() error {
		p, err := s.living(ctx, name)
		if err != nil {
			return err
		}
		row, err := s.readVersion(ctx, p, versionOrTag)
		if _, tag := p.Tags[versionOrTag]; tag && errors.Is(err, fault.NotFound) {
			return kv.ErrConflict // unpublished since the head was read; the tag points elsewhere now
		}
		if err != nil {
			return err
		}
		head, version = p.summary(), p.version(row)
		return nil
	})
	return head, version, err
}

func (p pkg) summary() Head {
	return Head{
		Name: p.name, Revision: p.revision(), Tags: p.Tags, Owners: p.Owners, Restricted: p.Restricted, Created: p.Created, Modified: p.Modified,
	}
}

// Stored is what is kept of a version's bytes.
type Stored struct {
	Artifact    Artifact
	PublishedAt time.Time
}

// Open opens the tarball of a version; a dist-tag is fault.NotFound, since what it names changes.
// The caller closes it.
func (s *Service) Open(ctx context.Context, name, version string) (*Content, Stored, error) {
	stored, err := s.stored(ctx, name, version)
	if err != nil {
		return nil, stored, err
	}
	return s.openStored(ctx, stored)
}

// OpenOrLink is Open for a client that can be sent to the store itself; as is what it is told of the bytes there.
func (s *Service) OpenOrLink(ctx context.Context, name, version string, as blob.Answer) (*Content, Stored, error) {
	stored, err := s.stored(ctx, name, version)
	if err != nil {
		return nil, stored, err
	}
	size := stored.Artifact.Whole.Size
	link, err := s.opt.Links.Get(ctx, blobKey(stored.Artifact), size, as)
	if err != nil || link != "" {
		return &Content{Size: size, URL: link}, stored, err
	}
	return s.openStored(ctx, stored)
}

func (s *Service) openStored(ctx context.Context, stored Stored) (*Content, Stored, error) {
	b, info, err := s.blobs.Open(ctx, blobKey(stored.Artifact))
	if err != nil {
		return nil, stored, err
	}
	return &Content{ReadSeekCloser: b, Size: info.Size}, stored, nil
}

// stored finds the bytes of a version. They are read from its row once and then
// taken from memory for as long as the package is the same.
func (s *Service) stored(ctx context.Context, name, version string) (Stored, error) {
	revision, err := s.Revision(ctx, name)
	if err != nil {
		return Stored{}, err
	}
	if stored, ok := s.heads.stored(name, version, revision); ok {
		return stored, nil
	}
	p, err := s.living(ctx, name)
	if err != nil {
		return Stored{}, err
	}
	if key, err := canonical(version); err != nil || key != version {
		return Stored{}, noVersion(p, version)
	}
	row, err := s.readVersion(ctx, p, version)
	if err != nil {
		return Stored{}, err
	}
	stored := Stored{Artifact: row.Artifact, PublishedAt: row.PublishedAt}
	s.heads.keep(name, version, revision, stored)
	return stored, nil
}
