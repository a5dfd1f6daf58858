package registry

import (
	"context"
	"os"
	"strings"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/forge/connector"
)

// openForge makes the clients of the forge that this server knows. Nothing is asked of it before something must be known.
func (r *Registry) openForge() (err error) {
	c := r.config
	app, err := c.GitHubApp.read()
	if err != nil {
		return err
	}
	r.forge, err = connector.New(connector.Options{
		URL: c.GitHubURL, APIURL: c.GitHubAPI, Token: c.GitHubToken, App: app, UserAgent: "registry-server/" + c.Version, Now: c.Now,
	})
	return err
}

// GitHubApp is a GitHub App that a server acts as. The zero value is none.
type GitHubApp struct {
	ID      string
	Key     string // its private key, in PEM
	KeyFile string // the file that has it
}

// maxKeyFile bounds the file of a private key, in bytes.
const maxKeyFile = 64 << 10

// read returns the App with its key; nil for none.
func (a GitHubApp) read() (*connector.App, error) {
	key := a.Key
	if a.KeyFile != "" && key == "" {
		info, err := os.Stat(a.KeyFile)
		if err != nil || !info.Mode().IsRegular() || info.Size() > maxKeyFile {
			return nil, fault.Wrap(err, fault.Invalid, "%s is not the private key of a GitHub App, or can't be read (GITHUB_APP_PRIVATE_KEY_FILE)", a.KeyFile)
		}
		text, err := os.ReadFile(a.KeyFile)
		if err != nil {
			return nil, fault.Wrap(err, fault.Invalid, "%s can't be read as the private key of the GitHub App (GITHUB_APP_PRIVATE_KEY_FILE)", a.KeyFile)
		}
		key = string(text)
	}
	switch {
	case a.ID != "":
		// In an environment variable, lines may be written as \n.
		return &connector.App{ID: a.ID, PrivateKey: []byte(strings.ReplaceAll(key, `\n`, "\n"))}, nil
	case key != "":
		return nil, fault.New(fault.Invalid, "there is a private key of a GitHub App, and no App: give its id with GITHUB_APP_ID")
	}
	return nil, nil
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
