// Package wire holds the JSON bodies that the server and its clients exchange.
// docs/api.md describes the endpoints.
package wire

import (
	"time"

	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/provenance"
	"github.com/org/registry-action/internal/format/tarball"
)

// Run is the CI run that publishes.
type Run struct {
	ID      int64  `json:"id,omitempty"` // orders runs: a lower id never moves a ref that a higher one has set
	Attempt int64  `json:"attempt,omitempty"`
	URL     string `json:"url,omitempty"`
}

// Publication is the JSON body of POST /publish/commit/plan and of the second
// step, POST /publish/commit.
type Publication struct {
	SHA        string    `json:"sha"`        // 40 or 64 hex; 7 or more are accepted
	Repository string    `json:"repository"` // a URL, or owner/repo
	Refs       []string  `json:"refs,omitempty"`
	Run        *Run      `json:"run,omitempty"`
	Replace    bool      `json:"replace,omitempty"` // same repository, other bytes: allowed
	Keep       bool      `json:"keep,omitempty"`    // same repository, other bytes: what is there stays
	Packages   []Package `json:"packages"`
}

// Package is one package of a Publication: either Head and Body, or Tarball.
type Package struct {
	Name       string        `json:"name"`
	Version    string        `json:"version,omitempty"` // what the packed manifest says
	PackageDir string        `json:"packageDir,omitempty"`
	Head       *tarball.Part `json:"head,omitempty"`
	Body       *tarball.Part `json:"body,omitempty"`
	Holes      bool          `json:"holes,omitempty"` // the head has holes for the digits of the commit
	Tarball    *tarball.Part `json:"tarball,omitempty"`
	Integrity  string        `json:"integrity,omitempty"` // checked if given
}

// Plan answers POST /publish/commit/plan.
type Plan struct {
	SHA     string   `json:"sha"`
	Missing []Upload `json:"missing"` // what the server does not have yet
}

// Upload says where a missing blob goes: PUT its bytes to URL, which may be
// relative to that of the plan.
type Upload struct {
	Digest digest.SHA256 `json:"digest"`
	Size   int64         `json:"size"`
	URL    string        `json:"url"`
	// Direct is a shorter way, to the store behind the registry; nil if there is none. Who can't go it uses URL.
	Direct *Direct `json:"direct,omitempty"`
}

// Direct says how to bring bytes to a store: PUT them to URL with this header, and no credentials. 412 means that it
// has them. The URL is a secret and good for some minutes.
type Direct struct {
	URL    string            `json:"url"`
	Header map[string]string `json:"header"`
}

// Published answers POST /publish/commit.
type Published struct {
	Success    bool               `json:"success"`
	SHA        string             `json:"sha"`
	Repository string             `json:"repository,omitempty"`
	Packages   []PublishedPackage `json:"packages"`
	Message    string             `json:"message"`
	ExpiresAt  time.Time          `json:"expiresAt"`
	// PreviewRegistry is the root that npm's clients ask for these packages, with a slash at its end: the repository's, or
	// that of the pull request of a fork. Empty: no preview registry lists them.
	PreviewRegistry string `json:"previewRegistry,omitempty"`
	// Comment is CommentByServer if the server writes the comment on the pull request; empty: who publishes does.
	Comment string `json:"comment,omitempty"`
}

// CommentByServer is a value of Published.Comment.
const CommentByServer = "server"

// PublishedPackage is a package of a Published answer.
type PublishedPackage struct {
	CommitPackage
	// Unchanged: the server already had this commit's package with these bytes.
	Unchanged bool `json:"unchanged,omitempty"`
	// Kept: the server already had this commit's package, with other bytes, and
	// was told to keep it.
	Kept bool `json:"kept,omitempty"`
}

// Commit answers GET /commits/{sha}.
type Commit struct {
	SHA         string          `json:"sha"`
	Repository  string          `json:"repository,omitempty"`
	PublishedAt time.Time       `json:"publishedAt"`
	ExpiresAt   time.Time       `json:"expiresAt"`
	Packages    []CommitPackage `json:"packages"`
}

// CommitPackage answers GET /commits/{sha}/{name}.
type CommitPackage struct {
	Name       string `json:"name"`
	SHA        string `json:"sha"`
	Version    string `json:"version,omitempty"`
	Repository string `json:"repository,omitempty"`
	PackageDir string `json:"packageDir,omitempty"`
	digest.Sums
	Size         int64     `json:"size"`         // bytes of the tarball
	UnpackedSize int64     `json:"unpackedSize"` // bytes of its files
	FileCount    int       `json:"fileCount"`
	PublishedAt  time.Time `json:"publishedAt"`
	ExpiresAt    time.Time `json:"expiresAt"`
	URL          string    `json:"url"`        // /commits/{sha}/{name}/tarball, immutable
	TarballURL   string    `json:"tarballUrl"` // the same, under Pantry's name
	InstallURL   string    `json:"installUrl"` // /{owner}/{repo}/{name}@{sha}, short and immutable
	// InstallScripts are what clients run when they install it: "preinstall", "install", "postinstall", "binding.gyp".
	InstallScripts []string `json:"installScripts,omitempty"`
	// Fork: a fork published it for a pull request of the repository; nobody of the repository has looked at it.
	Fork bool `json:"fork,omitempty"`
	// Of packages that are not npm's: their kind, "zig" or "lumen", which their names begin with, the command
	// that brings them into a project, and what stands for them in its manifest.
	Kind          string `json:"kind,omitempty"`
	FetchCommand  string `json:"fetchCommand,omitempty"`
	Dependency    string `json:"dependency,omitempty"`
	*ZigPackage          // nil if it is not of Zig
	*LumenPackage        // nil if it is not of Lumen

	Publisher  string            `json:"publisher,omitempty"`
	Provenance *provenance.Proof `json:"provenance,omitempty"` // null: a token that was stored published it

	Parts *PackageParts `json:"parts,omitempty"` // nil if its tarball is in one piece
}

// PackageParts are what a split tarball is made of. Of two commits' packages with the same parts, both with holes, only the
// digits of the commits differ.
type PackageParts struct {
	Head  digest.SHA256 `json:"head"`
	Body  digest.SHA256 `json:"body"`
	Holes bool          `json:"holes,omitempty"` // the head has holes for the digits of the commit
}

// ZigPackage is what only packages of Zig have, whose names are written zig:NAME.
type ZigPackage struct {
	Hash       string   `json:"hash"`       // name-version-…, of Zig 0.14 and later
	LegacyHash string   `json:"legacyHash"` // 1220…, of Zig 0.11 to 0.15
	Zig        []string `json:"zig"`        // the compilers that can fetch it: "0.14", …
}

// LumenPackage is what only packages of Lumen have, whose names are written lumen:@scope/NAME.
type LumenPackage struct {
	ManifestHash string `json:"manifestHash"` // sha256:…, of its lumen.toml
	ContentHash  string `json:"contentHash"`  // sha256:…, of all its files
}

// Error is the body of every refusal. A refusal may have further members.
type Error struct {
	Error     string `json:"error"`
	Code      string `json:"code"`
	RequestID string `json:"requestId,omitempty"`
}
