package packages

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/format/signature"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/scrub"
)

// Keyring has the public keys that versions were signed with (domain/signing).
type Keyring interface {
	Known(ctx context.Context) ([]signature.Key, error)
}

// Checker checks what is kept of packages, for a verification of the whole store. blobs are those of the service's store.
func (s *Service) Checker(blobs *scrub.Blobs, keys Keyring) scrub.Checker {
	return &checker{Service: s, blobs: blobs, keys: keys}
}

type checker struct {
	*Service
	blobs *scrub.Blobs
	keys  Keyring
}

// Check implements scrub.Checker. Rows of "owner/" are hints: the heads decide.
func (c *checker) Check(ctx context.Context, r kv.Row, f *scrub.Finder) (known bool, err error) {
	family, rest, _ := strings.Cut(r.Partition, "/")
	switch family {
	case "package":
		return c.checkPackageRow(ctx, r, f, rest)
	case "scope":
		var row scopeRow
		return true, c.checkJSON(r, f.About(ownKind, rest), &row)
	case "owner":
		return true, nil
	case "starred":
		return true, c.mustHave(ctx, f.About(ownKind, r.Sort), starKey(r.Sort, rest))
	case namesPartition:
		return true, c.checkListed(ctx, r, f.About(ownKind, r.Sort))
	case stagesPartition:
		var row Staged
		return true, c.checkJSON(r, f.About(ownKind, r.Sort), &row)
	case "stage":
		return true, c.checkStage(ctx, r, f)
	}
	return false, nil
}

func (c *checker) checkPackageRow(ctx context.Context, r kv.Row, f *scrub.Finder, name string) (known bool, err error) {
	about := f.About(ownKind, name)
	if npm.ValidName(name) != nil {
		about.Wrong(scrub.Row, "the row %s is that of no package", r.Key)
		return true, nil
	}
	if r.Sort == headKey(name).Sort {
		return true, c.checkHead(ctx, r, name, about)
	}
	if err := c.mustHave(ctx, about, headKey(name)); err != nil {
		return true, err
	}
	what, rest, _ := strings.Cut(r.Sort, "/")
	switch what {
	case "version":
		f.Checked("npm versions")
		f.Go(func(ctx context.Context) error {
			return c.checkVersion(ctx, r, name, rest, f.About(ownKind, name+"@"+rest))
		})
	case "readme":
		if text, err := c.codec.inflate(r); err != nil {
			about.Unread(r.Key)
		} else if got := readmeID(string(text)); got != rest {
			about.Differs(scrub.Hash, rest, got, "a README is not the one that its versions name")
		}
	case "provenance":
		return true, c.mustHave(ctx, f.About(ownKind, name+"@"+rest), versionKey(name, rest))
	case "gone":
		return true, c.checkTombstone(ctx, r, name, rest, f.About(ownKind, name+"@"+rest))
	case "star":
		return true, c.mustHave(ctx, about, starredKey(rest, name))
	default:
		return false, nil
	}
	return true, nil
}

// mustHave reports a row that is not there.
func (c *checker) mustHave(ctx context.Context, about *scrub.Subject, k kv.Key) error {
	found, err := scrub.Has(ctx, c.db, k)
	if err == nil && !found {
		about.Absent(k)
	}
	return err
}

func (c *checker) checkJSON(r kv.Row, about *scrub.Subject, v any) error {
	if json.Unmarshal(r.Value, v) != nil {
		about.Unread(r.Key)
	}
	return nil
}

