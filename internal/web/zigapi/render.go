package zigapi

import (
	"fmt"
	"net/url"
	"time"

	"github.com/org/registry-action/internal/domain/zigpackages"
	"github.com/org/registry-action/internal/format/provenance"
	"github.com/org/registry-action/internal/format/zig"
)

// metadata describes a version. What Pantry's answers have comes first.
type metadata struct {
	Name         string `json:"name"`
	Version      string `json:"version"`
	Description  string `json:"description,omitempty"`
	TarballURL   string `json:"tarballUrl"`
	Hash         string `json:"hash"` // PackageHash or LegacyHash, as every compiler of Zig takes it
	PublishedAt  string `json:"publishedAt"`
	FetchCommand string `json:"fetchCommand"`
	Dependency   string `json:"dependency"` // with Hash

	PackageHash string   `json:"packageHash,omitempty"` // name-version-…, of Zig 0.14 and later
	LegacyHash  string   `json:"legacyHash"`            // 1220…, of Zig 0.11 to 0.15
	Zig         []string `json:"zig"`                   // the compilers that can use it

	Fingerprint       string            `json:"fingerprint,omitempty"` // as in the manifest: beyond what JSON's numbers hold
	MinimumZigVersion string            `json:"minimumZigVersion,omitempty"`
	Paths             []string          `json:"paths,omitempty"`
	Dependencies      []zig.Dependency  `json:"dependencies,omitempty"`
	Checksum          string            `json:"checksum"` // of the archive, "sha256:…"
	Integrity         string            `json:"integrity"`
	Size              int64             `json:"size"`
	UnpackedSize      int64             `json:"unpackedSize"`
	FileCount         int               `json:"fileCount"`
	Publisher         string            `json:"publisher,omitempty"`
	Provenance        *provenance.Proof `json:"provenance,omitempty"` // null: a token that was stored published it
	Yanked            bool              `json:"yanked,omitempty"`
	YankReason        string            `json:"yankReason,omitempty"`
}

func (a *API) render(v zigpackages.Version) metadata {
	at := tarballURL(a.BaseURL, v.Name, v.Version)
	hash, _ := zig.Hashes{Hash: v.Hash, Legacy: v.Legacy}.Best(v.Zig) // all take it: no manifest is for 0.13 and 0.16 both
	out := metadata{
		Name: v.Name, Version: v.Version, Description: v.Description, TarballURL: at, Hash: hash, PublishedAt: isoTime(v.PublishedAt),
		FetchCommand: "zig fetch --save " + at, Dependency: zig.Snippet(v.Name, at, hash),
		PackageHash: v.Hash, LegacyHash: v.Legacy, Zig: v.Zig,
		MinimumZigVersion: v.MinimumZig, Paths: v.Paths, Dependencies: v.Depends,
		Checksum: v.Artifact.SHA256.String(), Integrity: v.Artifact.Integrity, Size: v.Artifact.Size, UnpackedSize: v.Artifact.Unpacked, FileCount: v.Artifact.Files,
		Publisher: v.Publisher, Provenance: v.Proof, Yanked: v.Yanked, YankReason: v.YankReason,
	}
	if v.Fingerprint != 0 {
		out.Fingerprint = fmt.Sprintf("0x%016x", v.Fingerprint)
	}
	return out
}

// tarballURL is where tarball serves a version. It never has credentials.
func tarballURL(base, name, version string) string {
	return base + "/zig/packages/" + url.PathEscape(name) + "/" + url.PathEscape(version) + "/tarball"
}

// isoTime writes a time as JavaScript does; one that is not known is empty.
func isoTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z07:00")
}
