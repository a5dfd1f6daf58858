// Package server mounts every protocol on one root handler.
package server

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/web/adminapi"
	"github.com/org/registry-action/internal/web/commitapi"
	"github.com/org/registry-action/internal/web/httpkit"
	"github.com/org/registry-action/internal/web/npmapi"
	"github.com/org/registry-action/internal/web/restapi"
)

// Config is what the root handler is made of.
type Config struct {
	Commits *commitapi.API
	NPM     *npmapi.API // these three may be nil: then their protocol is not spoken
	REST    *restapi.API
	Admin   *adminapi.API
	Loop    func(http.Header) bool // whether this server has made the request itself; nil: it makes none
	Version string
	Log     *slog.Logger
}

// New returns the handler of the whole server.
func New(c Config) http.Handler {
	var h http.Handler = httpkit.ScopedNames(c.root())
	if c.Loop != nil {
		h = c.endLoops(h)
	}
	h = sameOrigin(h)
	h = httpkit.Headers(h)
	h = httpkit.CutOff(h)
	h = httpkit.Access(c.Log, h)
	return httpkit.Identify(h)
}

// root says which protocol speaks where.
func (c Config) root() http.Handler {
	kit := httpkit.Kit{Log: c.Log}
	none, alive := http.HandlerFunc(nothing), &httpkit.Mux{}
	alive.Handle("GET /health", kit.Handle(health))
	d := &dispatcher{
		index: kit.Handle(c.index), short: c.Commits.Short(), npm: none, admin: none,
		mounts: map[string]mount{
			"commits": {below: c.Commits.Reading()},
			"health":  {bare: alive, asked: isNoPut},
		},
	}
	publish := mount{below: c.Commits.Publishing()}
	if c.REST != nil {
		rest := c.REST.Handler()
		publish.bare, publish.asked = rest, isPost
		d.mounts["packages"] = mount{below: rest}
		d.mounts["search"] = mount{bare: rest, asked: hasQuery}
	}
	d.mounts["publish"] = publish
	if c.NPM != nil {
		d.npm = c.NPM.Main()
		d.mounts["npm"] = mount{below: c.NPM.Alias(), alias: true}
		d.mounts["~"] = mount{below: c.NPM.Previews()}
	}
	if c.Admin != nil {
		d.admin = c.Admin.Handler()
	}
	return d
}

// sameOrigin refuses writes that a browser makes for another site.
func sameOrigin(next http.Handler) http.Handler {
	p := http.NewCrossOriginProtection()
	p.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		httpkit.WriteError(w, r, fault.New(fault.Forbidden, "a browser may not write here for another site").WithCode("cross_origin"))
	}))
	return p.Handler(next)
}

// endLoops refuses requests that this server has made itself: its upstream leads
// back to it, and each would lead to another.
func (c Config) endLoops(next http.Handler) http.Handler {
	return httpkit.Kit{Log: c.Log}.Handle(func(w http.ResponseWriter, r *http.Request) error {
		if c.Loop(r.Header) {
			return fault.New(fault.Unavailable, "the upstream of this registry leads back to the registry itself; set NPM_UPSTREAM to another one").WithCode("upstream_loop")
		}
		next.ServeHTTP(w, r)
		return nil
	})
}

func health(w http.ResponseWriter, r *http.Request) error {
	return httpkit.JSON(w, r, http.StatusOK, map[string]any{"status": "ok", "timestamp": time.Now().UTC().Format("2006-01-02T15:04:05.000Z07:00")})
}

func nothing(w http.ResponseWriter, r *http.Request) {
	httpkit.WriteError(w, r, httpkit.NotFound(r))
}

func (c Config) index(w http.ResponseWriter, r *http.Request) error {
	if !isRead(r) {
		w.Header().Set("Allow", "GET, HEAD")
		return fault.New(httpkit.MethodNotAllowed, "%s is not allowed here; use GET", r.Method)
	}
	return httpkit.JSON(w, r, http.StatusOK, map[string]any{
		"name": "registry-server", "version": c.Version,
		"install": "npm install {this server}/{owner}/{repo}/{package}@{commit, pr-7, branch:main or tag:v1}",
	})
}