// checkHead counts the rows of a package and looks for what its head names.
func (c *checker) checkHead(ctx context.Context, r kv.Row, name string, about *scrub.Subject) error {
	p := pkg{name: name, raw: r.Value, found: true}
	if json.Unmarshal(r.Value, &p.head) != nil {
		about.Unread(r.Key)
		return nil
	}
	versions, stars := map[string]bool{}, 0
	for row, err := range c.db.Scan(ctx, r.Partition, kv.Query{}) {
		if err != nil {
			return err
		}
		if version, ok := strings.CutPrefix(row.Sort, versionPrefix); ok {
			versions[version] = true
		}
		if strings.HasPrefix(row.Sort, starPrefix) {
			stars++
		}
	}
	if len(versions) != p.Versions {
		about.Wrong(scrub.Reference, "its head counts %d versions, and %d are there", p.Versions, len(versions))
	}
	if stars != p.Stars {
		about.Wrong(scrub.Reference, "its head counts %d stars, and %d are there", p.Stars, stars)
	}
	for tag, version := range p.Tags {
		if !versions[version] {
			about.Wrong(scrub.Reference, "its dist-tag %s is of version %s, which is not there", tag, version)
		}
	}
	if p.Versions == 0 {
		return nil
	}
	if p.Tags[latest] == "" {
		about.Wrong(scrub.Reference, "it has no dist-tag latest")
	}
	for _, user := range p.Owners {
		if err := c.mustHave(ctx, about, ownerKey(user, name)); err != nil {
			return err
		}
	}
	return c.mustHave(ctx, about, nameKey(name))
}

// checkListed compares what lists show with the package.
func (c *checker) checkListed(ctx context.Context, r kv.Row, about *scrub.Subject) error {
	var sum Summary
	if json.Unmarshal(r.Value, &sum) != nil {
		about.Unread(r.Key)
		return nil
	}
	head, found, err := scrub.Get(ctx, c.db, headKey(r.Sort))
	if err != nil {
		return err
	}
	p := pkg{name: r.Sort}
	if !found || json.Unmarshal(head.Value, &p.head) != nil || p.Versions == 0 {
		about.Wrong(scrub.Reference, "lists show it, and nothing of it is there")
		return nil
	}
	if sum.Name != p.name || sum.Version != p.Tags[latest] {
		about.Differs(scrub.Reference, p.name+"@"+p.Tags[latest], sum.Name+"@"+sum.Version, "lists show something else than its latest version")
	}
	return nil
}

func (c *checker) checkTombstone(ctx context.Context, r kv.Row, name, version string, about *scrub.Subject) error {
	var gone tombstone
	if json.Unmarshal(r.Value, &gone) != nil {
		about.Unread(r.Key)
		return nil
	}
	there, err := scrub.Has(ctx, c.db, versionKey(name, version))
	if there {
		about.Wrong(scrub.Reference, "it was unpublished at %s and is there", gone.When)
	}
	return err
}

// checkStage looks at a version that waits for approval.
func (c *checker) checkStage(ctx context.Context, r kv.Row, f *scrub.Finder) error {
	id := strings.TrimPrefix(r.Partition, "stage/")
	if r.Sort != stageRow {
		return c.mustHave(ctx, f.About(ownKind, "stage "+id), stageKey(id, stageRow))
	}
	var row stagedRow
	about := f.About(ownKind, "stage "+id)
	if json.Unmarshal(r.Value, &row) != nil {
		about.Unread(r.Key)
		return nil
	}
	about = f.About(ownKind, row.Name+"@"+row.Version+" (stage "+id+")")
	for _, k := range []kv.Key{stagesKey(row.Name, id), stageKey(id, candidateRow)} {
		if err := c.mustHave(ctx, about, k); err != nil {
			return err
		}
	}
	gone, err := scrub.Has(ctx, c.db, goneKey(row.Name, row.Version))
	if err != nil || gone { // the bytes may have gone with the version; approving says so
		return err
	}
	f.Checked("staged npm versions")
	f.Go(func(ctx context.Context) error {
		_, _, err := c.blobs.Tarball(ctx, about, scrub.Want{Key: blobKey(row.Artifact), Size: row.Artifact.Size, Sums: row.Artifact.Sums})
		return err
	})
	return nil
}
