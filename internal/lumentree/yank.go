package lumentree

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"slices"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/lumen"
)

// Yank takes a version out of what is offered, or puts it back. It can be fetched either way.
type Yank struct {
	Name, Version string
	Undo          bool
	Reason        string // may be empty
}

// Apply changes the tree in a folder or a bucket, which is locked. changed is false if the version was so already. Key and Now of
// the options count.
func (y Yank) Apply(ctx context.Context, to Sink, opt PublishOptions) (changed bool, err error) {
	w := newPublisher(to, Package{}, opt)
	w.pkg.Manifest = lumen.Manifest{Name: y.Name, Version: y.Version}
	if err := w.read(ctx); err != nil {
		return false, err
	}
	text, err := w.published(ctx)
	if err != nil {
		return false, err
	}
	old, err := lumen.DecodeMetadata(text)
	if err != nil {
		return false, err
	}
	w.there = &old
	reason, yanked := w.packages.Yanked[y.Version]
	same := yanked == !y.Undo && reason == y.Reason && old.Yanked == yanked && old.YankReason == reason
	if same && w.left == nil {
		return false, nil
	}
	if text, err = y.edit(text); err != nil {
		return false, err
	}
	w.add(metadata, lumen.MetadataPath(y.Name, y.Version), text)
	w.mark(ctx, y)
	return !same, w.write(ctx)
}

// mark writes the yank into the package's index.
func (w *publisher) mark(ctx context.Context, y Yank) {
	was := shown(w.packages)
	if w.packages.Yanked == nil {
		w.packages.Yanked = map[string]string{}
	}
	delete(w.packages.Yanked, y.Version)
	if !y.Undo {
		w.packages.Yanked[y.Version] = y.Reason
	}
	w.describe(ctx, was, shown(w.packages))
	w.pkg.Manifest.Description = w.packages.Description // as it is now, when write repeats that of the latest version
}

// published reads the metadata of the version, which must be there.
func (w *publisher) published(ctx context.Context) ([]byte, error) {
	m := w.pkg.Manifest
	text, err := readDocument(ctx, w.to, lumen.MetadataPath(m.Name, m.Version))
	if errors.Is(err, fs.ErrNotExist) || err == nil && !slices.Contains(w.packages.Versions, m.Version) {
		return nil, fault.New(fault.NotFound, "there is no version %s of %s; packages/%[2]s/index.json lists those that are", m.Version, m.Name)
	}
	return text, err
}

// edit writes the yank into the metadata of the version, and keeps all else.
func (y Yank) edit(text []byte) ([]byte, error) {
	out, err := parseObject(text)
	if err != nil {
		return nil, err
	}
	out.drop("yanked")
	out.drop("yank_reason")
	if !y.Undo {
		out.set("yanked", json.RawMessage("true"))
	}
	if y.Reason != "" {
		out.set("yank_reason", bytes.TrimSpace(lumen.Encode(y.Reason)))
	}
	return lumen.Encode(out), nil
}

// Yank asks a server for it.
func (s *Site) Yank(ctx context.Context, y Yank) error {
	ctx, cancel := context.WithTimeout(ctx, headerTimeout)
	defer cancel()
	method, body := http.MethodPost, []byte(nil)
	if y.Undo {
		method = http.MethodDelete
	} else if text, err := json.Marshal(map[string]string{"reason": y.Reason}); err != nil {
		return err
	} else {
		body = text
	}
	url := s.URL(fmt.Sprintf("packages/%s/%s/yank", y.Name, y.Version))
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	_, err = s.ask(req)
	return err
}
