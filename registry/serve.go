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
	stopTimeout   = 30 * time.Second // to finish requests when the server stops
)

// Serve answers requests on a listener, which it closes, and removes what has
// expired, until ctx is done; then it lets the requests under way finish.
func (r *Registry) Serve(ctx context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	var sweeper sync.WaitGroup
	defer sweeper.Wait()
	defer cancel()
	sweeper.Go(func() { r.Run(ctx) })

	srv := &http.Server{
		Handler: r.handler, ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(r.config.Log.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	r.config.Log.Info("stopping: finishing the requests under way")
	stop, end := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer end()
	if err := srv.Shutdown(stop); err != nil {
		return errors.Join(fmt.Errorf("some requests did not finish in %s: %w", stopTimeout, err), srv.Close())
	}
	return nil
}
