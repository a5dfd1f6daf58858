package commits

import (
	"fmt"
	"time"
	"unique"

	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/format/tarball"
)

// record is a preview as it is kept in memory: there may be a hundred thousand.
type record struct {
	sums       digest.Packed
	manifest   tarball.Part // a split artifact's head
	content    tarball.Part // a split artifact's body, or the whole
	raw        int64
	size       int64
	unpacked   int64
	at         int64 // when it was published, in Unix milliseconds
	dir        unique.Handle[string]
	repository unique.Handle[Repository]
	publisher  unique.Handle[string]
	crc        uint32
	files      int32
	listed     bool // the rest is set
	whole      bool
	holes      bool
	gyp        bool
	shrinkwrap bool
}

// newRecord keeps a package that has a manifest.
func newRecord(p Package) (record, error) {
	a := p.Artifact
	sums, err := a.Sums.Pack()
	if err != nil {
		return record{}, fmt.Errorf("%s of commit %s: %w", p.Name, p.SHA, err)
	}
	m, _ := a.manifest()
	r := record{
		sums: sums, manifest: m.Part, holes: m.Holes, size: a.Size, unpacked: a.Unpacked, files: int32(a.Files),
		gyp: a.Gyp, shrinkwrap: a.Shrinkwrap, at: p.PublishedAt.UnixMilli(), dir: unique.Make(p.Dir), repository: unique.Make(p.Repository), publisher: unique.Make(p.Publisher), listed: true,
	}
	if a.Recipe != nil {
		r.content, r.crc, r.raw = a.Recipe.Body, a.Recipe.CRC32, a.Recipe.Raw
	} else {
		r.content, r.whole = *a.Whole, true
	}
	return r, nil
}

// unpack is the inverse of newRecord.
func (r *record) unpack(name, sha string, expires time.Time) Package {
	a := Artifact{Size: r.size, Unpacked: r.unpacked, Files: int(r.files), Gyp: r.gyp, Shrinkwrap: r.shrinkwrap, Sums: r.sums.Sums()}
	if r.whole {
		a.Whole, a.Manifest = new(r.content), &Manifest{r.manifest, r.holes}
	} else {
		a.Recipe = &tarball.Recipe{Head: r.manifest, Body: r.content, CRC32: r.crc, Raw: r.raw, Holes: r.holes}
	}
	return Package{
		Name: name, Version: npm.PreviewVersion(sha), SHA: sha, Repository: r.repository.Value(), Dir: r.dir.Value(), Artifact: a,
		PublishedAt: time.UnixMilli(r.at).UTC(), ExpiresAt: expires, Publisher: r.publisher.Value(),
	}
}
