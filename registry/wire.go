package registry

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/domain/catalog"
	"github.com/org/registry-action/internal/domain/changes"
	"github.com/org/registry-action/internal/domain/commits"
	"github.com/org/registry-action/internal/domain/files"
	"github.com/org/registry-action/internal/domain/lumenpackages"
	"github.com/org/registry-action/internal/domain/packages"
	"github.com/org/registry-action/internal/domain/programs"
	"github.com/org/registry-action/internal/domain/signing"
	"github.com/org/registry-action/internal/domain/upstream"
	"github.com/org/registry-action/internal/domain/zigmirror"
	"github.com/org/registry-action/internal/domain/zigpackages"
	"github.com/org/registry-action/internal/store/blob"
	"github.com/org/registry-action/internal/store/lifetime"
	"github.com/org/registry-action/internal/web/access"
	"github.com/org/registry-action/internal/web/adminapi"
	"github.com/org/registry-action/internal/web/changeset"
	"github.com/org/registry-action/internal/web/ciapi"
	"github.com/org/registry-action/internal/web/cliapi"
	"github.com/org/registry-action/internal/web/commitapi"
	"github.com/org/registry-action/internal/web/lumenapi"
	"github.com/org/registry-action/internal/web/npmapi"
	"github.com/org/registry-action/internal/web/opsapi"
	"github.com/org/registry-action/internal/web/pkgprnewapi"
	"github.com/org/registry-action/internal/web/restapi"
	"github.com/org/registry-action/internal/web/server"
	"github.com/org/registry-action/internal/web/zigapi"
)

// wire makes the domains over the open stores, and the handler over the domains.
func (r *Registry) wire() error {
	c, s := r.config, r.stores
	links, err := r.links()
	if err != nil {
		return err
	}
	refresher, _ := s.raw.(blob.Refresher) // those in front of it would hide it
	r.life = lifetime.New(s.db, s.blobs, lifetime.Options{Horizon: c.Retention + 48*time.Hour, Now: c.Now, Log: c.Log, Refresher: refresher})
	r.auth = auth.New(s.db, auth.Options{RootToken: c.Token, ReadAuth: c.ReadAuth, SignUp: c.SignUp, Now: c.Now})
	r.commits = commits.New(s.db, s.blobs, r.life, commits.Options{
		MaxPackage: c.MaxPackage, MaxPublish: c.MaxPublish, MaxPackages: c.MaxPackages, Retention: c.Retention,
		SpoolDir: s.spool, Links: links, Settle: s.settle, Now: c.Now,
	})
	if err := errors.Join(r.openUpstream(), r.openMirror(), r.openPrograms(), r.openForge(), r.openForks()); err != nil {
		return err
	}
	keys := signing.New(s.db, signing.Options{Now: c.Now})
	r.signing = keys
	options := packages.Options{
		MaxPackage: c.MaxPackage, SpoolDir: s.spool, Links: links, Signer: keys, Claimed: c.Claimed, Unpublish: c.Unpublish, Now: c.Now, Log: c.Log,
	}
	if r.upstream != nil { // a nil *upstream.Service in the interface would not be nil
		options.Upstream = r.upstream
	}
	r.packages = packages.New(s.db, s.blobs, r.life, options)
	r.zig = zigpackages.New(s.db, s.blobs, r.life, zigpackages.Options{MaxPackage: c.MaxPackage, SpoolDir: s.spool, Now: c.Now, Log: c.Log})
	r.lumen = lumenpackages.New(s.db, s.blobs, r.life, lumenpackages.Options{
		Name: c.LumenName, Unscoped: c.LumenUnscoped, Signatures: lumenpackages.SignaturePolicy(c.LumenUploads),
		MaxPackage: c.MaxPackage, SpoolDir: s.spool, Settle: s.settle, Now: c.Now, Log: c.Log,
	})
	r.openStats()
	if err := r.openSearch(); err != nil {
		return errors.Join(err, r.closeStats())
	}
	r.catalog = catalog.New(sources(r.packages, r.commits, r.upstream, keys, r.search), catalog.Options{
		Cache: s.cache, Rewrite: !c.KeepUpstreamURLs, Settle: s.settle, Now: c.Now, Log: c.Log,
	})
	r.openTrust()
	r.changes = changeset.Reader{
		Commits: r.commits, Files: files.New(s.cache, files.Options{}), Changes: changes.New(changes.Options{Log: c.Log}),
	}
	ofCommits := &commitapi.API{
		Control: access.Control{Auth: r.auth}, Commits: r.commits, Changes: r.changes, BaseURL: c.BaseURL,
		MaxPackage: c.MaxPackage, MaxPublish: c.MaxPublish, Downloads: r.stats, Log: c.Log,
	}
	stock, err := r.pkgPRNew()
	if err != nil {
		return errors.Join(err, r.closeSearch(), r.closeStats())
	}
	if r.comments = r.startComments(); r.comments != nil {
		ofCommits.Published = r.comments.published
	}
	r.ready = newReadiness(lookAt(s.db, s.blobs, s.spool), c.Log)
	r.watch()
	r.mount(ofCommits, stock)
	return nil
}

