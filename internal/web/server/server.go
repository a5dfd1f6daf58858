// Package server mounts every protocol on one root handler.
package server

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/web/adminapi"
	"github.com/org/registry-action/internal/web/ciapi"
	"github.com/org/registry-action/internal/web/cliapi"
	"github.com/org/registry-action/internal/web/commitapi"
	"github.com/org/registry-action/internal/web/forkapi"
	"github.com/org/registry-action/internal/web/httpkit"
	"github.com/org/registry-action/internal/web/lumenapi"
	"github.com/org/registry-action/internal/web/npmapi"
	"github.com/org/registry-action/internal/web/opsapi"
	"github.com/org/registry-action/internal/web/pkgprnewapi"
	"github.com/org/registry-action/internal/web/restapi"
	"github.com/org/registry-action/internal/web/statsapi"
	"github.com/org/registry-action/internal/web/webui"
	"github.com/org/registry-action/internal/web/zigapi"
)

// Config is what the root handler is made of.
type Config struct {
	Commits *commitapi.API
	Ops     *opsapi.API // these may be nil: then their protocol is not spoken
	NPM     *npmapi.API
	REST    *restapi.API
	Zig     *zigapi.API
	Lumen   *lumenapi.API
	Admin   *adminapi.API
	CLI     *cliapi.API
	CI      *ciapi.API
	PkgPR   *pkgprnewapi.API
	Forks   *forkapi.API
	Stats   *statsapi.API
	Pages   *webui.UI
	Enter   func(context.Context, http.Header) (context.Context, error) // refuses what upstream leads back here; nil: there is none
	Proxies httpkit.Proxies                                             // in front of the server
	Meter   httpkit.Meter                                               // is told of every request; nil: nobody
	Open    bool                                                        // there is no token: whoever is on this machine is let in
	BaseURL string                                                      // of an open server
	Version string
	Log     *slog.Logger
}

// New returns the handler of the whole server.
func New(c Config) http.Handler {
	var h http.Handler = httpkit.ScopedNames(c.pages(c.root()))
	if c.Enter != nil {
		h = c.endLoops(h)
	}
	h = sameOrigin(h)
	if c.Open {
		h = c.ownNames(h)
	}
	return httpkit.Front{Log: c.Log, Proxies: c.Proxies, Meter: c.Meter, Closed: c.Open}.Handler(h)
}

// root says which protocol speaks where.
func (c Config) root() http.Handler {
	kit := httpkit.Kit{Log: c.Log}
	none := http.HandlerFunc(nothing)
	d := &dispatcher{
		index: kit.Handle(c.index), short: c.Commits.Short(), npm: none, admin: none, cli: none, ci: none, forks: none,
		mounts: map[string]mount{
			"commits": {below: c.Commits.Reading()},
		},
	}
	if c.Ops != nil {
		ops := c.Ops.Handler()
		d.mounts["health"] = mount{bare: ops, asked: isNoPut}
		d.mounts["ready"], d.mounts["metrics"] = mount{bare: ops, asked: isProbe}, mount{bare: ops, asked: isProbe}
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
		d.npm = c.Commits.Repositories(c.NPM.Main())
		d.mounts["npm"] = mount{below: c.NPM.Alias(), alias: true}
		d.mounts["~"] = mount{below: c.NPM.Previews()}
	}
	if c.Zig != nil {
		d.mounts["zig"] = mount{below: c.Zig.Handler()}
	}
	if c.Lumen != nil {
		d.mounts["lumen"] = mount{below: c.Lumen.Handler()}
	}
	if c.Stats != nil {
		d.mounts["analytics"] = mount{below: c.Stats.Handler()}
	}
	if c.Admin != nil {
		d.admin = c.Admin.Handler()
	}
	if c.CLI != nil {
		d.cli = c.CLI.Handler()
	}
	if c.CI != nil {
		d.ci = c.CI.Handler()
	}
	if c.PkgPR != nil {
		d.pkgpr = c.PkgPR.Handler()
	}
	if c.Forks != nil {
		d.forks = c.Forks.Handler()
	}
	return d
}

// endLoops refuses requests that go back to one that this server has made itself:
// each would lead to another.
func (c Config) endLoops(next http.Handler) http.Handler {
	return httpkit.Kit{Log: c.Log}.Handle(func(w http.ResponseWriter, r *http.Request) error {
		ctx, err := c.Enter(r.Context(), r.Header)
		if err != nil {
			return err
		}
		if ctx != r.Context() { // most requests are spared the copy
			r = r.WithContext(ctx)
		}
		next.ServeHTTP(w, r)
		return nil
	})
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
