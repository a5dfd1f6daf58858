package forks

import (
	"context"
	"net/netip"
	"time"

	"github.com/org/registry-action/internal/forge"
	"github.com/org/registry-action/internal/format/provenance"
)

// Forge is the one forge that this server knows.
type Forge interface {
	URL() string
	// Split returns the owner/name of a repository's URL, if it is one of the forge's.
	Split(repository string) (path string, ok bool)
	// Open returns what the forge knows of a repository (owner/name).
	Open(ctx context.Context, path string) (Repository, error)
	// Anonymous reports whether this server is nobody to the forge, which then gives it no artifact's bytes.
	Anonymous() bool
}

// Repository is what the forge knows of one.
type Repository interface {
	Run(ctx context.Context, id int64) (forge.Run, error)
	HeadOfPull(ctx context.Context, n int) (forge.Head, error)
	Artifacts(ctx context.Context, run int64, name string) ([]forge.Artifact, error)
	ArtifactFile(ctx context.Context, id, limit int64) ([]byte, error)
	DefaultBranch(ctx context.Context) (string, error)
}

// Needs are what this domain asks of others.
type Needs struct {
	Forge Forge
	// Names lists the packages that a repository (owner/name of the forge) itself has published here.
	Names func(ctx context.Context, path string) ([]string, error)
	// Token makes the token of a run that has proven what it is.
	Token func(ctx context.Context, g Grant) (secret string, expires time.Time, err error)
	// Pulls are told what webhooks say; nil: nobody is.
	Pulls Pulls
}

// Pulls keep the previews of pull requests for as long as these are open, and some days.
type Pulls interface {
	Opened(ctx context.Context, path string, pull int) error
	Closed(ctx context.Context, path string, pull int, at time.Time) error
	Reopened(ctx context.Context, path string, pull int) error
}

// Grant is what a token is to be good for.
type Grant struct {
	Proof    provenance.Proof
	Ref      string // pr/7
	Packages []Package
	Expires  time.Duration
}

// Package is one that a claim is for.
type Package struct {
	Name      string `json:"name"`
	Version   string `json:"version"`
	Integrity string `json:"integrity"` // sha512-…, of the tarball
	Size      int64  `json:"size"`      // of the tarball
}

// Claim is what a run says of itself.
type Claim struct {
	Repository string // the URL of the repository that runs the workflow
	RunID      int64
	RunAttempt int64
	SHA        string
	Pull       int
	Packages   []Package
	Addr       netip.Addr // whom it came from
}

// Voucher is a run of the repository itself that has proven what it is, and says what a fork's run has built.
type Voucher struct {
	RepositoryID int64
	Ref          string // refs/heads/main
}

// Claimed is a claim that is to be proven.
type Claimed struct {
	ID       string // a secret of the claimant's
	Artifact string // the name of the artifact
	Manifest []byte // what is in its one file, claim.json
	Expires  time.Time
}

// Proven is what a proof is worth.
type Proven struct {
	Token   string
	Expires time.Time
	SHA     string
	Ref     string
}

// manifest is the content of claim.json.
type manifest struct {
	Claim      string    `json:"claim"` // the nonce
	Repository string    `json:"repository"`
	RunID      int64     `json:"runId"`
	RunAttempt int64     `json:"runAttempt"`
	SHA        string    `json:"sha"`
	Pull       int       `json:"pull"`
	Packages   []Package `json:"packages"`
}

// pending is the row of a claim.
type pending struct {
	Path     string    `json:"path"` // owner/name as the claim writes it
	Manifest []byte    `json:"manifest"`
	Artifact string    `json:"artifact"`
	At       time.Time `json:"at"`
}

// pinned is the row of a repository.
type pinned struct {
	ID int64 `json:"id"`
}
