package commits

import (
	"context"
	"hash/crc32"
)

// turns lets the publishes of one commit that come to this server make their
// last step one after the other. Without, most of many at once would lose
// against each other again and again. Between servers the head row decides.
type turns [64]chan struct{}

func newTurns() *turns {
	t := &turns{}
	for i := range t {
		t[i] = make(chan struct{}, 1)
	}
	return t
}

// take waits for the commit's turn; done ends it.
func (t *turns) take(ctx context.Context, sha string) (done func(), err error) {
	turn := t[crc32.ChecksumIEEE([]byte(sha))%uint32(len(t))]
	select {
	case turn <- struct{}{}:
		return func() { <-turn }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
