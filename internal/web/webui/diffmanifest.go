package webui

import (
	"context"
	"strings"

	"github.com/org/registry-action/internal/domain/files"
	"github.com/org/registry-action/internal/format/manifestdiff"
)

const (
	maxManifest     = 1 << 20
	maxChangedValue = 200 // bytes
)

// compareManifests compares two package.json; a value that is too long to be shown is cut.
func (u *UI) compareManifests(ctx context.Context, before, after *files.Source, a, b *files.Listing, path string) ([]manifestdiff.Field, error) {
	f, _ := a.Find(path)
	g, _ := b.Find(path)
	if path == "" || f.SHA256 == g.SHA256 || f.Size > maxManifest || g.Size > maxManifest {
		return nil, nil
	}
	was, err := u.readOf(ctx, before, []files.File{f})
	if err != nil {
		return nil, err
	}
	is, err := u.readOf(ctx, after, []files.File{g})
	if err != nil {
		return nil, err
	}
	fields := manifestdiff.Fields(was[path], is[path])
	for i, field := range fields {
		fields[i].Before, fields[i].After = shorten(field.Before, maxChangedValue), shorten(field.After, maxChangedValue)
	}
	return fields, nil
}

// shorten cuts a text that has more than n bytes.
func shorten(text string, n int) string {
	if len(text) <= n {
		return text
	}
	return strings.ToValidUTF8(text[:n], "") + "…"
}
