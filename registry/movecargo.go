package registry

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/transfer"
)

// The bounds of the passes over rows.
const (
	onlineRounds = 8       // over what was changed meanwhile, before writes are stopped
	fewChanges   = 500     // changed rows that the last pass may be left with
	maxTouched   = 200_000 // keys that are kept to be compared at last; if there are more, all rows are
)

// cargo is rows that move from one store to another.
type cargo struct {
	transfer.Rows
	gate   *transfer.Gate
	shared bool // other servers write to the store they come from, and the gate does not see it

	compared bool     // all rows were, but for touched
	touched  []kv.Key // what was changed since, or was not the same then
}

// online copies all rows while they change, and compares them.
func (c *cargo) online(ctx context.Context, until time.Time) error {
	if c.shared {
		return c.Copy(ctx)
	}
	c.gate.Watch()
	if err := c.Copy(ctx); err != nil {
		return err
	}
	if err := c.catchUp(ctx); err != nil {
		return err
	}
	var err error
	if c.touched, err = c.Differing(ctx, until); err != nil {
		return err
	}
	c.compared = true
	if err := c.CopyKeys(ctx, c.touched); err != nil {
		return err
	}
	return c.catchUp(ctx)
}

// catchUp copies what was changed meanwhile until little is left.
func (c *cargo) catchUp(ctx context.Context) error {
	for range onlineRounds {
		left, err := c.changes(ctx)
		if err != nil || left <= fewChanges {
			return err
		}
	}
	return nil
}

// changes copies the rows that were changed since it was last called, and says how many.
func (c *cargo) changes(ctx context.Context) (int, error) {
	keys, ok := c.gate.Changed()
	if !ok || len(c.touched)+len(keys) > maxTouched {
		c.compared, c.touched = false, nil
	}
	if !ok {
		return fewChanges + 1, errors.Join(c.Copy(ctx), c.Prune(ctx))
	}
	c.touched = append(c.touched, keys...)
	return len(keys), c.CopyKeys(ctx, keys)
}

// rest copies what was changed since online, once nobody writes any more.
func (c *cargo) rest(ctx context.Context) error {
	if c.shared {
		return c.Copy(ctx)
	}
	_, err := c.changes(ctx)
	return err
}

// verify compares what was not compared yet, once nobody writes any more.
func (c *cargo) verify(ctx context.Context, until time.Time) error {
	if !c.compared {
		return c.verifyAll(ctx, until)
	}
	left, err := c.DifferingOf(ctx, c.touched, until)
	if err == nil && len(left) > 0 {
		err = fmt.Errorf("%d rows that were copied are not the same as where they came from, the first is %s; does something else write to either?", len(left), left[0])
	}
	return err
}

func (c *cargo) verifyAll(ctx context.Context, until time.Time) error {
	here, there, err := c.Sums(ctx, until)
	if err != nil || here == there {
		return err
	}
	// Rows that were deleted between the passes, where nobody noted it.
	if err := errors.Join(c.Prune(ctx), c.Copy(ctx)); err != nil {
		return err
	}
	if here, there, err = c.Sums(ctx, until); err != nil || here == there {
		return err
	}
	return fmt.Errorf("the copy is not the same as what was copied: %s here, %s there; does something else write to either?", here, there)
}

// count counts the rows where that is fast.
func (c *cargo) count(ctx context.Context) (n int64, err error) {
	if c.shared {
		return 0, nil
	}
	for _, err := range c.From.Walk(ctx, kv.Key{}) {
		if err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}
