package commits

import (
	"maps"
	"slices"
	"time"

	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/tarball"
	"github.com/org/registry-action/internal/store/blob"
)

// Artifact is the bytes of a package: split (Recipe) or whole (Whole), never both.
type Artifact struct {
	Recipe *tarball.Recipe `json:"recipe,omitempty"`
	Whole  *tarball.Part   `json:"whole,omitempty"`
	digest.Sums
	Size     int64 `json:"size"`     // bytes of the tarball
	Unpacked int64 `json:"unpacked"` // bytes of its files
	Files    int   `json:"files"`
}

// parts returns the blobs the artifact is made of.
func (a Artifact) parts() []tarball.Part {
	if a.Recipe != nil {
		return []tarball.Part{a.Recipe.Head, a.Recipe.Body}
	}
	return []tarball.Part{*a.Whole}
}

// Package is one package of a commit publish.
type Package struct {
	Name        string     `json:"name"`
	Version     string     `json:"version,omitempty"`
	SHA         string     `json:"sha"`
	Repository  Repository `json:"repository,omitzero"`
	Dir         string     `json:"dir,omitempty"`
	Artifact    Artifact   `json:"artifact"`
	PublishedAt time.Time  `json:"publishedAt"`
	ExpiresAt   time.Time  `json:"-"` // the commit's
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
	Publishes   map[string]Repository `json:"publishes"` // by publish id
	Packages    map[string]string     `json:"packages"`  // name -> publish id
	PublishedAt time.Time             `json:"publishedAt"`
	ExpiresAt   time.Time             `json:"expiresAt"`
}

// repository returns whose package of that name the head holds.
func (h head) repository(name string) Repository { return h.Publishes[h.Packages[name]] }

// drop forgets publishes that hold no package any more.
func (h head) drop() {
	used := map[string]bool{}
	for _, id := range h.Packages {
		used[id] = true
	}
	maps.DeleteFunc(h.Publishes, func(id string, _ Repository) bool { return !used[id] })
}

// pointer is the row of a ref.
type pointer struct {
	SHA        string     `json:"sha"`
	Repository Repository `json:"repository"`
	Run        int64      `json:"run,omitempty"`
	MovedAt    time.Time  `json:"movedAt"`
}

func blobKey(p tarball.Part) blob.Key { return blob.Key{Space: blob.Commits, Digest: p.Digest} }

// names returns the packages in order.
func (h head) names() []string { return slices.Sorted(maps.Keys(h.Packages)) }
