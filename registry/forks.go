package registry

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/domain/commits"
	"github.com/org/registry-action/internal/domain/forks"
	"github.com/org/registry-action/internal/domain/trust"
	"github.com/org/registry-action/internal/forge/connector"
	"github.com/org/registry-action/internal/web/forkapi"
)

// Forks says whose forks may publish previews without a token, and how much. The zero value is nobody's.
type Forks struct {
	Repositories []string      // owner/name, owner/* or *; none: nobody's
	Packages     []string      // names and patterns beside those that the repository itself has published here
	Quota        int64         // bytes that a pull request may publish in a day; 500 MiB
	AfterClose   time.Duration // how long previews stay after their pull request was closed, if webhooks say so; 14 days
}

// openForks makes the domain of forks, and what speaks for it.
func (r *Registry) openForks() error {
	c := r.config
	var err error
	r.forks, err = forks.New(r.stores.db, forks.Needs{
		Forge: ofForge{r.forge}, Names: r.commits.RepositoryNames, Token: r.forkToken, Pulls: pulls{r, c.Forks.AfterClose},
	}, forks.Options{Repositories: c.Forks.Repositories, Packages: c.Forks.Packages, Bytes: c.Forks.Quota, Now: c.Now, Log: c.Log})
	return err
}

func (r *Registry) forkAPI() *forkapi.API {
	return &forkapi.API{Forks: r.forks, Vouch: r.vouch, Secret: r.config.WebhookSecret, Log: r.config.Log}
}

// vouch is what trust believes of a run that speaks for a fork's.
func (r *Registry) vouch(ctx context.Context, token string, addr netip.Addr, repository string, packages []string) (forks.Voucher, string, error) {
	c, err := r.trust.Vouch(ctx, trust.Ask{Token: token, Addr: addr, Repository: repository, Packages: packages})
	return forks.Voucher{RepositoryID: c.RepositoryID, Ref: c.Ref}, c.Who(), err
}

// forkToken makes the token of a fork's run: for its place, its commit, its pull request and its bytes.
func (r *Registry) forkToken(ctx context.Context, g forks.Grant) (string, time.Time, error) {
	place := commits.PlaceOf(g.Proof.Repository, g.Proof.Pull)
	ask := auth.Run{
		Name:         fmt.Sprintf("%.60s#%d, run %d", g.Proof.Repository, g.Proof.Pull, g.Proof.RunID),
		Repositories: []string{commits.Repository{Host: hostOf(g.Proof.Issuer), Path: place}.String()},
		RunLimits:    auth.RunLimits{Proof: g.Proof, Refs: []string{g.Ref}, Contents: map[string]string{}, Sizes: map[string]int64{}},
		Expires:      g.Expires,
	}
	for _, p := range g.Packages {
		ask.Packages = append(ask.Packages, p.Name)
		ask.Contents[p.Name], ask.Sizes[p.Name] = p.Integrity, p.Size
	}
	secret, info, err := r.auth.CreateRunToken(ctx, ask)
	return secret, info.Expires, err
}

// hostOf is the host of a forge's URL, which was checked when the forge was connected.
func hostOf(forgeURL string) string {
	_, rest, _ := strings.Cut(forgeURL, "://")
	host, _, _ := strings.Cut(rest, "/")
	return strings.ToLower(host)
}

// ofForge is forks.Forge.
type ofForge struct{ *connector.Connector }

func (f ofForge) Open(ctx context.Context, path string) (forks.Repository, error) {
	return f.Client(ctx, "", path)
}

// pulls is forks.Pulls.
type pulls struct {
	*Registry
	after time.Duration
}

func (p pulls) Opened(ctx context.Context, path string, pull int) error {
	return p.commits.OpenPull(ctx, path, pull)
}

func (p pulls) Closed(ctx context.Context, path string, pull int, at time.Time) error {
	defer p.comments.ask(path, pull) // it says when they end
	return p.commits.ClosePull(ctx, path, pull, at.Add(p.after))
}

func (p pulls) Reopened(ctx context.Context, path string, pull int) error {
	defer p.comments.ask(path, pull)
	return p.commits.ReopenPull(ctx, path, pull)
}
