package restapi

import (
	"encoding/json"
	"net/url"
	"strings"
	"time"

	"github.com/org/registry-action/internal/domain/catalog"
	"github.com/org/registry-action/internal/format/provenance"
)

// metadata describes a version. What Pantry's answers have comes first, as it is
// in the manifest; the rest is ours.
type metadata struct {
	Name        string          `json:"name"`
	Version     string          `json:"version"`
	Description json.RawMessage `json:"description,omitempty"`
	Repository  json.RawMessage `json:"repository,omitempty"`
	Homepage    json.RawMessage `json:"homepage,omitempty"`
	License     json.RawMessage `json:"license,omitempty"`
	Author      json.RawMessage `json:"author,omitempty"`
	Keywords    json.RawMessage `json:"keywords,omitempty"`
	TarballURL  string          `json:"tarballUrl"`
	Checksum    string          `json:"checksum,omitempty"` // "sha256:…"; "sha1:…" where upstream tells no more
	PublishedAt string          `json:"publishedAt,omitempty"`

	Integrity  string `json:"integrity,omitempty"`
	Deprecated string `json:"deprecated,omitempty"`

	Provenance *provenance.Proof `json:"provenance,omitempty"` // none: no CI run has proven that it published it

	Dependencies         json.RawMessage `json:"dependencies,omitempty"`
	DevDependencies      json.RawMessage `json:"devDependencies,omitempty"`
	PeerDependencies     json.RawMessage `json:"peerDependencies,omitempty"`
	PeerDependenciesMeta json.RawMessage `json:"peerDependenciesMeta,omitempty"`
	OptionalDependencies json.RawMessage `json:"optionalDependencies,omitempty"`
	BundleDependencies   json.RawMessage `json:"bundleDependencies,omitempty"`
	Bin                  json.RawMessage `json:"bin,omitempty"`
	Engines              json.RawMessage `json:"engines,omitempty"`
}

func (a *API) render(f catalog.Found) metadata {
	m := f.Manifest
	out := metadata{
		Name: f.Name, Version: f.Version.Version,
		Description: m.Get("description"), Repository: m.Get("repository"), Homepage: m.Get("homepage"), License: m.Get("license"),
		Author: m.Get("author"), Keywords: m.Get("keywords"),
		TarballURL: tarballURL(a.BaseURL, f.Name, f.Version.Version), Checksum: f.Checksum, PublishedAt: isoTime(f.PublishedAt),
		Integrity: f.Dist.Integrity, Deprecated: f.Deprecated, Provenance: f.Proof,
		Dependencies: m.Get("dependencies"), DevDependencies: m.Get("devDependencies"), PeerDependencies: m.Get("peerDependencies"),
		PeerDependenciesMeta: m.Get("peerDependenciesMeta"), OptionalDependencies: m.Get("optionalDependencies"),
		BundleDependencies: m.Get("bundleDependencies"), Bin: m.Get("bin"), Engines: m.Get("engines"),
	}
	if out.Checksum == "" && f.Dist.Shasum != "" {
		out.Checksum = "sha1:" + f.Dist.Shasum
	}
	return out
}

// tarballURL is where tarball serves a version.
func tarballURL(base, name, version string) string {
	return base + "/packages/" + strings.ReplaceAll(url.PathEscape(name), "%2F", "/") + "/" + url.PathEscape(version) + "/tarball"
}

// isoTime writes a time as JavaScript does; one that is not known is empty.
func isoTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z07:00")
}
