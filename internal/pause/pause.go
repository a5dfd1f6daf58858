// Package pause waits between tries, for as long as somebody still wants the result.
package pause

import (
	"context"
	"time"
)

// For waits for d. If ctx ends before, it returns why.
func For(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}
