package boltkv

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/org/registry-action/internal/store/kv"
)

// A batch can be cancelled, or refused by Close, until it is taken up. The
// store here has no committer: the test plays it.
func TestApplyUntilTakenUp(t *testing.T) {
	var (
		errFromCommit = errors.New("from the commit")
		cancelApply   = func(_ *DB, cancel func()) { cancel() }
		closeStore    = func(db *DB, _ func()) { close(db.closing) }
	)
	for name, c := range map[string]struct {
		event func(db *DB, cancel func())
		taken bool
		want  error
	}{
		"cancelled while queued": {cancelApply, false, context.Canceled},
		"cancelled when taken":   {cancelApply, true, errFromCommit},
		"closed while queued":    {closeStore, false, kv.ErrClosed},
		"closed when taken":      {closeStore, true, errFromCommit},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				db := &DB{queue: make(chan *request), closing: make(chan struct{})}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				answer := make(chan error, 1)
				go func() { answer <- db.Apply(ctx) }()
				synctest.Wait()
				var r *request
				if c.taken {
					r = <-db.queue
				}
				c.event(db, cancel)
				synctest.Wait()
				if c.taken {
					if len(answer) > 0 {
						t.Fatal("Apply returned before its batch was answered")
					}
					r.answer <- errFromCommit
				}
				if err := <-answer; !errors.Is(err, c.want) {
					t.Errorf("Apply: got %v, want %v", err, c.want)
				}
			})
		})
	}
}
