package regclient

import (
	"context"
	"net/http"
	"net/url"

	"github.com/org/registry-action/internal/wire"
)

// Newest describes the package that a branch of a repository (owner/name) points at; if there is none, an *Error with Status 404.
func (c *Client) Newest(ctx context.Context, repository, name, branch string) (wire.CommitPackage, error) {
	var p wire.CommitPackage
	call := c.call(http.MethodGet, c.base.JoinPath(repository, url.PathEscape(name)+"@branch:"+url.PathEscape(branch)))
	call.url.RawQuery = "resolve"
	call.header.Set("Accept", "application/json")
	call.into = &p
	_, err := call.do(ctx)
	return p, err
}
