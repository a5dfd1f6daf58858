package forge

import (
	"context"
	"fmt"
	"time"

	"github.com/google/go-github/v60/github"
)

// AppSlug returns the name by which GitHub knows the App whose JWT is the client's token.
func (c *Client) AppSlug(ctx context.Context) (string, error) {
	app, _, err := c.gh.Apps.Get(ctx, "")
	if err != nil {
		return "", fmt.Errorf("asking GitHub about the App: %w", classify(err))
	}
	return app.GetSlug(), nil
}

// InstallationToken returns a token for the client's repository alone, of the App whose JWT is the client's token, and
// when it ends. fault.NotFound: the repository has not let the App in.
func (c *Client) InstallationToken(ctx context.Context) (token string, ends time.Time, err error) {
	inst, _, err := c.gh.Apps.FindRepositoryInstallation(ctx, c.owner, c.repo)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("looking for the App's installation on %s/%s: %w", c.owner, c.repo, classify(err))
	}
	t, _, err := c.gh.Apps.CreateInstallationToken(ctx, inst.GetID(), &github.InstallationTokenOptions{Repositories: []string{c.repo}})
	if err != nil {
		return "", time.Time{}, fmt.Errorf("asking for a token of the App's installation on %s/%s: %w", c.owner, c.repo, classify(err))
	}
	return t.GetToken(), t.GetExpiresAt().Time, nil
}
