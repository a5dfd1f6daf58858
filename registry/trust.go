package registry

import (
	"context"
	"time"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/domain/packages"
	"github.com/org/registry-action/internal/domain/trust"
)

// openTrust makes what lets CI runs in.
func (r *Registry) openTrust() {
	c := r.config
	r.trust = trust.New(r.stores.db, trust.Options{
		Issuers: c.issuers, Audiences: trust.Audiences(c.BaseURL), Tokens: runTokens{r.auth}, Packages: publishers{r.packages}, Now: c.Now, Log: c.Log,
	})
}

// runTokens is trust.Tokens.
type runTokens struct{ *auth.Service }

// Make implements trust.Tokens.
func (t runTokens) Make(ctx context.Context, n trust.Token) (string, time.Time, error) {
	secret, info, err := t.CreateRunToken(ctx, auth.Run{
		Name: n.Name, User: n.User, Own: n.Own, Packages: n.Packages, Repositories: n.Repositories,
		RunLimits: auth.RunLimits{Proof: n.Proof, Refs: n.Refs}, Expires: n.For,
	})
	return secret, info.Expires, err
}

// publishers is trust.Packages.
type publishers struct{ *packages.Service }

// MayPublish implements trust.Packages.
func (p publishers) MayPublish(ctx context.Context, who trust.Principal, name string) error {
	return p.Service.MayPublish(ctx, who, name)
}
