package packages

import (
	"context"
	"hash/crc32"
	"slices"
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

// take waits for the turn of all the names; done ends it. Turns are taken in
// one order, so that two who want the same ones never wait for each other.
func (t *turns) take(ctx context.Context, names ...string) (done func(), err error) {
	var slots []uint32
	for _, name := range names {
		slots = append(slots, crc32.ChecksumIEEE([]byte(name))%uint32(len(t)))
	}
	slices.Sort(slots)
	slots = slices.Compact(slots)
	release := func(n int) {
		for _, slot := range slots[:n] {
			<-t[slot]
		}
	}
	for i, slot := range slots {
		select {
		case t[slot] <- struct{}{}:
		case <-ctx.Done():
			release(i)
			return nil, ctx.Err()
		}
	}
	return func() { release(len(slots)) }, nil
}
