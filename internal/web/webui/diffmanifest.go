package webui

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/org/registry-action/internal/domain/files"
	"github.com/org/registry-action/internal/format/packument"
)

// manifestChange is a member of package.json that changed. Members that are maps are compared by key.
type manifestChange struct {
	Field         string // "dependencies"
	Key           string // "left-pad"; empty where the member is compared as a whole
	Before, After string // JSON, texts without their quotes; empty where it is not there
	What          string
}

const (
	maxManifest      = 1 << 20
	maxChangedFields = 100
	maxChangedValue  = 200 // bytes
)

// manifestFields are compared, in this order.
var manifestFields = []string{
	"name", "version", "type", "main", "module", "types", "exports", "imports", "bin", "scripts", "engines", "os", "cpu",
	"dependencies", "optionalDependencies", "peerDependencies", "peerDependenciesMeta", "bundleDependencies", "bundledDependencies", "devDependencies",
	"license", "repository", "homepage", "bugs", "author", "description", "keywords",
}

func (u *UI) compareManifests(ctx context.Context, before, after *files.Source, a, b *files.Listing, path string) ([]manifestChange, error) {
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
	return manifestChanges(was[path], is[path]), nil
}

// manifestChanges compares two package.json; one that can't be read has no members.
func manifestChanges(before, after []byte) []manifestChange {
	a, _ := packument.ParseObject(bytes.TrimPrefix(before, []byte("\xef\xbb\xbf")))
	b, _ := packument.ParseObject(bytes.TrimPrefix(after, []byte("\xef\xbb\xbf")))
	var all []manifestChange
	for _, field := range manifestFields {
		was, is := a.Get(field), b.Get(field)
		left, errLeft := packument.ParseObject(was)
		right, errRight := packument.ParseObject(is)
		if (was == nil || errLeft == nil) && (is == nil || errRight == nil) {
			all = append(all, keyChanges(field, left, right)...)
		} else if c, ok := changeOf(field, "", was, is); ok {
			all = append(all, c)
		}
		if len(all) > maxChangedFields {
			return all[:maxChangedFields]
		}
	}
	return all
}

func keyChanges(field string, a, b packument.Object) []manifestChange {
	var all []manifestChange
	for _, m := range a {
		if c, ok := changeOf(field, m.Key, m.Value, b.Get(m.Key)); ok {
			all = append(all, c)
		}
	}
	for _, m := range b {
		if a.Get(m.Key) == nil {
			if c, ok := changeOf(field, m.Key, nil, m.Value); ok {
				all = append(all, c)
			}
		}
	}
	slices.SortFunc(all, func(x, y manifestChange) int { return cmp.Compare(x.Key, y.Key) })
	return all
}

// changeOf compares two values, either of which may be missing.
func changeOf(field, key string, was, is json.RawMessage) (manifestChange, bool) {
	c := manifestChange{Field: field, Key: key, Before: valueText(was), After: valueText(is), What: fileChanged}
	switch {
	case was == nil:
		c.What = fileAdded
	case is == nil:
		c.What = fileRemoved
	}
	same := c.Before == c.After && (was == nil) == (is == nil)
	c.Before, c.After = shorten(c.Before, maxChangedValue), shorten(c.After, maxChangedValue)
	return c, !same
}

// valueText is a value in one line, a text without its quotes.
func valueText(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return string(raw)
	}
	return b.String()
}

// shorten cuts a text that has more than n bytes.
func shorten(text string, n int) string {
	if len(text) <= n {
		return text
	}
	return strings.ToValidUTF8(text[:n], "") + "…"
}
