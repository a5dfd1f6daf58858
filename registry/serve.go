package registry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/org/registry-action/internal/web/httpkit"
)

// LevelAudit is the level of the audit lines in Config.Log, above all others.
const LevelAudit = httpkit.LevelAudit

// The times a client has.
const (
	headerTimeout = 10 * time.Second
	idleTimeout   = 2 * time.Minute
	shutdownTime  = 30 * time.Second // Config.ShutdownTime
)

// Drain has /ready say from now on that the server is stopping, so that load balancers send
// their requests elsewhere. Serve does it by itself; it is for who uses Handler.
func (r *Registry) Drain() { r.ready.stopping.Store(true) }

// Serve answers requests on a listener, which it closes, and removes what has
// expired, until ctx is done. Then it drains: for Config.ShutdownDelay it goes on, after that
// it takes no more requests, and lets those under way finish.
func (r *Registry) Serve(ctx context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	var sweeper sync.WaitGroup
	defer sweeper.Wait()
	defer cancel()
	sweeper.Go(func() { r.Run(ctx) })

	srv := &http.Server{
		Handler: r.handler, ReadHeaderTimeout: r.config.headerTime, IdleTimeout: idleTimeout, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(r.config.Log.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	r.Drain()
	if delay := r.config.ShutdownDelay; delay > 0 {
		r.config.Log.Info("draining: still serving, but no longer ready", "for", delay)
		select {
		case err := <-failed:
			return err
		case <-time.After(delay):
		}
	}
	return r.shutdown(context.WithoutCancel(ctx), srv)
}

// shutdown lets the requests under way finish.
func (r *Registry) shutdown(ctx context.Context, srv *http.Server) error {
	limit := r.config.ShutdownTime
	r.config.Log.Info("stopping: finishing the requests under way", "within", limit)
	ctx, end := context.WithTimeout(ctx, limit)
	defer end()
	if err := srv.Shutdown(ctx); err != nil {
		return errors.Join(fmt.Errorf("some requests did not finish in %s (SHUTDOWN_TIMEOUT): %w", limit, err), srv.Close())
	}
	return nil
}
