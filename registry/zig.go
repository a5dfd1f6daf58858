package registry

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/domain/zigpackages"
)

// ZigVersion is a published version of a Zig package.
type ZigVersion struct {
	Name        string
	Version     string
	Description string
	Hash        string   // name-version-…, of Zig 0.14 and later
	LegacyHash  string   // 1220…, of Zig 0.11 to 0.15
	Zig         []string // the compilers that can use it, such as "0.16"
	PublishedAt time.Time
}

// PublishZig publishes a Zig package from its archive: a tar, tar.gz, tar.xz, tar.zst
// or zip with a build.zig.zon. The same content again is a success; other content for
// a version that is there is ErrExists.
func (r *Registry) PublishZig(ctx context.Context, archive io.Reader, description string) (v ZigVersion, err error) {
	who := auth.Operator()
	up, err := r.zig.Receive(ctx, who, archive)
	if err != nil {
		return ZigVersion{}, err
	}
	defer func() { err = errors.Join(err, up.Close()) }()
	p, err := r.zig.Publish(ctx, who, zigpackages.Release{Upload: up, Description: description})
	if err != nil {
		return ZigVersion{}, err
	}
	return zigVersionOf(p.Version), nil
}

// ZigVersion reads one version of a Zig package, or "latest".
func (r *Registry) ZigVersion(ctx context.Context, name, version string) (ZigVersion, error) {
	v, err := r.zig.Version(ctx, name, version)
	return zigVersionOf(v), err
}

// ZigArchive opens the archive of a version, a tar.gz. The caller closes it.
func (r *Registry) ZigArchive(ctx context.Context, name, version string) (io.ReadCloser, error) {
	v, err := r.zig.Version(ctx, name, version)
	if err != nil {
		return nil, err
	}
	content, err := r.zig.Open(ctx, v)
	if err != nil {
		return nil, err
	}
	return content, nil
}

func zigVersionOf(v zigpackages.Version) ZigVersion {
	return ZigVersion{
		Name: v.Name, Version: v.Version, Description: v.Description, Hash: v.Hash, LegacyHash: v.Legacy, Zig: v.Zig, PublishedAt: v.PublishedAt,
	}
}
