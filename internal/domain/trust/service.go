package trust

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/provenance"
	"github.com/org/registry-action/internal/store/kv"
)

// Principal is who changes policies.
type Principal interface {
	fmt.Stringer
	User() string                 // "" is anonymous
	IsAdmin() bool                // may do everything
	MayManage() error             // nil if it may make what lasts
	MayRelease(name string) error // nil if it may write to this package at all
	Granted(name string) bool     // may write to it whoever owns it
	Proof() *provenance.Proof     // of the CI run that it is; nil for others
}

// Packages knows who may publish a package (domain/packages).
type Packages interface {
	// MayPublish returns nil if who may publish a version of the package, there or not.
	MayPublish(ctx context.Context, who Principal, name string) error
}

// Forge knows the ids of repositories.
type Forge interface {
	// Identity returns them. forge is the URL of one that an Issuer names, never of a caller's.
	Identity(ctx context.Context, forge, repository string) (repositoryID, ownerID int64, err error)
}

// Token asks for a token of this registry.
type Token struct {
	Name         string
	User         string
	Own          bool // it may do no more than its user
	Packages     []string
	Repositories []string
	Proof        provenance.Proof
	Refs         []string
	For          time.Duration
}

// Tokens makes tokens of this registry (domain/auth).
type Tokens interface {
	Make(ctx context.Context, t Token) (secret string, expires time.Time, err error)
}

// Options of a Service. Issuers, Audiences, Tokens and Packages are required.
type Options struct {
	Issuers   []Issuer // the first is the one of policies that name none
	Audiences []string // what a token's audience may be; see Audiences
	Tokens    Tokens
	Packages  Packages
	Forge     Forge // nil: ids are pinned when a run first shows them
	Now       func() time.Time
	Log       *slog.Logger
}

// Audiences are what tokens for the server of a URL have as aud: npm asks for its host name, yarn for host and port.
func Audiences(base string) []string {
	u, err := url.Parse(base)
	if err != nil {
		return nil
	}
	return slices.Compact([]string{"npm:" + u.Hostname(), "npm:" + u.Host})
}

// Service keeps policies and exchanges tokens.
type Service struct {
	db       kv.DB
	opt      Options
	client   *http.Client
	keysets  []*keyset
	failures *failures
}

// New returns a Service over db, which stays the caller's. Close it.
func New(db kv.DB, opt Options) *Service {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	s := &Service{db: db, opt: opt, client: keysClient(), failures: newFailures(opt.Now)}
	for _, i := range opt.Issuers {
		s.keysets = append(s.keysets, newKeyset(i, s.client, opt.Now, opt.Log))
	}
	return s
}

// Close lets go of idle connections.
func (s *Service) Close() { s.client.CloseIdleConnections() }

func (s *Service) issuerURLs() []string {
	var all []string
	for _, i := range s.opt.Issuers {
		all = append(all, i.URL)
	}
	return all
}

func (s *Service) issuer(u string) (Issuer, bool) {
	for _, i := range s.opt.Issuers {
		if i.URL == u {
			return i, true
		}
	}
	return Issuer{}, false
}

// anyFor refuses tokens of an issuer that no policy is for, before anybody is asked for keys.
func (s *Service) anyFor(ctx context.Context, i Issuer) error {
	for _, err := range s.db.Scan(ctx, issuerPartition(i.URL), kv.Query{Limit: 1}) {
		return err
	}
	return fault.New(fault.Forbidden, "this registry trusts no run of %s yet; an admin can let a repository publish: registry-server trust add github OWNER/REPO", i.Forge).WithCode("not_trusted").
		With("field", "iss").With("expected", "an issuer with a policy").With("got", i.URL)
}
