// Package auth knows who is calling: accounts, tokens and what they may do. It
// turns the credentials of a request into a Principal. It knows no HTTP.
//
// A token is random, so its SHA-256 is all that is stored, and showing one costs a
// hash and one read of the store: what is revoked is refused from then on. A
// password is checked slowly and seldom (guard).
package auth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/kv"
)

// The users of principals that have no account.
const (
	localUser    = "local"
	rootUser     = "admin"
	operatorUser = "operator"
)

// accounts is what too many change at once, in a refusal.
const accounts = "one user"

// Service checks credentials, and keeps accounts and tokens.
type Service struct {
	db     kv.DB
	opt    Options
	root   [sha256.Size]byte
	guard  *guard
	logins *logins
}

// ReadAuth reports whether reads need a principal.
func (s *Service) ReadAuth() bool { return s.opt.ReadAuth }

// New returns a Service over db, which stays the caller's.
func New(db kv.DB, opt Options) *Service {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	return &Service{db: db, opt: opt, root: sha256.Sum256([]byte(opt.RootToken)), guard: newGuard(defaultCost(), db, opt.Now), logins: newLogins()}
}

func (s *Service) now() time.Time { return s.opt.Now().UTC().Truncate(time.Millisecond) }

// Identify returns who shows the credentials: anonymous if nothing was shown and nothing is implied,
// fault.Unauthenticated with the way to get in if what was shown is wrong. On a server without
// REGISTRY_TOKEN whoever is on its machine is let in, a wrong token or not: clients keep on sending
// what they once had for this address.
func (s *Service) Identify(ctx context.Context, c Credentials) (Principal, error) {
	p, err := s.recognize(ctx, c)
	if e, ok := fault.Public(err); ok && s.open() && c.Local && (e.Kind == fault.Unauthenticated || e.Kind == fault.Forbidden) {
		p, err = Principal{}, nil
	}
	if err != nil {
		return Principal{}, err
	}
	if p.Anonymous() && s.open() && c.Local {
		p = Principal{user: localUser, permission: Admin}
	}
	p.addr, p.door = c.Addr, door{open: s.open(), readAuth: s.opt.ReadAuth}
	return p, nil
}

func (s *Service) open() bool { return s.opt.RootToken == "" }

// recognize returns whose the credentials are. The user name beside a token does not matter: clients
// put anything there, or the token itself and no password.
func (s *Service) recognize(ctx context.Context, c Credentials) (Principal, error) {
	if c.Token == "" {
		c.User, c.Token = "", c.User
	}
	switch {
	case c.Token == "":
		return Principal{}, nil
	case s.isRoot(c.Token):
		return Principal{user: rootUser, permission: Admin}, nil
	case c.User == "" || looksLikeToken(c.Token):
		return s.byToken(ctx, c)
	}
	return s.byPassword(ctx, c)
}

func (s *Service) isRoot(token string) bool {
	// Hashes have one length, so the comparison's time tells nothing of the token's.
	sum := sha256.Sum256([]byte(token))
	return subtle.ConstantTimeCompare(sum[:], s.root[:]) == 1 && !s.open()
}

func (s *Service) byToken(ctx context.Context, c Credentials) (Principal, error) {
	if !wellFormed(c.Token) {
		return Principal{}, unknownToken()
	}
	hash := hashOf(c.Token)
	t, _, found, err := kv.ReadJSON[TokenInfo](ctx, s.db, tokenKey(hash))
	switch {
	case err != nil:
		return Principal{}, err
	case !found:
		return Principal{}, unknownToken()
	case t.expired(s.now()):
		return Principal{}, fault.New(fault.Unauthenticated, "Token has expired at %s; make a new one (npm login does)", t.Expires.Format(time.RFC3339)).WithCode("token_expired")
	case !admits(t.CIDR, c.Addr):
		return Principal{}, fault.New(fault.Unauthenticated, "Invalid token: it is bound to networks that %s is not in", c.Addr).WithCode("wrong_network")
	}
	return Principal{
		user: t.User, permission: t.Permission, token: hash,
		limits: limits{packages: t.Packages, repositories: t.Repositories, grant: t.Grant}, run: t.Run, cidr: t.CIDR, expires: t.Expires,
	}, nil
}

func unknownToken() error {
	return fault.New(fault.Unauthenticated, "Invalid token: it is neither the REGISTRY_TOKEN of this server nor a token that it made; it may have been revoked (npm login makes a new one)")
}

// byPassword takes the same time, and says the same, whether there is such a user or not.
func (s *Service) byPassword(ctx context.Context, c Credentials) (Principal, error) {
	if validUser(c.User) != nil {
		return Principal{}, s.wrongPassword()
	}
	a, _, err := s.account(ctx, c.User)
	if err != nil {
		return Principal{}, err
	}
	right, err := s.guard.check(ctx, c.User, c.Token, a.Password, c.Addr)
	if err != nil {
		return Principal{}, err
	}
	if !right {
		return Principal{}, s.wrongPassword()
	}
	return Principal{user: c.User, permission: Publish, account: true}, nil
}

func (s *Service) wrongPassword() error {
	where := ""
	if !s.opt.SignUp {
		where = "; accounts are made by whoever runs this registry: registry-server user add"
	}
	return fault.New(fault.Unauthenticated, "Invalid token or password: no user has this name together with this password or token%s", where).WithCode("wrong_password")
}
