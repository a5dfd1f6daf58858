package lumentree

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/lumen"
)

// heads are the documents of a tree that are about the whole of it.
type heads struct {
	index      lumen.Index
	keys       *lumen.Keys     // nil: there is no keys.json
	checkpoint *lumen.Envelope // nil: there is no checkpoint.json
	journal    *journal        // nil: no export is under way
	texts      [4][]byte       // their bytes
}

// headPaths are read in an order in which an export that ends meanwhile does no harm to what was read.
var headPaths = [4]string{JournalPath, "checkpoint.json", "keys.json", "index.json"}

func (v *verifier) readTexts(ctx context.Context) (texts [4][]byte, err error) {
	for i, path := range headPaths {
		texts[i], err = readDocument(ctx, v.tree, path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return texts, err
		}
	}
	return texts, nil
}

// readHeads reads the documents. One that can't be read is a problem, as if it were not there; an index.json is needed.
func (v *verifier) readHeads(ctx context.Context) (h heads, err error) {
	if h.texts, err = v.readTexts(ctx); err != nil {
		return h, err
	}
	if h.texts[3] == nil {
		return h, fault.New(fault.NotFound, "there is no index.json; give the root of a Lumen registry, such as https://registry.example.com/lumen or the folder of an export")
	}
	if h.index, err = lumen.DecodeIndex(h.texts[3]); err != nil {
		return h, err
	}
	if h.index.Packages == nil { // other servers have such a file, too: below a registry of npm it is a package
		return h, fault.New(fault.NotFound, "the index.json there has no packages, not even none; give the root of a Lumen registry, such as https://registry.example.com/lumen")
	}
	h.journal = decodeHead(v, h, 0, decodeJournal)
	h.checkpoint = decodeHead(v, h, 1, lumen.DecodeEnvelope)
	h.keys = decodeHead(v, h, 2, lumen.DecodeKeys)
	return h, nil
}

func decodeHead[T any](v *verifier, h heads, i int, decode func([]byte) (T, error)) *T {
	if h.texts[i] == nil {
		return nil
	}
	x, err := decode(h.texts[i])
	if err != nil {
		v.problem(headPaths[i], CodeUnreadable, "%s", said(err))
		return nil
	}
	return &x
}

// changed reports whether the tree is another one than at the beginning of the round.
func (v *verifier) changed(ctx context.Context) (bool, error) {
	now, err := v.readTexts(ctx)
	for i := range now {
		if !bytes.Equal(now[i], v.heads.texts[i]) {
			return true, err
		}
	}
	return false, err
}

// trust decides which keys count: those that are pinned, as the tree describes them, else those of the tree.
func (v *verifier) trust() {
	v.signed = v.heads.keys != nil || v.heads.checkpoint != nil || len(v.opt.Keys) > 0 || v.opt.Seen != (Seen{})
	v.keys = lumen.Keys{}
	if v.heads.keys != nil {
		for _, k := range v.heads.keys.Keys {
			if _, err := k.Parse(); err != nil {
				v.problem("keys.json", CodeKey, "%s", said(err))
				continue
			}
			v.keys.Keys = append(v.keys.Keys, k)
		}
	}
	v.result.Keys = append(v.result.Keys, v.keys.Keys...)
	if len(v.opt.Keys) > 0 {
		v.pin()
	}
	if v.signed && v.heads.keys == nil {
		v.problem("keys.json", CodeMissing, "the tree is to be signed, and does not say by which keys")
	}
}

// pin leaves the pinned keys. What the tree says of their times counts, but a key that is revoked in either place is.
func (v *verifier) pin() {
	pinned := func(k lumen.Key) int {
		return slices.IndexFunc(v.opt.Keys, func(p lumen.Key) bool { return p.KeyID == k.KeyID && p.PublicKey == k.PublicKey })
	}
	var keep []lumen.Key
	for _, k := range v.keys.Keys {
		i := pinned(k)
		if i < 0 {
			v.problem("keys.json", CodeKey, "the key %s is not one of those that are pinned; if its owner says that it is the registry's, add it to them", k.KeyID)
			continue
		}
		p := v.opt.Keys[i]
		k.Revoked = k.Revoked || p.Revoked
		k.NotAfter = cmp.Or(k.NotAfter, p.NotAfter)
		keep = append(keep, k)
	}
	v.keys.Keys = keep
}

