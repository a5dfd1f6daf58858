package lumentree

import (
	"bytes"
	"cmp"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/lumen"
)

// PublishOptions of a publish into a folder. The zero value works.
type PublishOptions struct {
	Key  ed25519.PrivateKey // signs; nil: nobody does
	Name string             // of the registry, if there is none yet; "registry"
	Now  func() time.Time
}

// Published is what a publish led to.
type Published struct {
	Name      string   `json:"name"`
	Version   string   `json:"version"`
	Hash      string   `json:"hash"` // of the archive
	Unchanged bool     `json:"unchanged,omitempty"`
	SignedBy  string   `json:"signed_by,omitempty"` // the key of the upload that a server verified
	Notice    string   `json:"notice,omitempty"`    // what the server says beside it
	Unmet     []string `json:"unmet,omitempty"`     // what Unmet says, for who has asked
}

// checkpointLife is how long a checkpoint of a folder is good: nobody signs it anew but the next publish.
const checkpointLife = 90 * 24 * time.Hour

// Publish adds a version to the tree in a folder or a bucket, which is locked. A version that is there stays as it is: the same bytes again are a success, others
// are fault.Exists. Members that somebody has written into the documents by hand are kept.
func Publish(ctx context.Context, to Sink, p Package, opt PublishOptions) (Published, error) {
	w := newPublisher(to, p, opt)
	out := Published{Name: p.Manifest.Name, Version: p.Manifest.Version, Hash: p.Archive.Tar.SHA256.String()}
	if err := w.read(ctx); err != nil {
		return out, err
	}
	if err := w.present(ctx); err != nil {
		return out, err
	}
	out.Unchanged = w.there != nil
	if out.Unchanged && w.left == nil {
		return out, nil
	}
	return out, w.write(ctx)
}

// document is a file of metadata to write.
type document struct {
	path string
	text []byte
}

// publisher is one publish, or one yank.
type publisher struct {
	to  Sink
	pkg Package
	opt PublishOptions

	index      lumen.Index
	indexText  []byte // nil: there is none yet
	packages   lumen.PackageIndex
	pkgText    []byte
	indexes    map[string]digest.SHA256 // of all packages; nil if nobody signs
	before     map[string]File          // the package indexes that are there, likewise
	keys       lumen.Keys
	keysText   []byte
	sequence   int64 // of the checkpoint that is there
	checkpoint bool  // there is one
	documents  [][]document
	there      *lumen.Metadata // the version is there with these bytes, be it by a publish that was killed
	left       *journal        // of a publish or a yank that was killed
	healed     []lumen.IndexEntry
}

func newPublisher(to Sink, p Package, opt PublishOptions) *publisher {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	return &publisher{to: to, pkg: p, opt: opt, documents: make([][]document, stages)}
}

// read reads what is there, and refuses a tree that is not this command's to change.
func (w *publisher) read(ctx context.Context) (err error) {
	if _, found, err := readState(ctx, w.to); err != nil || found {
		return cmp.Or(err, error(fault.New(fault.Invalid, "this is an export of a server, which the next export would make again; publish to the server")))
	}
	if w.indexText, err = optional(ctx, w.to, lumen.IndexPath()); err != nil {
		return err
	}
	w.index = lumen.Index{Name: cmp.Or(w.opt.Name, "registry"), Version: "1.0.0"}
	if w.indexText != nil {
		if w.index, err = lumen.DecodeIndex(w.indexText); err != nil {
			return err
		}
	}
	if w.pkgText, err = optional(ctx, w.to, lumen.PackageIndexPath(w.pkg.Manifest.Name)); err != nil {
		return err
	}
	if w.pkgText != nil {
		if w.packages, err = lumen.DecodePackageIndex(w.pkgText); err != nil {
			return err
		}
	}
	if err := w.heal(ctx); err != nil {
		return err
	}
	return w.readSigned(ctx)
}

