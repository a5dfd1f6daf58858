package lifetime

import (
	"context"
	"errors"
	"time"

	"github.com/org/registry-action/internal/store/blob"
)

// Where others remove blobs by their age (blob.Refresher), one that commit after commit uses again must not grow old:
// whoever holds it longer makes it young first, once it is blob.RefreshAfter old. So at the end of a hold no blob is
// older than that and the time it was held for.

// since returns since when a blob's bytes are stored, for its next hold. They come after the first one, so of most
// blobs the row tells, and nobody asks the store.
func (k *Keeper) since(ctx context.Context, b blob.Key, h hold, found bool) (time.Time, error) {
	now := k.now()
	if !found || b.Space != blob.Commits {
		return now, nil
	}
	if now.Sub(h.Since) < blob.RefreshAfter {
		return h.Since, nil
	}
	return now, k.refresh(ctx, b, now)
}

// Reuse is for whoever finds a blob in the store and is going to use it, as it is and not by a Put: it may be older than
// its hold, if the metadata was lost in between.
func (k *Keeper) Reuse(ctx context.Context, info blob.Info) error {
	now := k.now()
	if info.Space != blob.Commits || now.Sub(info.ModTime) < blob.RefreshAfter {
		return nil
	}
	return k.refresh(ctx, info.Key, now)
}

// refresh makes an old blob young. One that is not there, because it is only held for a Put, will be.
func (k *Keeper) refresh(ctx context.Context, b blob.Key, now time.Time) error {
	if k.opt.Refresher == nil {
		return nil
	}
	err := k.opt.Refresher.Refresh(ctx, b, now.Add(-blob.RefreshAfter))
	if errors.Is(err, blob.ErrNotFound) {
		return nil
	}
	return err
}
