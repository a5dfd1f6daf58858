package main

import (
	"time"

	"github.com/org/registry-action/internal/config"
	"github.com/org/registry-action/registry"
)

// github is how GitHub knows the server, and the server GitHub.
type github struct {
	GitHubAppID   string `name:"github-app-id" env:"GITHUB_APP_ID" placeholder:"ID" group:"Access" help:"A GitHub App that this server acts as. It needs to read actions, contents and pull requests, and to write pull requests for the comments on what forks and pkg-pr-new publish."`
	GitHubAppKey  string `name:"github-app-private-key" env:"GITHUB_APP_PRIVATE_KEY" secret:"" group:"Access" help:"Its private key, in PEM."`
	GitHubAppFile string `name:"github-app-private-key-file" env:"GITHUB_APP_PRIVATE_KEY_FILE" type:"path" placeholder:"FILE" group:"Access" help:"The file that has it."`
	WebhookSecret string `name:"github-webhook-secret" env:"GITHUB_WEBHOOK_SECRET" secret:"" group:"Access" help:"The secret that its webhooks are signed with. Without one, none is taken."`
}

func (g github) settings() registry.GitHubApp {
	return registry.GitHubApp{ID: g.GitHubAppID, Key: g.GitHubAppKey, KeyFile: g.GitHubAppFile}
}

// forks says whose forks may publish.
type forks struct {
	ForkPreviews []string        `env:"FORK_PREVIEWS" placeholder:"REPOSITORY" group:"Forks" help:"Repositories, separated by commas, whose forks may publish previews of their pull requests without a token: owner/name, owner/* or *. Default: none."`
	ForkPackages []string        `env:"FORK_PACKAGES" placeholder:"NAME" group:"Forks" help:"Names and patterns, separated by commas, that they may publish beside what the repository itself has published here, such as @acme/*."`
	ForkQuota    config.Bytes    `env:"FORK_QUOTA" default:"500MiB" group:"Forks" help:"How much the forks of one pull request may publish in a day; those of all of a repository ten times that."`
	AfterClose   config.Duration `name:"preview-after-close" env:"PREVIEW_AFTER_CLOSE" default:"14d" group:"Forks" help:"How long the previews of a pull request stay after it was closed, where webhooks tell of it; never longer than RETENTION."`
}

func (f forks) check() error {
	switch {
	case f.ForkQuota <= 0:
		return config.Usagef("a quota of 0 bytes lets forks publish nothing; leave FORK_PREVIEWS out for that, or give FORK_QUOTA a size such as 500MiB")
	case time.Duration(f.AfterClose) <= 0:
		return config.Usagef("PREVIEW_AFTER_CLOSE must be more than 0; give a time such as 14d")
	}
	return nil
}

func (f forks) settings() registry.Forks {
	return registry.Forks{Repositories: f.ForkPreviews, Packages: f.ForkPackages, Quota: int64(f.ForkQuota), AfterClose: time.Duration(f.AfterClose)}
}
