package lumentree

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"slices"
	"strings"

	"github.com/org/registry-action/internal/format/digest"
)

// stateVersion is that of the form of .export.json.
const stateVersion = 1

// state is .export.json: what an export that came to its end wrote.
type state struct {
	Version int    `json:"version"`
	Files   []File `json:"files"` // by path
}

// readState reads what the last export wrote; found is false if nothing tells. One that can't be read tells nothing.
func readState(ctx context.Context, sink Sink) (known map[string]File, found bool, err error) {
	text, err := readDocument(ctx, sink, StatePath)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	var s state
	if json.Unmarshal(text, &s) != nil || s.Version != stateVersion {
		return nil, false, nil
	}
	known = make(map[string]File, len(s.Files))
	for _, f := range s.Files {
		if _, err := stageOf(f.Path); err == nil { // it is a path that may be deleted
			known[f.Path] = f
		}
	}
	return known, true, nil
}

func writeState(ctx context.Context, sink Sink, files []File) error {
	s := state{Version: stateVersion, Files: slices.SortedFunc(slices.Values(files), func(a, b File) int { return strings.Compare(a.Path, b.Path) })}
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return putDocument(ctx, sink, StatePath, append(text, '\n'))
}

// survey finds what of the listed files is there already, where no state tells: the size decides for artifacts, the bytes for the rest.
// With reread everything is hashed.
func survey(ctx context.Context, sink Sink, files []File, reread bool) (map[string]File, error) {
	sizes, err := sink.Sizes(ctx)
	if err != nil {
		return nil, err
	}
	known := map[string]File{}
	var found []File
	for _, f := range files {
		size, ok := sizes[f.Path]
		switch {
		case !ok:
		case Immutable(f.Path) && !reread:
			if size == f.Size {
				known[f.Path] = f
			}
		default:
			found = append(found, File{Path: f.Path, Size: size})
		}
	}
	sums := make([]digest.SHA256, len(found))
	err = each(ctx, len(found), func(ctx context.Context, i int) (err error) {
		sums[i], err = sink.Sum(ctx, found[i].Path, reread)
		return err
	})
	for i, f := range found {
		f.Digest = sums[i]
		known[f.Path] = f
	}
	return known, err
}
