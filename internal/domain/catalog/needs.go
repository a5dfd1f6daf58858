package catalog

import (
	"context"
	"encoding/json"
	"io"
	"time"

	"github.com/org/registry-action/internal/format/packument"
	"github.com/org/registry-action/internal/format/provenance"
	"github.com/org/registry-action/internal/format/signature"
)

// Sources are what the catalog answers from. Upstream may be nil.
type Sources struct {
	Releases Releases
	Index    Index
	Previews Previews
	Upstream Upstream
	Signer   Signer
	Keyrings []Keyring // ours first
}

// Releases are the packages that were published here.
type Releases interface {
	// Ours reports whether upstream must not be asked for a name: a package of it is or was
	// here, its scope has an owner here, or it is claimed.
	Ours(ctx context.Context, name string) (bool, error)
	// Revision changes with every write to a package, by one small read; fault.NotFound if there is no such package.
	Revision(ctx context.Context, name string) (string, error)
	// Packument describes a package; dist.tarball is empty. fault.NotFound if nothing of it is left.
	Packument(ctx context.Context, name string) (*packument.Packument, error)
	// Version finds a version by its version or a dist-tag; dist.tarball is empty.
	Version(ctx context.Context, name, versionOrTag string) (Found, error)
	// Tarball opens the tarball of a version; a dist-tag is fault.NotFound.
	Tarball(ctx context.Context, name, version string, want Want) (*Tarball, error)
}

// Index is what else is known of the packages that were published here.
type Index interface {
	Search(ctx context.Context, text string, from, size int) (found []Result, total int, err error)
	// Tags returns the dist-tags of a package; fault.NotFound if nothing of it is left.
	Tags(ctx context.Context, name string) (map[string]string, error)
	// Provenance returns the sigstore bundle of a version; fault.NotFound if it has none.
	Provenance(ctx context.Context, name, version string) (json.RawMessage, error)
}

// Previews are the packages of commits.
type Previews interface {
	// Revision changes whenever a preview of the repository does, but for expiry, by one small
	// read; fault.NotFound if nothing of the repository was published here.
	Revision(ctx context.Context, repository string) (string, error)
	Previews(ctx context.Context, repository, name string) (PreviewSet, error)
	// Tarball opens the tarball of a preview version.
	Tarball(ctx context.Context, repository, name, version string, want Want) (*Tarball, error)
}

// Upstream is the registry behind ours. What it can't be asked is fault.Unavailable.
type Upstream interface {
	// Packument returns what upstream says of a package; fresh asks even if the copy is young.
	Packument(ctx context.Context, name string, f packument.Form, fresh bool) (*Foreign, error)
	// Tarball opens the tarball of a conventional file name; for a head it may leave both File and Stream out.
	Tarball(ctx context.Context, name, file string, head bool) (*Tarball, error)
	// Search returns the objects of npm's search.
	Search(ctx context.Context, text string, from, size int) (objects []json.RawMessage, total int, err error)
	Advisories(ctx context.Context, versions map[string][]string) (map[string]json.RawMessage, error)
	Attestations(ctx context.Context, name, version string) (json.RawMessage, error)
}

// Signer signs versions.
type Signer interface {
	Sign(ctx context.Context, name, version, integrity string) (signature.Signature, error)
}

// Keyring lists public keys.
type Keyring interface {
	Keys(ctx context.Context) ([]signature.Key, error)
}

// Foreign is a packument as upstream sent it.
type Foreign struct {
	Text  io.ReadCloser
	Size  int64          // bytes
	Form  packument.Form // may be the full one although the other was asked for
	ID    string         // names the bytes
	Stale bool           // upstream could not be asked
}

// Preview is a package of a commit as a version.
type Preview struct {
	packument.Version // without tarball and signature
	PublishedAt       time.Time
	Checksum          string // "sha256:…"
}

// PreviewSet is the previews of one name in one repository.
type PreviewSet struct {
	Versions []Preview         // newest first
	Tags     map[string]string // "pr-7", "branch-main" -> version
	Latest   string            // the newest of the default branch, or of all; "" if there is none
	Until    time.Time         // when the first of them expires; zero: never
}

func (p PreviewSet) find(version string) (Preview, bool) {
	for _, v := range p.Versions {
		if v.Version.Version == version {
			return v, true
		}
	}
	return Preview{}, false
}

// Found is one version, wherever it comes from.
type Found struct {
	packument.Version
	PublishedAt time.Time // zero: not known
	Upstream    bool
	Checksum    string            // "sha256:…" if known
	Proof       *provenance.Proof // of the CI run that published it here; nil: none did
}

// Want says what a tarball is opened for. Its zero value reads it.
type Want struct {
	Head bool  // only what is known of it
	Link *Link // the client can be sent elsewhere
}

// Link is what a client is told of a tarball that it gets elsewhere.
type Link struct {
	ContentType string
	Filename    string // empty: none
}

// Tarball is an open tarball, or the address of one.
type Tarball struct {
	URL         string        // set in place of both others: where its bytes are, for some minutes; not to be shown to others
	File        io.ReadSeeker // set where it can be sought
	Stream      io.ReadCloser // else: it is just coming from upstream; nil for a head
	Size        int64         // bytes; -1 if not known
	ETag        string        // without quotes
	PublishedAt time.Time     // zero: not known
	Closer      io.Closer     // of File

	Origin  Origin
	Version string // "" if Origin is
}

// Origin is where a tarball comes from, as downloads are counted.
type Origin string

// The origins. Tarballs of upstream have none.
const (
	OfRelease Origin = "npm"
	OfCommit  Origin = "commit"
)

// from notes where a tarball comes from.
func (t *Tarball) from(o Origin, version string) *Tarball {
	if t != nil {
		t.Origin, t.Version = o, version
	}
	return t
}

// Close releases it.
func (t *Tarball) Close() error {
	switch {
	case t.Stream != nil:
		return t.Stream.Close()
	case t.Closer != nil:
		return t.Closer.Close()
	}
	return nil
}

// Result is one hit of a search.
type Result struct {
	Name, Version, Description string
	Keywords                   []string
	Author                     string
	Publisher                  string
	Owners                     []string
	Date                       time.Time
	Downloads                  int64           // of the last 30 days; of upstream's not known
	Raw                        json.RawMessage // upstream's own object, for npm's search; nil of ours
}
