package pause

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		if err := For(t.Context(), time.Hour); err != nil || time.Since(start) != time.Hour {
			t.Errorf("For = %v after %s, want nothing after an hour", err, time.Since(start))
		}
		why := errors.New("nobody wants it")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Minute, func() { cancel(why) })
		if err := For(ctx, time.Hour); !errors.Is(err, why) || time.Since(start) != time.Hour+time.Minute {
			t.Errorf("For = %v after %s, want the cause after a minute", err, time.Since(start)-time.Hour)
		}
	})
}
