package zigpackages

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/org/registry-action/internal/format/zig"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/lifetime"
	"github.com/org/registry-action/internal/store/scrub"
)

// Checker checks what is kept of Zig packages, for a verification of the whole store. blobs are those of the service's store.
func (s *Service) Checker(blobs *scrub.Blobs) scrub.Checker { return &checker{s, blobs} }

type checker struct {
	*Service
	blobs *scrub.Blobs
}

// Check implements scrub.Checker.
func (c *checker) Check(ctx context.Context, r kv.Row, f *scrub.Finder) (known bool, err error) {
	if key, ok := strings.CutPrefix(r.Partition, packagePartition("")); ok {
		about := f.About(ownKind, key)
		version, ok := strings.CutPrefix(r.Sort, versionPrefix)
		switch {
		case r.Sort == headKey(key).Sort:
			return true, c.checkHead(ctx, r, key, about)
		case !ok:
			return false, nil
		}
		f.Checked("Zig versions")
		f.Go(func(ctx context.Context) error {
			return c.checkVersion(ctx, r, key, version, f.About(ownKind, key+" "+version))
		})
		return true, c.mustHave(ctx, about, headKey(key))
	}
	if hash, ok := strings.CutPrefix(r.Partition, hashPartition("")); ok {
		return true, c.checkHash(ctx, r, hash, f.About(ownKind, strings.Replace(r.Sort, "/", " ", 1)))
	}
	if r.Partition == namesPartition {
		return true, c.checkListed(ctx, r, f.About(ownKind, r.Sort))
	}
	return false, nil
}

func (c *checker) mustHave(ctx context.Context, about *scrub.Subject, k kv.Key) error {
	found, err := scrub.Has(ctx, c.db, k)
	if err == nil && !found {
		about.Absent(k)
	}
	return err
}

// version reads a version's row; ok is false if there is none that can be read.
func (c *checker) version(ctx context.Context, key, version string) (v Version, ok bool, err error) {
	r, found, err := scrub.Get(ctx, c.db, versionKey(key, version))
	return v, found && json.Unmarshal(r.Value, &v) == nil, err
}

func (c *checker) checkHead(ctx context.Context, r kv.Row, key string, about *scrub.Subject) error {
	var h head
	if json.Unmarshal(r.Value, &h) != nil {
		about.Unread(r.Key)
		return nil
	}
	latest, ok, err := c.version(ctx, key, h.Latest)
	switch {
	case err != nil:
		return err
	case !ok:
		about.Wrong(scrub.Reference, "its latest version is %s, which is not there", h.Latest)
	case !latest.Yanked:
		return c.mustHave(ctx, about, nameKey(key))
	}
	return nil
}

// checkListed compares what lists show with the latest version.
func (c *checker) checkListed(ctx context.Context, r kv.Row, about *scrub.Subject) error {
	var sum Summary
	if json.Unmarshal(r.Value, &sum) != nil {
		about.Unread(r.Key)
		return nil
	}
	row, found, err := scrub.Get(ctx, c.db, headKey(r.Sort))
	if err != nil {
		return err
	}
	var h head
	if !found || json.Unmarshal(row.Value, &h) != nil {
		about.Wrong(scrub.Reference, "lists show it, and nothing of it is there")
	} else if sum.Version != h.Latest || sum.Name != h.Name {
		about.Differs(scrub.Reference, h.Name+" "+h.Latest, sum.Name+" "+sum.Version, "lists show something else than its latest version")
	}
	return nil
}

// checkHash looks for the version that is found by a hash.
func (c *checker) checkHash(ctx context.Context, r kv.Row, hash string, about *scrub.Subject) error {
	var row hashRow
	if json.Unmarshal(r.Value, &row) != nil || hashKey(hash, row.Name, row.Version) != r.Key {
		about.Unread(r.Key)
		return nil
	}
	v, ok, err := c.version(ctx, row.Name, row.Version)
	switch {
	case err != nil:
		return err
	case !ok:
		about.Wrong(scrub.Reference, "the hash %s leads to it, and it is not there", hash)
	case !slices.Contains(v.hashes(), hash):
		about.Differs(scrub.Reference, strings.Join(v.hashes(), " "), hash, "another hash than its own leads to it")
	}
	return nil
}

// checkVersion compares the row of a version with its archive, hashed as the compilers do.
func (c *checker) checkVersion(ctx context.Context, r kv.Row, key, version string, about *scrub.Subject) error {
	var v Version
	if json.Unmarshal(r.Value, &v) != nil {
		about.Unread(r.Key)
		return nil
	}
	if keyOf(v.Name) != key || v.Version != version {
		about.Differs(scrub.Row, key+" "+version, v.Name+" "+v.Version, "its row is that of another version")
	}
	a := v.Artifact
	if a.Whole.Size != a.Size {
		about.Wrong(scrub.Sums, "its row has two sizes, of %d and %d bytes", a.Whole.Size, a.Size)
	}
	want := scrub.Want{Key: blobKey(a), Size: a.Size, Sums: a.Sums, Until: lifetime.Forever()}
	says, ok, err := c.blobs.Check(ctx, about, want, "zig package", c.parse)
	if err != nil {
		return err
	}
	if ok {
		says.(content).compare(about, v)
	}
	for _, hash := range v.hashes() {
		if err := c.mustHave(ctx, about, hashKey(hash, key, version)); err != nil {
			return err
		}
	}
	return nil
}

// content is what is compared of an archive.
type content struct {
	zig.Hashes
	manifest  zig.Manifest
	compilers []string
	files     int
	unpacked  int64
}

func (c *checker) parse(ctx context.Context, r io.Reader) (says any, weight int64, err error) {
	in, err := scrub.Zig(ctx, r, c.spool, c.opt.Archive)
	if err != nil {
		return nil, 0, err
	}
	out := content{Hashes: in.Hashes, compilers: in.Zig, files: len(in.Files), unpacked: in.Unpacked}
	if in.Manifest != nil {
		out.manifest = *in.Manifest
	}
	return out, int64(len(in.Text)), nil
}

// compare holds a row against what the archive says.
func (c content) compare(about *scrub.Subject, v Version) {
	for _, h := range []struct{ what, expected, got string }{{"hash", c.Hash, v.Hash}, {"legacy hash", c.Legacy, v.Legacy}} {
		if h.expected != h.got {
			about.Differs(scrub.Hash, h.expected, h.got, "its row has another %s than its archive", h.what)
		}
	}
	m := c.manifest
	for _, d := range []struct{ what, expected, got string }{
		{"name", m.Name, v.Name},
		{"version", m.Version, v.Version},
		{"fingerprint", fmt.Sprintf("%#x", m.Fingerprint), fmt.Sprintf("%#x", v.Fingerprint)},
		{"minimum_zig_version", m.MinimumZig, v.MinimumZig},
		{"paths", fmt.Sprint(m.Paths), fmt.Sprint(v.Paths)},
		{"dependencies", fmt.Sprint(m.Dependencies), fmt.Sprint(v.Depends)},
	} {
		if d.expected != d.got {
			about.Differs(scrub.Manifest, d.expected, d.got, "its row has another %s than the build.zig.zon in its archive", d.what)
		}
	}
	if a := v.Artifact; !slices.Equal(c.compilers, v.Zig) || a.Files != c.files || a.Unpacked != c.unpacked {
		about.Differs(scrub.Manifest, fmt.Sprint(c.compilers, c.files, c.unpacked), fmt.Sprint(v.Zig, a.Files, a.Unpacked), "its row names other compilers, or another number of files or bytes, than its archive")
	}
}
