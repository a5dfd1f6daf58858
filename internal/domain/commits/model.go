package commits

import (
	"time"

	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/lumen"
	"github.com/org/registry-action/internal/format/provenance"
	"github.com/org/registry-action/internal/format/tarball"
	"github.com/org/registry-action/internal/store/blob"
)

// Artifact is the bytes of a package: split (Recipe) or whole (Whole), never both.
type Artifact struct {
	Recipe *tarball.Recipe `json:"recipe,omitempty"` // its head may have holes for the commit's digits
	Whole  *tarball.Part   `json:"whole,omitempty"`
	// Manifest is the package.json of a whole preview, as the head that it would have were it split.
	Manifest *Manifest `json:"manifest,omitempty"`
	digest.Sums
	Size       int64    `json:"size"`     // bytes of the tarball
	Unpacked   int64    `json:"unpacked"` // bytes of its files
	Files      int      `json:"files"`
	Scripts    []string `json:"scripts,omitempty"`    // that clients run when they install it; not of previews that were looked up
	Gyp        bool     `json:"gyp,omitempty"`        // it has a binding.gyp
	Shrinkwrap bool     `json:"shrinkwrap,omitempty"` // it has an npm-shrinkwrap.json
}

// Manifest is a head that is kept for its package.json alone.
type Manifest struct {
	tarball.Part
	Holes bool `json:"holes,omitempty"`
}

// parts returns the blobs the artifact needs.
func (a *Artifact) parts() []*tarball.Part {
	if a.Recipe != nil {
		return []*tarball.Part{&a.Recipe.Head, &a.Recipe.Body}
	}
	parts := []*tarball.Part{a.Whole}
	if a.Manifest != nil {
		parts = append(parts, &a.Manifest.Part)
	}
	return parts
}

// clone shares no part with the artifact.
func (a Artifact) clone() Artifact {
	if a.Recipe != nil {
		a.Recipe = new(*a.Recipe)
	}
	if a.Whole != nil {
		a.Whole = new(*a.Whole)
	}
	if a.Manifest != nil {
		a.Manifest = new(*a.Manifest)
	}
	return a
}

// manifest names the head that holds the package.json; ok is false if there is none.
func (a Artifact) manifest() (m Manifest, ok bool) {
	switch {
	case a.Recipe != nil:
		return Manifest{a.Recipe.Head, a.Recipe.Holes}, true
	case a.Manifest != nil:
		return *a.Manifest, true
	}
	return Manifest{}, false
}

// Package is one package of a commit publish.
type Package struct {
	Name        string           `json:"name"`
	Version     string           `json:"version,omitempty"`
	SHA         string           `json:"-"` // the commit's
	Repository  Repository       `json:"-"` // the publish's
	Dir         string           `json:"dir,omitempty"`
	Artifact    Artifact         `json:"artifact"`
	Zig         *Zig             `json:"zig,omitempty"`   // nil if it is not of Zig
	Lumen       *lumen.Integrity `json:"lumen,omitempty"` // nil if it is not of Lumen
	PublishedAt time.Time        `json:"publishedAt"`
	ExpiresAt   time.Time        `json:"-"`                   // the commit's
	Publisher   string           `json:"publisher,omitempty"` // the user; of no repository, it is who may replace it
	// Proof is of the CI run that published it; nil if a token that was stored did.
	Proof *provenance.Proof `json:"proof,omitempty"`
}

// Commit is all that was published for one SHA.
type Commit struct {
	SHA         string
	PublishedAt time.Time
	ExpiresAt   time.Time
	Packages    []Package // by name
}

// head is the row that makes a commit's packages visible.
type head struct {
	Publishes   []publish `json:"publishes"` // a later one's package takes the place of an earlier one's
	PublishedAt time.Time `json:"publishedAt"`
	ExpiresAt   time.Time `json:"expiresAt"`
}

// publish names a set of package rows.
type publish struct {
	ID         string     `json:"id"`
	Rows       int        `json:"rows"`
	Repository Repository `json:"repository,omitzero"`
}

// pointer is the row of a ref.
type pointer struct {
	SHA        string     `json:"sha"`
	Repository Repository `json:"repository"`
	Run        int64      `json:"run,omitempty"`
	MovedAt    time.Time  `json:"movedAt"`
	Earlier    []string   `json:"earlier,omitempty"` // SHAs that it pointed at before, the newest first
}

func blobKey(p tarball.Part) blob.Key { return blob.Key{Space: blob.Commits, Digest: p.Digest} }

// blobsOf returns the blobs that packages are made of.
func blobsOf(packages map[string]Package) []blob.Key {
	var blobs []blob.Key
	for _, pkg := range packages {
		for _, part := range pkg.Artifact.parts() {
			blobs = append(blobs, blobKey(*part))
		}
	}
	return blobs
}