// optional reads a document; nil if there is none.
func optional(ctx context.Context, t Tree, path string) ([]byte, error) {
	text, err := readDocument(ctx, t, path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return text, err
}

// readSigned reads what a signed tree has more, and the digests that a checkpoint is over.
func (w *publisher) readSigned(ctx context.Context) (err error) {
	if w.keysText, err = optional(ctx, w.to, lumen.KeysPath()); err != nil {
		return err
	}
	if w.keysText != nil {
		if w.keys, err = lumen.DecodeKeys(w.keysText); err != nil {
			return err
		}
	}
	text, err := optional(ctx, w.to, lumen.CheckpointPath())
	if err != nil {
		return err
	}
	w.checkpoint = text != nil
	if w.opt.Key == nil {
		if w.checkpoint || len(w.keys.Keys) > 0 {
			return fault.New(fault.Invalid, "the registry is signed, and a version without a signature would be taken for a forgery; name the key with --key")
		}
		return nil
	}
	if w.checkpoint {
		e, err := lumen.DecodeEnvelope(text)
		if err != nil {
			return err
		}
		c, _ := claims(&e)
		w.sequence = c.Sequence
	}
	return w.readIndexes(ctx)
}

// readIndexes hashes the indexes of all packages: the next checkpoint is over them.
func (w *publisher) readIndexes(ctx context.Context) error {
	entries := w.index.Packages
	for _, e := range w.healed {
		if !slices.ContainsFunc(entries, func(l lumen.IndexEntry) bool { return l.Name == e.Name }) {
			entries = append(entries, e)
		}
	}
	sums := make([]digest.SHA256, len(entries))
	err := each(ctx, len(entries), func(ctx context.Context, i int) (err error) {
		if err = lumen.ValidName(entries[i].Name, true); err != nil {
			return err
		}
		if sums[i], err = SumOf(ctx, w.to, lumen.PackageIndexPath(entries[i].Name)); err != nil {
			return fmt.Errorf("reading the index of %s: %w", entries[i].Name, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	w.indexes, w.before = map[string]digest.SHA256{}, map[string]File{}
	for i, e := range entries {
		path := lumen.PackageIndexPath(e.Name)
		w.indexes[e.Name], w.before[path] = sums[i], File{Path: path, Digest: sums[i]}
	}
	return nil
}

// present finds the version if it is there with these bytes.
func (w *publisher) present(ctx context.Context) error {
	m := w.pkg.Manifest
	if !slices.Contains(w.packages.Versions, m.Version) {
		return w.mayStand()
	}
	text, err := readDocument(ctx, w.to, lumen.MetadataPath(m.Name, m.Version))
	if err != nil {
		return fmt.Errorf("reading what is there: %w", err)
	}
	old, err := lumen.DecodeMetadata(text)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(old.Artifacts, func(a lumen.Artifact) bool { return a.Hash == w.pkg.Archive.Tar.SHA256.String() }) {
		w.there = &old
		return nil
	}
	return fault.New(fault.Exists, "%s %s is there with other bytes, and a version never changes; raise the version in lumen.toml", m.Name, m.Version).WithCode("version_exists")
}

// mayStand refuses a version that can't stand beside those that are there, and a package beside one of the same name in other
// case, as somebody may have written it by hand.
func (w *publisher) mayStand() error {
	m := w.pkg.Manifest
	for _, e := range w.index.Packages {
		if e.Name != m.Name && strings.EqualFold(e.Name, m.Name) {
			return fault.New(fault.Exists, "%s differs from the package %.80q, which is there, in upper and lower case only: where file names don't tell these apart, one would take the other's place; give it another name", m.Name, e.Name)
		}
	}
	return lumen.CheckNew(m.Name, m.Version, w.packages.Versions)
}

// write writes the version, what refers to it after what it refers to.
func (w *publisher) write(ctx context.Context) error {
	now := w.opt.Now().UTC().Format(time.RFC3339)
	var meta lumen.Metadata
	if w.there != nil {
		meta = *w.there
	} else {
		meta = w.metadata(now)
		w.add(metadata, lumen.MetadataPath(meta.Name, meta.Version), lumen.Encode(meta))
	}
	if err := w.addPackageIndex(); err != nil {
		return err
	}
	if w.left != nil {
		if err := w.reconcile(ctx); err != nil {
			return err
		}
	}
	if w.opt.Key != nil {
		if err := w.sign(meta, now); err != nil {
			return err
		}
	}
	if err := w.addIndex(now); err != nil {
		return err
	}
	if err := w.announce(ctx); err != nil {
		return err
	}
	if w.there == nil {
		if err := w.putArchive(ctx, meta.Artifacts[0]); err != nil {
			return err
		}
	}
	for _, documents := range w.documents {
		for _, d := range documents {
			f := File{Path: d.path, Digest: digest.Of(d.text), Size: int64(len(d.text))}
			if err := w.to.Put(ctx, f, bytes.NewReader(d.text)); err != nil {
				return err
			}
		}
		if err := w.to.Commit(ctx); err != nil {
			return err
		}
	}
	return withdraw(ctx, w.to)
}

func (w *publisher) add(s stage, path string, text []byte) {
	w.documents[s] = append(w.documents[s], document{path, text})
}

func (w *publisher) metadata(now string) lumen.Metadata {
	m, sum := w.pkg.Manifest, w.pkg.Archive.Tar.SHA256
	return lumen.Metadata{
		Name: m.Name, Version: m.Version, Deps: m.Deps, OptionalDeps: m.OptionalDeps, PublishedAt: now, Integrity: &w.pkg.Integrity,
		Artifacts: []lumen.Artifact{{Kind: "tar", URL: lumen.ArtifactPath(sum, "tar"), Hash: sum.String(), Size: w.pkg.Size}},
		License:   m.License, Description: m.Description, Readme: w.pkg.Readme, Documentation: m.Documentation, Repository: m.Repository, Keywords: m.Keywords,
	}
}

func (w *publisher) addPackageIndex() error {
	m, x := w.pkg.Manifest, &w.packages
	x.Name = m.Name
	if w.there == nil {
		x.Versions = append(x.Versions, m.Version)
		slices.SortFunc(x.Versions, lumen.Compare)
	}
	x.Latest = lumen.Latest(x.Versions, x.Yanked)
	x.Prereleases = nil
	for _, v := range x.Versions {
		if lumen.Prerelease(v) {
			x.Prereleases = append(x.Prereleases, v)
		}
	}
	if x.Latest == m.Version {
		x.Description = m.Description
		if len(m.Categories) > 0 {
			x.Categories = m.Categories
		}
	}
	path := lumen.PackageIndexPath(m.Name)
	text, err := merge(path, w.pkgText, *x)
	if err != nil {
		return err
	}
	if w.indexes != nil {
		w.indexes[m.Name] = digest.Of(text)
	}
	w.add(packageIndexes, path, text)
	return nil
}

// sign adds the signature of the version, the key, and a new checkpoint.
func (w *publisher) sign(meta lumen.Metadata, now string) error {
	if w.there == nil {
		w.add(signatures, lumen.SignaturePath(meta.Name, meta.Version),
			lumen.Encode(lumen.Seal(w.opt.Key, lumen.StatementType, lumen.Encode(meta.Statement()), now)))
	}
	public := lumen.PublicKey(w.opt.Key.Public().(ed25519.PublicKey))
	if !slices.ContainsFunc(w.keys.Keys, func(k lumen.Key) bool { return k.KeyID == public.KeyID }) {
		w.keys.Keys = append([]lumen.Key{public}, w.keys.Keys...)
		text, err := merge(lumen.KeysPath(), w.keysText, w.keys)
		if err != nil {
			return err
		}
		w.add(keys, lumen.KeysPath(), text)
	}
	c := lumen.Checkpoint{
		Sequence: w.sequence + 1, Root: lumen.RootOf(w.indexes), Packages: len(w.indexes), IssuedAt: now,
		Expires: w.opt.Now().UTC().Add(checkpointLife).Format(time.RFC3339),
	}
	e := lumen.Seal(w.opt.Key, lumen.CheckpointType, lumen.Encode(c), now)
	w.add(checkpoint, lumen.CheckpointPath(), lumen.Encode(e))
	w.index.Checkpoint = c.Digest(e)
	return nil
}

// addIndex writes the package's entry into index.json and leaves the others.
func (w *publisher) addIndex(now string) error {
	entry := lumen.IndexEntry{Name: w.packages.Name, Latest: w.packages.Latest, Description: w.packages.Description, UpdatedAt: now}
	var old struct {
		Packages []json.RawMessage `json:"packages"`
	}
	if w.indexText != nil {
		if err := json.Unmarshal(w.indexText, &old); err != nil {
			return fault.Wrap(err, fault.Invalid, "%s can't be read", lumen.IndexPath())
		}
	}
	entries := map[string]json.RawMessage{}
	for i, e := range w.index.Packages {
		entries[e.Name] = old.Packages[i]
	}
	for _, e := range append(w.healed, entry) {
		text, err := merge(lumen.IndexPath(), entries[e.Name], e)
		if err != nil {
			return err
		}
		entries[e.Name] = text
	}
	var list []json.RawMessage
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		list = append(list, entries[name])
	}
	w.index.UpdatedAt, w.index.PackageCount, w.index.Packages = now, len(list), nil
	text, err := merge(lumen.IndexPath(), w.indexText, w.index)
	if err != nil {
		return err
	}
	out, err := parseObject(text)
	if err != nil {
		return err
	}
	packages, err := json.Marshal(list)
	if err != nil {
		return err
	}
	out.set("packages", packages)
	w.add(index, lumen.IndexPath(), lumen.Encode(out))
	return nil
}

func (w *publisher) putArchive(ctx context.Context, a lumen.Artifact) error {
	if _, err := w.pkg.File.Seek(0, io.SeekStart); err != nil {
		return err
	}
	f := File{Path: a.URL, Digest: w.pkg.Archive.Tar.SHA256, Size: a.Size}
	if err := w.to.Put(ctx, f, newChecked(w.pkg.File, f)); err != nil {
		return err
	}
	return w.to.Commit(ctx)
}
