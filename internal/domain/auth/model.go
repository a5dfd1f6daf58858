package auth

import (
	"net/netip"
	"time"
)

// Permission is what a token may do; each includes the ones before it.
type Permission string

// The permissions.
const (
	Read    Permission = "read"
	Publish Permission = "publish" // publish, tag, deprecate, unpublish, owners of what its user owns
	Admin   Permission = "admin"   // everything
)

// rank orders the permissions; 0 is none.
func (p Permission) rank() int {
	switch p {
	case Read:
		return 1
	case Publish:
		return 2
	case Admin:
		return 3
	}
	return 0
}

// Credentials are what a request shows.
type Credentials struct {
	Token string     // bearer token, or the password of Basic; empty if none was sent
	User  string     // of Basic; empty with a bearer token
	Local bool       // the request comes from this machine, through no proxy
	Addr  netip.Addr // where it comes from: for tokens bound to addresses, and to slow down guessing
}

// Options of a Service; all may be left out.
type Options struct {
	RootToken string // REGISTRY_TOKEN; bears admin rights. Empty: whoever is on this machine has them
	ReadAuth  bool   // reads need a principal too
	SignUp    bool   // anybody may make an account by logging in
	Now       func() time.Time
}

// TokenInfo describes a stored token; never its secret.
type TokenInfo struct {
	Key          string     `json:"key"` // names it; the first hex digits of its hash
	Name         string     `json:"name"`
	User         string     `json:"user"`
	Hint         string     `json:"hint"` // its first characters
	Permission   Permission `json:"permission"`
	Packages     []string   `json:"packages,omitempty"`     // patterns such as @acme/*; none: every package
	Repositories []string   `json:"repositories,omitempty"` // patterns such as acme/*; none: every repository
	Grant        bool       `json:"grant,omitempty"`
	CIDR         []string   `json:"cidr,omitempty"`   // none: from everywhere
	Parent       string     `json:"parent,omitempty"` // key of the token that it was made with, and ends with; none if a password or an admin made it
	Created      time.Time  `json:"created"`
	Expires      time.Time  `json:"expires,omitzero"`
	Run          *RunLimits `json:"run,omitempty"` // of the token of a CI run
}

// expired reports whether the token's time is over.
func (t TokenInfo) expired(now time.Time) bool { return !t.Expires.IsZero() && !now.Before(t.Expires) }

// NewToken asks for a token. What is left out is taken from who asks: its limits are the new token's.
type NewToken struct {
	Name         string     // 1 to 100 printable characters
	User         string     // whom it speaks for; empty: who asks, and for an admin Name
	Permission   Permission // empty: Publish, or less if who asks has less
	Packages     []string   // patterns: a name, or its beginning with a * at the end
	Repositories []string   // whose commits it may publish: owner/repo or a URL, or the beginning with a * at the end
	Grant        bool       // packages and repositories are given by the operator, whoever owns them; not only a limit
	CIDR         []string   // the only networks it may be shown from; an address alone is one
	Expires      time.Duration
}

// Profile is a user.
type Profile struct {
	Name     string    `json:"name"`
	Email    string    `json:"email,omitempty"`
	FullName string    `json:"fullname,omitempty"`
	Created  time.Time `json:"created"`
	Updated  time.Time `json:"updated"`
}

// Login is a login in a browser that has begun.
type Login struct {
	ID     string // in the URL that the user opens
	Secret string // in the URL that the client polls; whoever has it gets the token
}
