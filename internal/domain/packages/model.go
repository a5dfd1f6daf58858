package packages

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/packument"
	"github.com/org/registry-action/internal/format/provenance"
	"github.com/org/registry-action/internal/format/signature"
	"github.com/org/registry-action/internal/format/tarball"
	"github.com/org/registry-action/internal/store/blob"
	"github.com/org/registry-action/internal/store/spool"
)

// Principal is the caller of a write.
type Principal interface {
	fmt.Stringer
	User() string                 // "" is anonymous
	IsAdmin() bool                // may do everything
	MayRelease(name string) error // nil if it may write to this package at all
	Granted(name string) bool     // may write to it whoever owns it
	Proof() *provenance.Proof     // of the CI run that it is; nil for others
}

// Signer signs versions (domain/signing).
type Signer interface {
	Sign(ctx context.Context, name, version, integrity string) (signature.Signature, error)
}

// Upstream is asked before a name or scope is taken that others have elsewhere (domain/upstream).
type Upstream interface {
	Has(ctx context.Context, name string) (bool, error)
	HasScope(ctx context.Context, scope string) (bool, error)
}

// Options of a Service. Zero values mean the defaults; Signer is required.
type Options struct {
	MaxPackage int64 // bytes of a tarball; 100 MiB
	Archive    tarball.Limits
	SpoolDir   string
	Links      *blob.Links // which tarballs clients may get from the store itself; nil: none
	Signer     Signer
	Upstream   Upstream      // nil: none
	Claimed    []string      // names and scopes ("@acme") that are ours although nothing is published yet (CLAIMED_SCOPES)
	Unpublish  time.Duration // how long after its publish a version may be unpublished by its owner; 72 hours, negative: never. Admins always may
	Now        func() time.Time
	Log        *slog.Logger
}

// Upload is a whole tarball that arrived with a publish, checked.
type Upload = spool.Upload

// Release is a version to publish. The archive decides its name, version and manifest.
type Release struct {
	Name       string   // the archive's must be the same
	Version    string   // if given, the archive's must be the same
	Tags       []string // dist-tags to set; none: "latest", which an import sets only if there is no other
	Upload     *Upload
	Integrity  string           // sha512, checked if given
	Shasum     string           // sha1, checked if given
	Readme     string           // if the archive has none
	Extra      packument.Object // what the client says of its own: gitHead, _nodeVersion, _npmVersion
	Access     string           // "public", "restricted" or ""
	Provenance json.RawMessage  // a sigstore bundle; its subject must be this tarball

	// Only of imports, which an admin makes.
	PublishedAt time.Time
	Deprecated  string
	Publisher   string
}

// Published is what a publish led to.
type Published struct {
	Version   Version
	Unchanged bool   // the version was there with these bytes
	FirstOf   string // the name or scope that this publish made ours: upstream is no longer asked for it
}

// Artifact is the bytes of a version.
type Artifact struct {
	Whole tarball.Part `json:"whole"`
	digest.Sums
	Size     int64 `json:"size"`     // bytes
	Unpacked int64 `json:"unpacked"` // bytes
	Files    int   `json:"files"`
}

// Version is a published version.
type Version struct {
	packument.Version // dist.tarball is empty: it depends on the address that is asked
	Artifact          Artifact
	PublishedAt       time.Time
	Provenance        bool              // Attestations has its bundle
	Proof             *provenance.Proof // of the CI run that published it; nil: a token or a person did
}

// Head is what is known of a package without a look at its versions.
type Head struct {
	Name       string
	Revision   string // raised by every write; "_rev"
	Tags       map[string]string
	Owners     []string // user names
	Restricted bool     // access is "restricted"
	Created    time.Time
	Modified   time.Time
}

// Package is a package with all its versions.
type Package struct {
	Head
	Versions []Version // by semver, lowest first
	Readme   string    // of the latest version
	Stars    []string  // user names
}

// Summary is a package in a list.
type Summary struct {
	Name         string    `json:"name"`
	Version      string    `json:"version"` // latest
	Description  string    `json:"description,omitempty"`
	Keywords     []string  `json:"keywords,omitempty"`
	Author       string    `json:"author,omitempty"`
	Publisher    string    `json:"publisher,omitempty"`
	Owners       []string  `json:"owners,omitempty"`
	Dependencies []string  `json:"dependencies,omitempty"` // names of what latest needs: also its peers and what is optional
	Date         time.Time `json:"date"`                   // of latest
	Restricted   bool      `json:"restricted,omitempty"`
}

// Content is an open tarball, or a URL in place of it. The caller closes it.
type Content struct {
	io.ReadSeekCloser        // nil if there is a URL
	Size              int64  // bytes
	URL               string // where the store itself gives the tarball, for some minutes; empty: nowhere
}

// Close releases the blob.
func (c *Content) Close() error {
	if c.ReadSeekCloser == nil {
		return nil
	}
	return c.ReadSeekCloser.Close()
}

// Staged is a version that waits for approval.
type Staged struct {
	ID        string    `json:"id"` // a UUID
	Name      string    `json:"packageName"`
	Version   string    `json:"version"`
	Tag       string    `json:"tag"`
	CreatedAt time.Time `json:"createdAt"`
	Actor     string    `json:"actor"`
	Shasum    string    `json:"shasum"`
}
