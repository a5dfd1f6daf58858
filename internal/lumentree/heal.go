package lumentree

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"slices"

	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/lumen"
)

// announce says in the journal what a signed tree is about to become.
func (w *publisher) announce(ctx context.Context) error {
	next := snapshot{Indexes: w.indexes}
	if next.Indexes == nil { // nobody signs: what is about to change will do
		next.Indexes = map[string]digest.SHA256{}
		for _, d := range w.documents[packageIndexes] {
			next.Indexes[w.pkg.Manifest.Name] = digest.Of(d.text)
		}
	}
	if documents := w.documents[checkpoint]; len(documents) > 0 {
		next.Checkpoint = new(lumen.Envelope)
		if err := json.Unmarshal(documents[0].text, next.Checkpoint); err != nil {
			return err
		}
	}
	return announce(ctx, w.to, w.before, next)
}

// heal finds the packages whose indexes a killed publish has written, and whose entries in index.json it may not have: they come
// with the present publish.
func (w *publisher) heal(ctx context.Context) error {
	j, found, err := readJSON[journal](ctx, w.to, JournalPath)
	if err != nil || !found {
		return err
	}
	w.left = &j
	announced := map[string][]digest.SHA256{}
	for _, s := range j.Snapshots {
		for name, sum := range s.Indexes {
			announced[name] = append(announced[name], sum)
		}
	}
	names := slices.Sorted(maps.Keys(announced))
	entries := make([]lumen.IndexEntry, len(names))
	err = each(ctx, len(names), func(ctx context.Context, i int) (err error) {
		entries[i], err = w.entryOf(ctx, names[i], announced[names[i]])
		return err
	})
	w.healed = slices.DeleteFunc(entries, func(e lumen.IndexEntry) bool { return e.Name == "" })
	return err
}

// reconcile lets metadata say of yanks what the index of their package will say: a yank that was killed may have written one of them.
func (w *publisher) reconcile(ctx context.Context) error {
	for _, name := range w.left.changed() {
		x := w.packages // as it will be
		if name != x.Name {
			text, err := optional(ctx, w.to, lumen.PackageIndexPath(name))
			if err != nil {
				return err
			}
			if text == nil { // it was not written yet
				continue
			}
			if x, err = lumen.DecodePackageIndex(text); err != nil {
				return err
			}
		}
		for _, version := range x.Versions {
			if err := w.reconcileVersion(ctx, x, version); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *publisher) reconcileVersion(ctx context.Context, x lumen.PackageIndex, version string) error {
	path := lumen.MetadataPath(x.Name, version)
	if slices.ContainsFunc(w.documents[metadata], func(d document) bool { return d.path == path }) {
		return nil // it is written anyway
	}
	text, err := optional(ctx, w.to, path)
	if err != nil || text == nil {
		return err
	}
	m, err := lumen.DecodeMetadata(text)
	if err != nil {
		return err
	}
	reason, yanked := x.Yanked[version]
	if m.Yanked == yanked && m.YankReason == reason {
		return nil
	}
	text, err = Yank{Undo: !yanked, Reason: reason}.edit(text)
	w.add(metadata, path, text)
	return err
}

// entryOf is the entry of a package in index.json, by an index that was announced; no name if there is no such index.
func (w *publisher) entryOf(ctx context.Context, name string, announced []digest.SHA256) (e lumen.IndexEntry, err error) {
	if lumen.ValidName(name, true) != nil {
		return e, nil
	}
	text, err := readDocument(ctx, w.to, lumen.PackageIndexPath(name))
	if errors.Is(err, fs.ErrNotExist) || err == nil && !slices.Contains(announced, digest.Of(text)) {
		return e, nil
	}
	if err != nil {
		return e, err
	}
	x, err := lumen.DecodePackageIndex(text)
	if err != nil {
		return e, err
	}
	return lumen.IndexEntry{Name: name, Latest: x.Latest, Description: x.Description}, nil
}
