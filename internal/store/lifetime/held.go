package lifetime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/store/blob"
	"github.com/org/registry-action/internal/store/kv"
)

// Held is a blob that metadata counts on.
type Held struct {
	blob.Key
	Until time.Time
}

// Firm reports whether the bytes were surely there at a time: a blob may be held for some hours before it comes.
func (h Held) Firm(at time.Time) bool { return h.Until.After(at.Add(holdFor)) }

// HeldBy reads the blob that a row holds; ok is false for rows that hold none, and for blobs that are being removed.
func HeldBy(r kv.Row) (h Held, ok bool, err error) {
	name, found := strings.CutPrefix(r.Partition, "blob/")
	if !found || r.Sort != holdKey(blob.Key{}).Sort {
		return Held{}, false, nil
	}
	space, hex, _ := strings.Cut(name, "/")
	d, err := digest.Parse(hex)
	if err != nil {
		return Held{}, false, fmt.Errorf("decoding row %s: %w", r.Key, err)
	}
	var row hold
	if err := json.Unmarshal(r.Value, &row); err != nil {
		return Held{}, false, fmt.Errorf("decoding row %s: %w", r.Key, err)
	}
	return Held{Key: blob.Key{Space: blob.Space(space), Digest: d}, Until: row.Until}, row.Doomed.IsZero(), nil
}

// IsHeld reports whether metadata counts on a blob.
func IsHeld(ctx context.Context, db kv.DB, b blob.Key) (bool, error) {
	_, err := db.Get(ctx, holdKey(b))
	if errors.Is(err, kv.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// Until tells until when a blob is kept; held is false if no row says that it is, or none that can be read, or the blob is
// being removed.
func (k *Keeper) Until(ctx context.Context, b blob.Key) (until time.Time, held bool, err error) {
	row, err := k.db.Get(ctx, holdKey(b))
	if errors.Is(err, kv.ErrNotFound) {
		return time.Time{}, false, nil
	}
	if err != nil {
		return time.Time{}, false, err
	}
	h, held, err := HeldBy(row)
	if err != nil {
		return time.Time{}, false, nil
	}
	return h.Until, held, nil
}

// Forever is until when the blobs of releases are kept.
func Forever() time.Time { return forever }
