package lumentree

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"slices"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/lumen"
)

// guard refuses to write over what is not an export of this registry: its versions would be lost.
func (e *export) guard(ctx context.Context, files []File) error {
	if err := e.sameKeys(ctx, files); err != nil || e.fresh {
		return err
	}
	there, err := e.sink.Sizes(ctx)
	if err != nil {
		return err
	}
	listed := make(map[string]bool, len(files))
	for _, f := range files {
		listed[f.Path] = true
	}
	for _, path := range slices.Sorted(maps.Keys(there)) {
		if s, err := stageOf(path); err == nil && s == metadata && !listed[path] {
			return fault.New(fault.Invalid, "a registry is there that this one is not: it has %.200q, which an export would lose; take its packages in with registry-server import lumen, or export to another place", path).WithCode("other_registry")
		}
	}
	return nil
}

// sameKeys refuses a tree that another registry signed. Keys that were replaced stay in keys.json, so that one of a registry's own is
// always among those of its last export.
func (e *export) sameKeys(ctx context.Context, files []File) error {
	i := slices.IndexFunc(files, func(f File) bool { return f.Path == lumen.KeysPath() })
	if i < 0 || e.known[lumen.KeysPath()] == files[i] {
		return nil
	}
	theirs, err := keysOf(ctx, e.sink)
	if err != nil || len(theirs) == 0 {
		return err
	}
	ours, err := keysOf(ctx, e.source)
	if err != nil {
		return gone(err)
	}
	for id := range ours {
		if theirs[id] {
			return nil
		}
	}
	return fault.New(fault.Invalid, "another registry was exported to this place: its keys.json has none of this one's keys; export to another place, or empty this one first").WithCode("other_registry")
}

// keysOf are the identifiers of a tree's keys; none if there is no keys.json that can be read.
func keysOf(ctx context.Context, t Tree) (map[string]bool, error) {
	text, err := readDocument(ctx, t, lumen.KeysPath())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	k, err := lumen.DecodeKeys(text)
	if err != nil {
		return nil, nil
	}
	ids := map[string]bool{}
	for _, key := range k.Keys {
		ids[key.KeyID] = true
	}
	return ids, nil
}
