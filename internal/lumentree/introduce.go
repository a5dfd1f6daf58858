package lumentree

import (
	"bytes"
	"context"
	"slices"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/lumen"
)

// introduce lists the keys that are new to a signed tree before anything is there that they signed, and takes keys.json out of the
// changes. What it revokes is said by revoke. In a tree that nobody has signed so far keys.json comes in its stage: from then on
// everything must be signed.
func (e *export) introduce(ctx context.Context, changed []File) ([]File, error) {
	e.revoking = nil
	i := slices.IndexFunc(changed, func(f File) bool { return f.Path == lumen.KeysPath() })
	if i < 0 {
		return changed, nil
	}
	old, err := optional(ctx, e.sink, lumen.KeysPath())
	if err != nil || old == nil {
		return changed, err
	}
	text, err := e.fetch(ctx, changed[i])
	if err != nil {
		return nil, err
	}
	next, err := lumen.DecodeKeys(text)
	if err != nil {
		return nil, fault.Wrap(err, fault.Upstream, "the registry's keys.json: %s", said(err))
	}
	now := text
	if present, err := lumen.DecodeKeys(old); err == nil && keepGood(present.Keys, &next) {
		now, e.revoking = lumen.Encode(next), text
	}
	if !bytes.Equal(now, old) {
		if err := e.putKeys(ctx, now); err != nil {
			return nil, err
		}
	}
	return slices.Delete(slices.Clone(changed), i, i+1), nil
}

// revoke writes the keys.json that revokes a key, once nothing is there any more that the key has signed: neither the journal.
func (e *export) revoke(ctx context.Context) error {
	if e.revoking == nil {
		return nil
	}
	if err := withdraw(ctx, e.sink); err != nil {
		return err
	}
	return e.putKeys(ctx, e.revoking)
}

func (e *export) putKeys(ctx context.Context, text []byte) error {
	if err := putDocument(ctx, e.sink, lumen.KeysPath(), text); err != nil {
		return err
	}
	e.known[lumen.KeysPath()] = File{Path: lumen.KeysPath(), Digest: digest.Of(text), Size: int64(len(text))}
	e.report.Written++
	e.report.Bytes += int64(len(text))
	return nil
}

// keepGood lets the next keys have all that are good at present; it reports whether they lacked one.
func keepGood(present []lumen.Key, next *lumen.Keys) (changed bool) {
	for _, k := range present {
		if k.Revoked {
			continue
		}
		i := slices.IndexFunc(next.Keys, func(n lumen.Key) bool { return n.KeyID == k.KeyID })
		switch {
		case i < 0:
			next.Keys = append(next.Keys, k)
		case next.Keys[i].Revoked:
			next.Keys[i].Revoked = false
		default:
			continue
		}
		changed = true
	}
	return changed
}
