package registry

import (
	"context"

	"github.com/org/registry-action/internal/forge/connector"
)

// openForge makes the clients of the forge that this server knows. Nothing is asked of it before something must be known.
func (r *Registry) openForge() (err error) {
	c := r.config
	r.forge, err = connector.New(connector.Options{
		URL: c.GitHubURL, APIURL: c.GitHubAPI, Token: c.GitHubToken, UserAgent: "registry-server/" + c.Version, Now: c.Now,
	})
	return err
}

// identities is trust.Forge.
type identities struct{ *connector.Connector }

// Identity implements trust.Forge.
func (i identities) Identity(ctx context.Context, forge, repository string) (repositoryID, ownerID int64, err error) {
	c, err := i.Client(ctx, forge, repository)
	if err != nil {
		return 0, 0, err
	}
	id, err := c.Identity(ctx)
	return id.RepositoryID, id.OwnerID, err
}
