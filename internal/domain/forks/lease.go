package forks

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/kv"
)

const (
	leaseFor   = 2 * time.Minute // a server that dies lets others wait no longer
	leaseTries = 30
)

// Alone does what one server at a time may do for a pull request: comment on it. It waits for others, a second at a time.
func (s *Service) Alone(ctx context.Context, path string, pull int, wait func(context.Context, time.Duration) error, do func(context.Context) error) error {
	row := kv.Row{Key: leaseKey(path, pull), Value: []byte(rand.Text())}
	for range leaseTries {
		row.Expires = s.now().Add(leaseFor)
		err := s.db.Apply(ctx, kv.PutNew(row))
		if errors.Is(err, kv.ErrConflict) {
			if err := wait(ctx, time.Second); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		within, cancel := context.WithTimeout(ctx, leaseFor-10*time.Second)
		defer cancel()
		err = do(within)
		// Not within: what is done is given back also if ctx is.
		free := s.db.Apply(context.WithoutCancel(ctx), kv.Drop(row.Value, row.Key))
		if errors.Is(free, kv.ErrConflict) {
			free = nil // its time was over
		}
		return errors.Join(err, free)
	}
	return fault.New(fault.Unavailable, "other servers are busy with pull request #%d of %s", pull, path)
}