// checkHeads checks index.json by itself.
func (v *verifier) checkHeads() {
	seen := map[string]bool{}
	for _, e := range v.heads.index.Packages {
		if seen[e.Name] {
			v.problem("index.json", CodeIndex, "it has the package %.80q twice", e.Name)
		}
		seen[e.Name] = true
	}
	if n := v.heads.index.PackageCount; n != 0 && n != len(seen) {
		v.problem("index.json", CodeIndex, "package_count is %d, and the packages it lists are %d", n, len(seen))
	}
}

// checkCheckpoint compares the package indexes with those that were signed.
func (v *verifier) checkCheckpoint(results []packageResult) {
	if !v.signed {
		return
	}
	now := make(map[string]digest.SHA256, len(results))
	for i, p := range results {
		now[v.heads.index.Packages[i].Name] = p.digest
	}
	current, ok := v.openCheckpoint("checkpoint.json", v.heads.checkpoint)
	if ok {
		v.result.Sequence, v.result.Root, v.result.Expires = current.Sequence, current.Root, current.Expires
		v.compareSeen(current)
		if expired(current, v.opt.Now()) {
			v.problem("checkpoint.json", CodeStale, "it expired at %.40q: the tree may be an old one that somebody shows as the present one; export it again", current.Expires)
		}
	}
	if v.heads.journal != nil {
		v.checkUnderWay(now, current)
		return
	}
	switch {
	case v.heads.checkpoint == nil:
		v.problem("checkpoint.json", CodeMissing, "the tree is signed, and has no checkpoint over its package indexes")
	case ok && (current.Root != lumen.RootOf(now) || current.Packages != len(now)):
		v.problem("checkpoint.json", CodeCheckpoint, "it is over other package indexes than those that are here: one of them was changed, or is older or newer")
	case ok && v.heads.index.Checkpoint != nil && v.heads.index.Checkpoint.RootHash != current.Root:
		v.problem("index.json", CodeCheckpoint, "it has another checkpoint than checkpoint.json")
	}
}

// openCheckpoint checks the signature of a checkpoint.
func (v *verifier) openCheckpoint(path string, e *lumen.Envelope) (c lumen.Checkpoint, ok bool) {
	if e == nil {
		return c, false
	}
	payload, _, err := e.Open(lumen.CheckpointType, v.keys)
	if err == nil {
		c, err = lumen.DecodeCheckpoint(payload)
	}
	if err != nil {
		v.problem(path, CodeSignature, "%s", said(err))
	}
	return c, err == nil
}

// checkUnderWay takes a package index for good if it is that of the present checkpoint, or of a later one that is signed.
func (v *verifier) checkUnderWay(now map[string]digest.SHA256, current lumen.Checkpoint) {
	good := map[string][]digest.SHA256{}
	found := false // of the present checkpoint
	whole := false // index.json, which is written last, lists the packages of a snapshot
	for _, s := range v.heads.journal.Snapshots {
		c, ok := v.openSnapshot(s)
		if !ok {
			continue
		}
		whole = whole || maps.EqualFunc(s.Indexes, now, func(_, _ digest.SHA256) bool { return true })
		if c.Sequence < current.Sequence {
			continue
		}
		found = found || c.Root == current.Root || v.heads.checkpoint == nil
		for name, sum := range s.Indexes {
			good[name] = append(good[name], sum)
		}
	}
	if !found {
		v.problem(JournalPath, CodeCheckpoint, "it does not have the checkpoint that is in checkpoint.json")
	}
	if !whole {
		v.problem(lumen.IndexPath(), CodeCheckpoint, "it lists neither the packages of what was signed nor those of what the export under way writes")
	}
	for name, sum := range now {
		if !slices.Contains(good[name], sum) {
			v.problem(lumen.PackageIndexPath(name), CodeCheckpoint, "it is neither what was signed, nor what the export under way writes")
		}
	}
}

// openSnapshot checks the signature of what an export is writing, and that it has not expired.
func (v *verifier) openSnapshot(s snapshot) (c lumen.Checkpoint, ok bool) {
	if s.Checkpoint == nil {
		return c, false // the tree was not signed yet
	}
	c, ok = v.openCheckpoint(JournalPath, s.Checkpoint)
	return c, ok && s.fits() && !expired(c, v.opt.Now())
}

func expired(c lumen.Checkpoint, now time.Time) bool {
	t, err := time.Parse(time.RFC3339, c.Expires)
	return err != nil || now.After(t)
}

func compareProblems(a, b Problem) int {
	return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(a.Code, b.Code), strings.Compare(a.Message, b.Message))
}
