package lumenpackages

import (
	"context"
	"errors"
	"time"

	"github.com/org/registry-action/internal/format/lumen"
	"github.com/org/registry-action/internal/store/kv"
)

// checkpointRow is a checkpoint that was signed. It is kept so that an unchanged registry has the same
// bytes on every server, and after a restart.
type checkpointRow struct {
	Statement lumen.Checkpoint `json:"statement"`
	Envelope  lumen.Envelope   `json:"envelope"`
	IssuedAt  time.Time        `json:"issuedAt"`
}

// isOf reports whether the checkpoint is one of this tree, signed by the current key.
func (c checkpointRow) isOf(t *tree, root string, signer signer) bool {
	return c.Statement.Sequence == t.revision && c.Statement.Root == root &&
		len(c.Envelope.Signatures) == 1 && c.Envelope.Signatures[0].KeyID == signer.public.KeyID
}

// half is when half of the checkpoint's time is over. It may be less than was said when it was signed.
func (c checkpointRow) half(good time.Duration) time.Time { return c.IssuedAt.Add(good / 2) }

// checkpoint returns the tree's checkpoint, and signs it if need be; nil if the tree is not the present one any more.
func (s *Service) checkpoint(ctx context.Context, t *tree, signer signer) (*checkpointRow, error) {
	root := t.root()
	for range tries {
		old, raw, found, err := kv.ReadJSON[checkpointRow](ctx, s.db, checkpointKey())
		if err != nil {
			return nil, err
		}
		now, same := s.now(), found && old.isOf(t, root, signer)
		switch {
		case found && old.Statement.Sequence > t.revision:
			return nil, nil
		case same && now.Before(old.half(s.opt.Checkpoint)):
			return &old, nil
		}
		next := s.signCheckpoint(t, root, signer, now)
		err = s.db.Apply(ctx, kv.Upsert(raw, found, kv.JSON(checkpointKey(), next)), signer.unchanged())
		if lost, ok := errors.AsType[*kv.ConflictError](err); ok {
			if lost.Key == currentKey() {
				return nil, nil // the key was rotated, which is a change of the tree
			}
			continue
		}
		if err != nil && same && now.Before(old.IssuedAt.Add(s.opt.Checkpoint)) {
			s.opt.Log.ErrorContext(ctx, "the checkpoint of the Lumen packages can't be renewed; it expires soon", "expires", old.Statement.Expires, "err", err)
			return &old, nil
		}
		if err != nil {
			return nil, err
		}
		return &next, nil
	}
	return nil, nil
}

func (s *Service) signCheckpoint(t *tree, root string, signer signer, now time.Time) checkpointRow {
	statement := lumen.Checkpoint{
		Sequence: t.revision, Root: root, Packages: len(t.summaries),
		IssuedAt: timeText(now), Expires: timeText(now.Add(s.opt.Checkpoint)),
	}
	return checkpointRow{
		Statement: statement, IssuedAt: now,
		Envelope: lumen.Seal(signer.key, lumen.CheckpointType, lumen.Encode(statement), timeText(now)),
	}
}
