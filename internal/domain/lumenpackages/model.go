package lumenpackages

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/lumen"
	"github.com/org/registry-action/internal/format/provenance"
	"github.com/org/registry-action/internal/store/blob"
)

// Principal is the caller of a write. Names of Lumen packages have "lumen:" in front of them here, so that a token's
// patterns tell them from npm's.
type Principal interface {
	fmt.Stringer
	User() string                 // "" is anonymous
	IsAdmin() bool                // may do everything
	MayRelease(name string) error // nil if it may write to this package at all
	Granted(name string) bool     // may write to it whoever owns it
	Proof() *provenance.Proof     // of the CI run that it is; nil for others
}

// Release is a version to publish; the archive decides what it is.
type Release struct {
	Name, Version string // if given, the archive's must be the same
	Hash          string // "sha256:…" of the bytes sent, checked if given
	Upload        *Upload
	Signature     *UploadClaim // the publisher's, if one was sent
	PublishedAt   time.Time    // of an import, which an admin makes
	Yanked        *string      // of an import: the reason
}

// imported reports whether the release was published elsewhere, by whatever rules were there.
func (r Release) imported() bool { return !r.PublishedAt.IsZero() || r.Yanked != nil }

// Published is what a publish led to.
type Published struct {
	Metadata  lumen.Metadata
	Unchanged bool
	First     bool   // of the package
	Notice    string // what the publisher should know
}

// Document is a file of the tree that is made of metadata.
type Document struct {
	Body []byte
	ETag string // SHA-256 of Body, hex
}

func newDocument(body []byte) Document { return Document{Body: body, ETag: digest.Of(body).Hex()} }

// Content is an open artifact. The caller closes it.
type Content struct {
	io.ReadSeekCloser
	Size   int64 // bytes
	Digest digest.SHA256
	Kind   string // "tar" or "tgz"

	Name, Version string // of the package
}

// File is a file of the tree, as an export needs it.
type File struct {
	Path   string        `json:"path"`
	Digest digest.SHA256 `json:"digest"`
	Size   int64         `json:"size"` // bytes
}

// part is the digest and the size of a document.
type part struct {
	Digest digest.SHA256 `json:"digest"`
	Size   int64         `json:"size"` // bytes
}

func partOf(body []byte) part { return part{digest.Of(body), int64(len(body))} }

func (p part) file(path string) File { return File{Path: path, Digest: p.Digest, Size: p.Size} }

// artifact is an archive of a version.
type artifact struct {
	Kind string `json:"kind"` // "tar" or "tgz"
	part
}

func (a artifact) blobKey() blob.Key { return blob.Key{Space: blob.Packages, Digest: a.Digest} }

func (a artifact) path() string { return lumen.ArtifactPath(a.Digest, a.Kind) }

// document is the artifact as a version's metadata has it.
func (a artifact) document() lumen.Artifact {
	return lumen.Artifact{Kind: a.Kind, URL: a.path(), Hash: a.Digest.String(), Size: a.Size}
}

// artifactRow is what is known of an archive, and whose it is.
type artifactRow struct {
	artifact
	Name    string `json:"name"`
	Version string `json:"version"`
}

// entry is what lists need of a version, and the row that keeps it.
type entry struct {
	Metadata   part       `json:"metadata"`
	Signature  part       `json:"signature"`
	Artifacts  []artifact `json:"artifacts"` // the plain tar first
	Yanked     bool       `json:"yanked,omitempty"`
	Reason     string     `json:"reason,omitempty"`
	Categories []string   `json:"categories,omitempty"`
	Revision   int64      `json:"revision"` // of the package's head that it was written with

	name, version string // of its key
}

// summary is what index.json and searches have of a package, and the row that keeps it.
type summary struct {
	Latest      string    `json:"latest,omitempty"`
	Shown       string    `json:"shown"` // the version that the next two are of: the latest, or the highest if all are yanked
	Description string    `json:"description,omitempty"`
	Categories  []string  `json:"categories,omitempty"`
	Modified    time.Time `json:"modified"`
	Index       part      `json:"index"` // the package's index.json

	name string // of its key
}

func (s summary) entry() lumen.IndexEntry {
	return lumen.IndexEntry{Name: s.name, Latest: s.Latest, Description: s.Description, UpdatedAt: timeText(s.Modified)}
}

// timeText is a time as documents have it.
func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// decodeRow reads the JSON of a scanned row.
func decodeRow(key fmt.Stringer, value []byte, v any) error {
	if err := json.Unmarshal(value, v); err != nil {
		return fmt.Errorf("decoding row %s: %w", key, err)
	}
	return nil
}
