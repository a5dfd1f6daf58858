package registry

import (
	"context"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/domain/pkgprnew"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/web/access"
	"github.com/org/registry-action/internal/web/pkgprnewapi"
)

// pkgPRNew is what the stock pkg-pr-new CLI publishes to.
func (r *Registry) pkgPRNew() (*pkgprnewapi.API, error) {
	c := r.config
	enrolled, err := auth.ParseRepositories(c.PkgPRNew)
	if e, ok := fault.Public(err); ok {
		return nil, fault.Wrap(err, fault.Invalid, "%s (PKG_PR_NEW)", e.Message)
	}
	if err != nil {
		return nil, err
	}
	runs := pkgprnew.New(r.stores.db, r.stores.blobs, r.life, pkgprnew.Options{
		URL: r.forge.URL(), Enrolled: enrolled.Cover, MaxPackage: c.MaxPackage, MaxPublish: c.MaxPublish, SpoolDir: r.stores.spool, Now: c.Now,
		Open: func(ctx context.Context, owner, repo string) (pkgprnew.Forge, error) {
			return r.forge.Client(ctx, "", owner+"/"+repo)
		},
	})
	api := &pkgprnewapi.API{Control: access.Control{Auth: r.auth}, Runs: runs, Commits: r.commits, BaseURL: c.BaseURL, MaxPublish: c.MaxPublish, Log: c.Log}
	if !r.forge.Anonymous() {
		api.Comment = r.stockComments
	}
	return api, nil
}
