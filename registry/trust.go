package registry

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"time"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/domain/packages"
	"github.com/org/registry-action/internal/domain/trust"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/web/adminapi"
	"github.com/org/registry-action/internal/wire"
)

// openTrust makes what lets CI runs in.
func (r *Registry) openTrust() {
	c := r.config
	r.trust = trust.New(r.stores.db, trust.Options{
		Issuers: c.issuers, Audiences: trust.Audiences(c.BaseURL), Tokens: runTokens{r.auth}, Packages: publishers{r.packages}, Forge: identities{r.forge}, Now: c.Now, Log: c.Log,
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

// maxTrustFile bounds TRUST_FILE, in bytes.
const maxTrustFile = 1 << 20

// readTrustFile makes the policies of the file what is kept of such.
func (r *Registry) readTrustFile(ctx context.Context) error {
	path := r.config.TrustFile
	if path == "" {
		return nil
	}
	bad := func(err error) error {
		return fault.Wrap(err, fault.Invalid, `%s is no file of policies, such as {"policies": [{"repository": "acme/widgets", "tier": "release", "packages": ["@acme/*"]}]}: %v (TRUST_FILE)`, path, err)
	}
	f, err := os.Open(path)
	if err != nil {
		return bad(err)
	}
	defer f.Close()
	var file wire.TrustFile
	d := json.NewDecoder(io.LimitReader(f, maxTrustFile))
	d.DisallowUnknownFields() // a condition that is misspelt would be none
	if err := d.Decode(&file); err != nil {
		return bad(err)
	}
	if _, err := d.Token(); err != io.EOF {
		return bad(errors.New("something follows the JSON value"))
	}
	var policies []trust.NewPolicy
	for _, n := range file.Policies {
		if n.User != "" {
			if err := r.auth.CheckOwner(ctx, auth.Operator(), n.User); err != nil {
				return bad(err)
			}
		}
		policies = append(policies, adminapi.PolicyOf(n))
	}
	if err := r.trust.Reconcile(ctx, auth.Operator(), policies); err != nil {
		return bad(err)
	}
	return nil
}
