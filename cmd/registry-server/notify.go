package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync"
)

// The states that systemd is told of, see sd_notify(3).
const (
	notifyReady    = "READY=1"
	notifyStopping = "STOPPING=1"
)

// notify tells the service manager, if there is one, how the program is. socket is what it
// has named in NOTIFY_SOCKET: a path, or with an @ a name in Linux's abstract space.
func notify(ctx context.Context, socket, state string) error {
	if socket == "" {
		return nil
	}
	c, err := new(net.Dialer).DialContext(ctx, "unixgram", socket)
	if err != nil {
		return fmt.Errorf("telling the service manager %s: %w", state, err)
	}
	_, err = c.Write([]byte(state))
	if closed := c.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("telling the service manager %s: %w", state, err)
	}
	return nil
}

// tellManager tells the service manager that the server is ready, and when it stops because
// ctx ends. done waits until that is told.
func (s streams) tellManager(ctx context.Context, log *slog.Logger) (done func()) {
	tell := func(state string) {
		if err := notify(context.WithoutCancel(ctx), s.manager, state); err != nil {
			log.Error("the service manager is not told", "err", err)
		}
	}
	tell(notifyReady)
	var telling sync.WaitGroup
	telling.Add(1)
	stop := context.AfterFunc(ctx, func() { defer telling.Done(); tell(notifyStopping) })
	return func() {
		if stop() {
			telling.Done()
		}
		telling.Wait()
	}
}
