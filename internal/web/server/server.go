// Package server mounts every protocol on one root handler.
package server

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/web/commitapi"
	"github.com/org/registry-action/internal/web/httpkit"
)

// Config is what the root handler is made of.
type Config struct {
	Commits *commitapi.API
	Version string
	Log     *slog.Logger
}

// New returns the handler of the whole server.
func New(c Config) http.Handler {
	kit, mux := httpkit.Kit{Log: c.Log}, &httpkit.Mux{}
	publishing := c.Commits.Publishing()
	mux.Handle("/publish/commit", publishing)
	mux.Handle("/publish/commit/", publishing)
	mux.Handle("/commits/", c.Commits.Reading())
	mux.Handle("GET /health", kit.Handle(health))
	mux.Handle("GET /{$}", kit.Handle(c.index))
	mux.Handle("/", c.Commits.Short())

	var h http.Handler = httpkit.ScopedNames(mux)
	h = sameOrigin(h)
	h = httpkit.Headers(h)
	h = httpkit.CutOff(h)
	h = httpkit.Access(c.Log, h)
	return httpkit.Identify(h)
}

// sameOrigin refuses writes that a browser makes for another site.
func sameOrigin(next http.Handler) http.Handler {
	p := http.NewCrossOriginProtection()
	p.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		httpkit.WriteError(w, r, fault.New(fault.Forbidden, "a browser may not write here for another site").WithCode("cross_origin"))
	}))
	return p.Handler(next)
}

func health(w http.ResponseWriter, r *http.Request) error {
	return httpkit.JSON(w, r, http.StatusOK, map[string]any{"status": "ok", "timestamp": time.Now().UTC().Format("2006-01-02T15:04:05.000Z07:00")})
}

func (c Config) index(w http.ResponseWriter, r *http.Request) error {
	return httpkit.JSON(w, r, http.StatusOK, map[string]any{
		"name": "registry-server", "version": c.Version,
		"install": "npm install {this server}/{owner}/{repo}/{package}@{commit, pr-7, branch:main or tag:v1}",
	})
}
