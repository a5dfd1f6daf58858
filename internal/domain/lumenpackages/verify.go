package lumenpackages

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/lumen"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/scrub"
)

// Checker checks what is kept of Lumen packages, for a verification of the whole store. blobs are those of the service's store.
func (s *Service) Checker(blobs *scrub.Blobs) scrub.Checker { return &checker{s, blobs} }

type checker struct {
	*Service
	blobs *scrub.Blobs
}

// Check implements scrub.Checker.
func (c *checker) Check(ctx context.Context, r kv.Row, f *scrub.Finder) (known bool, err error) {
	rest, ok := strings.CutPrefix(r.Partition, "lumen/")
	if !ok {
		return false, nil
	}
	family, rest, _ := strings.Cut(rest, "/")
	about := f.About(ownKind, rest)
	switch family {
	case "package":
		return c.checkPackageRow(ctx, r, f, rest)
	case "versions":
		name, version, _ := strings.Cut(r.Sort, " ")
		f.Checked("Lumen versions")
		f.Go(func(ctx context.Context) error {
			return c.checkVersion(ctx, r, name, version, f.About(ownKind, name+" "+version))
		})
		return true, c.mustHave(ctx, f.About(ownKind, name), headKey(name))
	case "names":
		return true, c.checkSummary(ctx, r, f.About(ownKind, r.Sort))
	case "scope":
		return true, readable[scopeRow](about, r)
	case "artifact":
		return true, c.checkArtifact(ctx, r, rest, f)
	case "staged":
		return true, readable[stagedRow](about, r)
	case "uploadkey", "uploader":
		return true, checkUploadKey(about, r)
	case "keys":
		f.Checked("keys")
		return true, c.checkKey(r, f.About("key", "lumen"))
	case "state":
		return true, c.checkState(ctx, r, f.About(ownKind, "the checkpoint"))
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

// readable reports a row that is not the JSON it should be.
func readable[T any](about *scrub.Subject, r kv.Row) error {
	var v T
	if json.Unmarshal(r.Value, &v) != nil {
		about.Unread(r.Key)
	}
	return nil
}

func (c *checker) checkPackageRow(ctx context.Context, r kv.Row, f *scrub.Finder, name string) (known bool, err error) {
	what, version, _ := strings.Cut(r.Sort, "/")
	switch what {
	case "head":
		return true, c.checkHead(ctx, r, name, f.About(ownKind, name))
	case "metadata", "signature": // compared where the entry of the version is
		return true, c.mustHave(ctx, f.About(ownKind, name+" "+version), entryKey(name, version))
	}
	return false, nil
}

func (c *checker) checkHead(ctx context.Context, r kv.Row, name string, about *scrub.Subject) error {
	var h head
	if json.Unmarshal(r.Value, &h) != nil {
		about.Unread(r.Key)
		return nil
	}
	n := 0
	for _, err := range c.db.Scan(ctx, versionsPartition, kv.Query{Prefix: entryPrefix(name)}) {
		if err != nil {
			return err
		}
		n++
	}
	if counted := h.Written > 0; counted && n != h.Versions { // heads of the first servers did not tell
		about.Wrong(scrub.Reference, "its head counts %d versions, and %d are there", h.Versions, n)
	}
	return c.mustHave(ctx, about, summaryKey(name))
}

// checkSummary renders a package's index anew.
func (c *checker) checkSummary(ctx context.Context, r kv.Row, about *scrub.Subject) error {
	sum := summary{name: r.Sort}
	if json.Unmarshal(r.Value, &sum) != nil {
		about.Unread(r.Key)
		return nil
	}
	if err := c.mustHave(ctx, about, headKey(sum.name)); err != nil {
		return err
	}
	entries, err := c.readEntries(ctx, sum.name)
	if err != nil {
		return err
	}
	x := packageIndex(sum, entries)
	if got := partOf(lumen.Encode(x)); got != sum.Index {
		about.Differs(scrub.Reference, sum.Index.Digest.String(), got.Digest.String(), "its index.json is not the one that the checkpoint is over")
	}
	if x.Latest != sum.Latest {
		about.Differs(scrub.Reference, x.Latest, sum.Latest, "index.json has another latest version")
	}
	return nil
}

// readEntries is entries without those that can't be read, which are reported by themselves.
func (c *checker) readEntries(ctx context.Context, name string) ([]entry, error) {
	var all []entry
	for r, err := range c.db.Scan(ctx, versionsPartition, kv.Query{Prefix: entryPrefix(name)}) {
		if err != nil {
			return nil, err
		}
		var e entry
		if json.Unmarshal(r.Value, &e) == nil {
			e.name, e.version, _ = strings.Cut(r.Sort, " ")
			all = append(all, e)
		}
	}
	slices.SortFunc(all, func(a, b entry) int { return lumen.Compare(a.version, b.version) })
	return all, nil
}

// checkArtifact looks for the version that an archive is of.
func (c *checker) checkArtifact(ctx context.Context, r kv.Row, hex string, f *scrub.Finder) error {
	var row artifactRow
	if json.Unmarshal(r.Value, &row) != nil {
		f.About(ownKind, hex).Unread(r.Key)
		return nil
	}
	about := f.About(ownKind, row.Name+" "+row.Version)
	if d, err := digest.Parse(hex); err != nil || row.Digest != d {
		about.Differs(scrub.Row, hex, row.Digest.Hex(), "the row of its archive is that of another")
	}
	return c.mustHave(ctx, about, entryKey(row.Name, row.Version))
}

// checkUploadKey checks a key that a user has registered.
func checkUploadKey(about *scrub.Subject, r kv.Row) error {
	var k UploadKey
	if json.Unmarshal(r.Value, &k) != nil {
		about.Unread(r.Key)
		return nil
	}
	if _, err := lumen.ParsePublicKey(k.PublicKey, k.KeyID); err != nil {
		about.Refused(scrub.Row, err)
	}
	if r.Key != uploadKeyKey(k.KeyID) && r.Key != uploaderKey(k.User, k.KeyID) {
		about.Wrong(scrub.Row, "the row %s has another key or user than it is named by", r.Key)
	}
	return nil
}

// checkKey checks one of the registry's own keys.
func (c *checker) checkKey(r kv.Row, about *scrub.Subject) error {
	if r.Key == currentKey() {
		var row keyRow
		if json.Unmarshal(r.Value, &row) != nil {
			about.Unread(r.Key)
		} else if _, err := row.signer(r.Value); err != nil {
			about.Unread(r.Key)
		}
		return nil
	}
	var k lumen.Key
	if json.Unmarshal(r.Value, &k) != nil {
		about.Unread(r.Key)
		return nil
	}
	if _, err := k.Parse(); err != nil {
		about.Refused(scrub.Row, err)
	} else if !strings.HasSuffix(r.Sort, "/"+k.KeyID) || k.NotAfter == "" {
		about.Wrong(scrub.Row, "the row %s has another key than it is named by, or one without an end", r.Key)
	}
	return nil
}

// checkState checks the last checkpoint; that it is of the present tree, who reads the tree next makes sure of.
func (c *checker) checkState(ctx context.Context, r kv.Row, about *scrub.Subject) error {
	if r.Key == revisionKey() {
		if _, ok := r.Counter(); !ok {
			about.Unread(r.Key)
		}
		return nil
	}
	var row checkpointRow
	if json.Unmarshal(r.Value, &row) != nil {
		about.Unread(r.Key)
		return nil
	}
	keys, err := c.known(ctx)
	if err != nil {
		return err
	}
	payload, _, err := row.Envelope.Open(lumen.CheckpointType, keys)
	if err != nil {
		if !signedByRevoked(row.Envelope, lumen.CheckpointType, keys) { // such a one is replaced when it is asked for
			about.Refused(scrub.Signature, err)
		}
		return nil
	}
	if string(payload) != string(lumen.Encode(row.Statement)) {
		about.Wrong(scrub.Signature, "the checkpoint says something else than was signed")
	}
	return nil
}
