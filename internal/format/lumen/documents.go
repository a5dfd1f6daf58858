package lumen

import "github.com/org/registry-action/internal/format/provenance"

// Index is index.json. What is not known is left out, never null: the client refuses null lists.
type Index struct {
	Name         string            `json:"name"`
	Version      string            `json:"version"` // of the registry's format, "1.0.0"
	UpdatedAt    string            `json:"updated_at,omitempty"`
	PackageCount int               `json:"package_count"`
	Packages     []IndexEntry      `json:"packages"` // by name
	Checkpoint   *CheckpointDigest `json:"checkpoint,omitempty"`
}

// IndexEntry is a package of an Index.
type IndexEntry struct {
	Name        string `json:"name"`
	Latest      string `json:"latest,omitempty"`
	Description string `json:"description,omitempty"`
	UpdatedAt   string `json:"updated_at,omitempty"`
}

// CheckpointDigest mirrors checkpoint.json in the shape that the client parses.
type CheckpointDigest struct {
	Timestamp string `json:"timestamp"`
	TreeSize  int64  `json:"tree_size"`
	RootHash  string `json:"root_hash"`
	Signature string `json:"signature"`
}

// PackageIndex is packages/{name}/index.json.
type PackageIndex struct {
	Name        string            `json:"name"`
	Versions    []string          `json:"versions"` // by semver, lowest first; yanked ones too
	Latest      string            `json:"latest,omitempty"`
	Yanked      map[string]string `json:"yanked"` // version -> reason, which may be empty
	Prereleases []string          `json:"prereleases"`
	Description string            `json:"description,omitempty"`
	Categories  []string          `json:"categories"`
}

// Metadata is packages/{name}/{version}.json. It never has a member "signature", which the client can't read in a short form.
type Metadata struct {
	Name         string              `json:"name"`
	Version      string              `json:"version"`
	Deps         map[string]string   `json:"deps"`
	OptionalDeps map[string][]string `json:"optional_deps,omitempty"`
	Artifacts    []Artifact          `json:"artifacts"` // the plain tar first
	Integrity    *Integrity          `json:"integrity,omitempty"`
	Yanked       bool                `json:"yanked,omitempty"`
	YankReason   string              `json:"yank_reason,omitempty"`
	PublishedAt  string              `json:"published_at,omitempty"`
	Publisher    *Publisher          `json:"publisher,omitempty"`
	// Provenance is of the CI run that published the version; nil if a token that was stored did.
	Provenance    *provenance.Proof `json:"provenance,omitempty"`
	License       string            `json:"license,omitempty"`
	Description   string            `json:"description,omitempty"`
	Readme        string            `json:"readme,omitempty"`
	Documentation string            `json:"documentation,omitempty"`
	Repository    string            `json:"repository,omitempty"`
	Keywords      []string          `json:"keywords,omitempty"`
	// Upload is the publisher's signature, which was verified with a key that the publisher had registered, or had certified.
	Upload *UploadSignature `json:"upload_signature,omitempty"`
}

// Artifact is an archive of a version.
type Artifact struct {
	Kind string `json:"kind"` // "tar", or "tgz" for what was sent compressed
	URL  string `json:"url"`
	Hash string `json:"hash"` // "sha256:" and 64 lower-case hex digits
	Size int64  `json:"size"` // bytes
	Arch string `json:"arch,omitempty"`
	OS   string `json:"os,omitempty"`
}

// Integrity has hashes over what an archive holds, in the form of Artifact.Hash.
type Integrity struct {
	ManifestHash string `json:"manifest_hash"`          // of lumen.toml as it is in the archive
	ContentHash  string `json:"content_hash,omitempty"` // of the lines "path\0sha256 hex\n" of all files, by path
}

// Publisher says who published a version.
type Publisher struct {
	Name     string `json:"name,omitempty"`
	Email    string `json:"email,omitempty"`
	Verified bool   `json:"verified"`
}

// Keys is keys.json.
type Keys struct {
	Keys []Key `json:"keys"` // the current one first
}

// Key is a public Ed25519 key.
type Key struct {
	KeyID     string `json:"key_id"` // the first 32 hex digits of the SHA-256 of the key, as the client's
	Algorithm string `json:"algorithm"`
	PublicKey string `json:"public_key"`           // standard base64
	NotBefore string `json:"not_before,omitempty"` // RFC 3339
	NotAfter  string `json:"not_after,omitempty"`  // set when it was replaced: signatures made until then stay good
	Revoked   bool   `json:"revoked,omitempty"`    // signatures of any time are void
}

// Envelope carries signed bytes as they were signed (the shape of DSSE): no canonical form is needed to check them.
type Envelope struct {
	PayloadType string      `json:"payloadType"`
	Payload     string      `json:"payload"` // standard base64
	Signatures  []Signature `json:"signatures"`
}

// Signature is one of an Envelope, over its pre-authentication encoding.
type Signature struct {
	Algorithm string `json:"algorithm"` // "ed25519"
	KeyID     string `json:"key_id"`
	Signature string `json:"signature"` // standard base64
	SignedAt  string `json:"signed_at"`
}

// The payload types.
const (
	StatementType  = "application/vnd.lumen.version+json"
	CheckpointType = "application/vnd.lumen.checkpoint+json"
)

// Statement is what the signature of a version says: only what never changes.
type Statement struct {
	Name         string              `json:"name"`
	Version      string              `json:"version"`
	Artifacts    []Artifact          `json:"artifacts"`
	Integrity    Integrity           `json:"integrity"`
	Deps         map[string]string   `json:"deps"`
	OptionalDeps map[string][]string `json:"optional_deps,omitempty"`
	PublishedAt  string              `json:"published_at"`
	Publisher    *Publisher          `json:"publisher,omitempty"`
	Provenance   *provenance.Proof   `json:"provenance,omitempty"`
}

// Checkpoint is a signed, expiring statement of the whole index: an old tree can't be passed off as the present one.
type Checkpoint struct {
	Sequence int64  `json:"sequence"` // grows with every change
	Root     string `json:"root"`     // "sha256:" over the lines "name\0sha256 of its package index\n", by name
	Packages int    `json:"packages"`
	IssuedAt string `json:"issued_at"`
	Expires  string `json:"expires"`
}
