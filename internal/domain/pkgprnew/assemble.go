package pkgprnew

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/blob"
	"github.com/org/registry-action/internal/store/kv"
)

func readPart(row kv.Row) (p part, err error) {
	if err = json.Unmarshal(row.Value, &p); err != nil {
		err = fmt.Errorf("decoding row %s: %w", row.Key, err)
	}
	return p, err
}

// Tarball reads the tarball of a package that a run has brought in parts. The caller closes it.
func (s *Service) Tarball(ctx context.Context, run Run, name, key string) (io.ReadCloser, error) {
	if !uploadIDs.MatchString(key) {
		return nil, noUpload()
	}
	up, _, _, err := kv.ReadJSON[upload](ctx, s.db, uploadKey(key))
	if err != nil {
		return nil, err
	}
	switch {
	case up.Run != run.Key: // there is none, or it is another run's
		return nil, noUpload()
	case up.Name != name:
		return nil, fault.New(fault.Invalid, "the upload is of %q, not of %.230q", up.Name, name).WithCode("wrong_name")
	case up.Parts == nil:
		return nil, fault.New(fault.Invalid, "the upload of %s is not complete", name).WithCode("invalid_part")
	}
	return &assembly{ctx: ctx, blobs: s.blobs, left: up.Parts}, nil
}

// assembly reads parts one after the other, and has one of them open.
type assembly struct {
	ctx   context.Context
	blobs blob.Store
	left  []part
	open  blob.Blob
}

// Read implements io.Reader.
func (a *assembly) Read(p []byte) (int, error) {
	for {
		if a.open == nil {
			if len(a.left) == 0 {
				return 0, io.EOF
			}
			b, _, err := a.blobs.Open(a.ctx, blob.Key{Space: blob.Commits, Digest: a.left[0].Digest})
			if errors.Is(err, blob.ErrNotFound) {
				err = noUpload()
			}
			if err != nil {
				return 0, err
			}
			a.open, a.left = b, a.left[1:]
		}
		n, err := a.open.Read(p)
		if err != io.EOF {
			return n, err
		}
		err, a.open = a.open.Close(), nil
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// Close implements io.Closer.
func (a *assembly) Close() error {
	if a.open == nil {
		return nil
	}
	return a.open.Close()
}