// mount makes the handler over the domains.
func (r *Registry) mount(ofCommits *commitapi.API, stock *pkgprnewapi.API) {
	c, pages := r.config, r.pages()
	r.handler = server.New(server.Config{
		Commits: ofCommits,
		Ops:     &opsapi.API{Ready: r.ready.check, Metrics: r.metricsPage(), Public: c.Metrics == MetricsPublic, Token: c.MetricsToken, Auth: r.auth, Proxies: c.proxies, Log: c.Log},
		NPM: &npmapi.API{
			Control: access.Control{Auth: r.auth}, Packages: r.packages, Trust: r.trust, Catalog: r.catalog, Site: siteName, Stylesheet: pages.Stylesheet(), BaseURL: c.BaseURL,
			MaxPackage: c.MaxPackage, MaxPublish: c.MaxPublish, SignUp: c.SignUp, Downloads: r.stats, Log: c.Log,
		},
		REST:  &restapi.API{Control: access.Control{Auth: r.auth}, Catalog: r.catalog, Index: r.search, Packages: r.packages, BaseURL: c.BaseURL, MaxPackage: c.MaxPackage, Downloads: r.stats, Log: c.Log},
		Zig:   &zigapi.API{Control: access.Control{Auth: r.auth}, Packages: r.zig, Index: zigIndex{r.zig, r.search}, Mirror: r.mirror, BaseURL: c.BaseURL, MaxPackage: c.MaxPackage, Downloads: r.stats, Log: c.Log},
		Lumen: &lumenapi.API{Control: access.Control{Auth: r.auth}, Packages: r.lumen, Index: lumenIndex{r.lumen, r.search}, BaseURL: c.BaseURL, MaxPackage: c.MaxPackage, Downloads: r.stats, Log: c.Log},
		Admin: &adminapi.API{
			Auth: r.auth, Trust: r.trust, Packages: r.packages, Lumen: r.lumen, Repositories: ofCommits, Signing: r.signing,
			Storage: r.mover, Verifier: r.verifier, MaxPackage: c.MaxPackage, ControlToken: c.ControlToken, Log: c.Log,
		},
		CI:    &ciapi.API{Trust: r.trust, Auth: r.auth, Log: c.Log},
		CLI:   &cliapi.API{Programs: r.programs, Log: c.Log},
		PkgPR: stock,
		Forks: r.forkAPI(),
		Stats: r.analytics(),
		Pages: pages,
		Enter: r.enter(), Meter: r.meter(),
		Proxies: c.proxies, Open: c.Token == "", BaseURL: c.BaseURL,
		Version: c.Version, Log: c.Log,
	})
}

// enter refuses the requests that upstream leads back here; nil if there is none.
func (r *Registry) enter() func(context.Context, http.Header) (context.Context, error) {
	if r.upstream == nil {
		return nil
	}
	return r.upstream.Enter
}

// openUpstream makes the client of the registry behind this one, if there is one.
func (r *Registry) openUpstream() error {
	c := r.config
	if c.Upstream == "" {
		return nil
	}
	u, err := url.Parse(c.Upstream)
	if err != nil {
		return err
	}
	r.upstream, err = upstream.New(upstream.Options{
		URL: u, Token: c.UpstreamToken, Cache: r.stores.cache, MaxAge: c.UpstreamMaxAge, MaxTarball: 4 * c.MaxPackage,
		UserAgent: "registry-server/" + c.Version, Observe: r.observe("npm"), Now: c.Now, Log: c.Log,
	})
	return err
}

// openPrograms opens the folder of released programs, if there is one.
func (r *Registry) openPrograms() (err error) {
	if r.config.CLIDir != "" {
		r.programs, err = programs.Open(r.config.CLIDir)
	}
	return err
}

// openMirror makes the mirror of forges, if there is one.
func (r *Registry) openMirror() (err error) {
	c := r.config
	if len(c.ZigMirror) == 0 {
		return nil
	}
	r.mirror, err = zigmirror.New(zigmirror.Options{
		Hosts: c.ZigMirror, Cache: r.stores.cache, SpoolDir: r.stores.spool, MaxPackage: c.MaxPackage,
		UserAgent: "registry-server/" + c.Version, Observe: r.observe("zig"), Now: c.Now, Log: c.Log,
	})
	return err
}
