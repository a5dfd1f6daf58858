package lumentree

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/lumen"
)

// ReadPins reads a file of pinned keys, which has the form of keys.json; os.ErrNotExist if there is none.
func ReadPins(path string) ([]lumen.Key, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(f, lumen.MaxMetadata+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("reading the pinned keys: %w", err)
	}
	keys, err := lumen.DecodeKeys(text)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "%s: %s", path, said(err))
	}
	if len(keys.Keys) == 0 {
		return nil, fault.New(fault.Invalid, "%s has no keys; remove it to pin those of the next tree that is found good", path)
	}
	for _, k := range keys.Keys {
		if _, err := k.Parse(); err != nil {
			return nil, fault.Wrap(err, fault.Invalid, "%s: %s", path, said(err))
		}
	}
	return keys.Keys, nil
}

// WritePins writes such a file; it must not be there.
func WritePins(path string, pins []lumen.Key) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(lumen.Encode(lumen.Keys{Keys: pins}))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}
