package registry

import (
	"context"
	"net/http"
	"time"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/domain/commits"
	"github.com/org/registry-action/internal/store/lifetime"
	"github.com/org/registry-action/internal/web/commitapi"
	"github.com/org/registry-action/internal/web/server"
)

// Registry is a running registry; make it with New.
type Registry struct {
	config  Config
	stores  stores
	life    *lifetime.Keeper
	commits *commits.Service
	handler http.Handler
}

// New opens the stores and wires the server. The caller closes it.
func New(c Config) (*Registry, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	s, err := openStores(c)
	if err != nil {
		return nil, err
	}
	life := lifetime.New(s.db, s.blobs, lifetime.Options{Horizon: c.Retention + 48*time.Hour, Now: c.Now, Log: c.Log})
	domain := commits.New(s.db, s.blobs, life, commits.Options{
		MaxPackage: c.MaxPackage, MaxPublish: c.MaxPublish, MaxPackages: c.MaxPackages, Retention: c.Retention,
		SpoolDir: s.spool, Now: c.Now,
	})
	api := &commitapi.API{
		Commits: domain, Auth: auth.New(c.Token), BaseURL: c.BaseURL,
		MaxPackage: c.MaxPackage, MaxPublish: c.MaxPublish, Log: c.Log,
	}
	return &Registry{
		config: c, stores: s, life: life, commits: domain,
		handler: server.New(server.Config{Commits: api, Version: c.Version, Log: c.Log}),
	}, nil
}

// Handler is the whole server.
func (r *Registry) Handler() http.Handler { return r.handler }

// Sweep removes what has expired, now.
func (r *Registry) Sweep(ctx context.Context) (Swept, error) {
	swept, err := r.life.Sweep(ctx, r.commits.Tasks())
	return Swept{Commits: swept["commit"], Blobs: swept["blob"]}, err
}

// Swept counts what a sweep removed.
type Swept struct{ Commits, Blobs int }

// Run sweeps at once and then every Config.SweepEvery, until ctx is done.
func (r *Registry) Run(ctx context.Context) {
	tick := time.NewTicker(r.config.SweepEvery)
	defer tick.Stop()
	for {
		swept, err := r.Sweep(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			r.config.Log.ErrorContext(ctx, "sweeping", "err", err)
		case swept != Swept{}:
			r.config.Log.InfoContext(ctx, "swept", "commits", swept.Commits, "blobs", swept.Blobs)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Close closes the stores. Requests must have ended.
func (r *Registry) Close() error { return r.stores.close() }
