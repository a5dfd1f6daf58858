package registry

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"time"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/domain/catalog"
	"github.com/org/registry-action/internal/domain/commits"
	"github.com/org/registry-action/internal/domain/forks"
	"github.com/org/registry-action/internal/domain/lumenpackages"
	"github.com/org/registry-action/internal/domain/packages"
	"github.com/org/registry-action/internal/domain/programs"
	"github.com/org/registry-action/internal/domain/search"
	"github.com/org/registry-action/internal/domain/signing"
	"github.com/org/registry-action/internal/domain/stats"
	"github.com/org/registry-action/internal/domain/trust"
	"github.com/org/registry-action/internal/domain/upstream"
	"github.com/org/registry-action/internal/domain/zigmirror"
	"github.com/org/registry-action/internal/domain/zigpackages"
	"github.com/org/registry-action/internal/forge/connector"
	"github.com/org/registry-action/internal/store/lifetime"
	"github.com/org/registry-action/internal/web/changeset"
)

// Registry is a running registry; make it with New.
type Registry struct {
	config   Config
	stores   stores
	life     *lifetime.Keeper
	auth     *auth.Service
	trust    *trust.Service
	forge    *connector.Connector
	packages *packages.Service
	zig      *zigpackages.Service
	lumen    *lumenpackages.Service
	commits  *commits.Service
	changes  changeset.Reader
	catalog  *catalog.Service
	upstream *upstream.Service  // nil: none
	mirror   *zigmirror.Service // nil: none
	signing  *signing.Service
	mover    *mover
	verifier *verifier
	ready    *readiness
	stats    *stats.Service
	search   *search.Service
	programs *programs.Folder // nil: none
	forks    *forks.Service
	comments *commenter // nil: there is no App that could write them
	handler  http.Handler
}

// New opens the stores and wires the server. The caller closes it.
func New(c Config) (*Registry, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	s, err := openStores(c)
	if err != nil {
		return nil, notWritable(c.DataDir, err)
	}
	r := &Registry{config: c, stores: s, mover: newMover(c, s)}
	r.verifier = newVerifier(r)
	if err := r.wire(); err != nil {
		return nil, errors.Join(err, s.close())
	}
	if err := r.readTrustFile(context.Background()); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	if c.SignUp {
		c.Log.Warn("everybody who can reach this server can make an account, and publish under the names and for the repositories that nobody owns yet (SIGN_UP); with SIGN_UP=false accounts are made by: registry-server user add")
	}
	return r, nil
}

// Handler is the whole server.
func (r *Registry) Handler() http.Handler { return r.handler }

// Sweep removes what has expired, now.
func (r *Registry) Sweep(ctx context.Context) (Swept, error) {
	tasks := r.commits.Tasks()
	maps.Copy(tasks, r.packages.Tasks())
	swept, err := r.life.Sweep(ctx, tasks)
	return Swept{Commits: swept["commit"], Blobs: swept["blob"]}, err
}

// Swept counts what a sweep removed.
type Swept struct{ Commits, Blobs int }

// Run sweeps at once and then every Config.SweepEvery, until ctx is done.
func (r *Registry) Run(ctx context.Context) {
	tick := time.NewTicker(r.config.SweepEvery)
	defer tick.Stop()
	for {
		began := time.Now()
		swept, err := r.Sweep(ctx)
		if ctx.Err() != nil {
			return
		}
		r.sweptIn(time.Since(began), swept, err)
		switch {
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

// Close ends what is under way with upstream and forges, and closes the stores. Requests must have ended.
func (r *Registry) Close() error {
	r.mover.close()
	r.verifier.close()
	r.ready.close()
	r.comments.close()
	r.trust.Close()
	err := errors.Join(r.closeSearch(), r.closeStats())
	if r.upstream != nil {
		err = errors.Join(err, r.upstream.Close())
	}
	if r.mirror != nil {
		err = errors.Join(err, r.mirror.Close())
	}
	return errors.Join(err, r.programs.Close(), r.stores.close())
}
