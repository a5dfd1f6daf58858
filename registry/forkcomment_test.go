package registry

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/registry-action/internal/store/storetest"
)

// A forge that does not answer holds up the end of a server for seconds, and the log names the pull requests that get no comment.
func TestCommentsEndInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log storetest.Transcript
		c := newCommenter(func(ctx context.Context, _ pullRequest) error {
			<-ctx.Done()
			return ctx.Err()
		}, slog.New(slog.NewTextHandler(&log, nil)))
		for pull := range 3 {
			c.ask("acme/ws", pull+1)
		}
		synctest.Wait()
		began := time.Now()
		c.close()
		if took := time.Since(began); took != lastComments {
			t.Errorf("it ends after %s", took)
		}
		if got := strings.Count(log.String(), `"the comment of a fork could not be written" repository=acme/ws pull=`); got != 3 {
			t.Errorf("the log names %d of 3 pull requests:\n%s", got, &log)
		}
	})
}
