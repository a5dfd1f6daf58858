// Package auth knows who is calling: it turns the credentials of a request
// into a Principal. It knows no HTTP and no package.
package auth

import (
	"crypto/sha256"
	"crypto/subtle"

	"github.com/org/registry-action/internal/fault"
)

// Principal is a caller. The zero value is anonymous and may only read.
type Principal struct {
	name    string
	publish bool
}

// String names the principal for logs; it never holds a secret.
func (p Principal) String() string {
	if p.name == "" {
		return "anonymous"
	}
	return p.name
}

// MayPublish returns nil if p may publish packages of the repository.
func (p Principal) MayPublish(string) error {
	if p.publish {
		return nil
	}
	return fault.New(fault.Forbidden, "%s may not publish here", p)
}

// Credentials are what a request shows.
type Credentials struct {
	Token string // bearer token; empty if none was sent
	Local bool   // the request comes from this machine, through no proxy
}

// Service checks credentials.
type Service struct {
	token [sha256.Size]byte
	open  bool
}

// New returns a Service that admits the bearer of token. With an empty token
// it is open: it admits whoever is on the same machine, and nobody else.
func New(token string) *Service {
	return &Service{token: sha256.Sum256([]byte(token)), open: token == ""}
}

// Authenticate returns the principal that may write, or fault.Unauthenticated
// with the way to get in.
func (s *Service) Authenticate(c Credentials) (Principal, error) {
	switch {
	case s.open && c.Local:
		return Principal{name: "local", publish: true}, nil
	case s.open:
		return Principal{}, fault.New(fault.Forbidden,
			"this server has no token, so it accepts publishes only from its own machine and through no proxy; start it with REGISTRY_TOKEN set")
	case c.Token == "":
		return Principal{}, fault.New(fault.Unauthenticated, "Authorization required: send the header Authorization: Bearer <REGISTRY_TOKEN>")
	}
	// Hashes have one length, so the comparison's time tells nothing of the token's.
	sum := sha256.Sum256([]byte(c.Token))
	if subtle.ConstantTimeCompare(sum[:], s.token[:]) != 1 {
		return Principal{}, fault.New(fault.Unauthenticated, "Invalid token: it is not the REGISTRY_TOKEN of this server")
	}
	return Principal{name: "token", publish: true}, nil
}
