package zigpackages

import (
	"context"
	"hash/crc32"
)

// turns lets the writes of one package that come to this server be made one
// after the other. Without, most of many at once would lose against each other
// again and again. Between servers the head row decides.
type turns [64]chan struct{}

func newTurns() *turns {
	t := &turns{}
	for i := range t {
		t[i] = make(chan struct{}, 1)
	}
	return t
}

// take waits for the turn of a package; done ends it.
func (t *turns) take(ctx context.Context, key string) (done func(), err error) {
	return take(ctx, t[crc32.ChecksumIEEE([]byte(key))%uint32(len(t))])
}

// take waits for a place in slots; done gives it back.
func take(ctx context.Context, slots chan struct{}) (done func(), err error) {
	select {
	case slots <- struct{}{}:
		return func() { <-slots }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
