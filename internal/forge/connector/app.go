package connector

import (
	"context"
	"crypto/rsa"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/forge"
	"github.com/org/registry-action/internal/memo"
)

// App is a GitHub App.
type App struct {
	ID         string // or its client id
	PrivateKey []byte // in PEM, as GitHub gives it
}

const (
	jwtLife = 9 * time.Minute // GitHub takes ten at most
	jwtPast = time.Minute     // clocks differ
	// early is how long before its end a token of an installation is not used any more.
	early            = 5 * time.Minute
	maxInstallations = 1000 // tokens that are remembered
)

// installations get tokens of an App for repositories, and keep them until shortly before they end.
type installations struct {
	c     *Connector
	id    string
	key   *rsa.PrivateKey
	known *memo.Memo[string]
	// asking bounds how many ask at a time: who waited may find what another got.
	asking chan struct{}

	mu    sync.Mutex
	login string // of the App's comments; "" until known
}

func newInstallations(c *Connector, a App) (*installations, error) {
	if a.ID == "" || len(a.ID) > 100 {
		return nil, fault.New(fault.Invalid, "the GitHub App has no id: give the number that its page shows (GITHUB_APP_ID)")
	}
	key, err := jwt.ParseRSAPrivateKeyFromPEM(a.PrivateKey)
	if err != nil {
		// Not the cause: a parser may quote what it read.
		return nil, fault.New(fault.Invalid, "the private key of the GitHub App is no RSA key in PEM: give the file that GitHub let you download (GITHUB_APP_PRIVATE_KEY or GITHUB_APP_PRIVATE_KEY_FILE)")
	}
	return &installations{c: c, id: a.ID, key: key, known: memo.New[string](maxInstallations, c.opt.Now), asking: make(chan struct{}, 4)}, nil
}

// token returns one that is good for the repository alone, and whose comments are by login.
func (i *installations) token(ctx context.Context, owner, name string) (token, login string, err error) {
	key := strings.ToLower(owner + "/" + name)
	if token, ok := i.known.Get(key); ok {
		return token, i.loginNow(), nil
	}
	select {
	case i.asking <- struct{}{}:
		defer func() { <-i.asking }()
	case <-ctx.Done():
		return "", "", ctx.Err()
	}
	if token, ok := i.known.Get(key); ok {
		return token, i.loginNow(), nil
	}
	own, err := i.own(owner, name)
	if err != nil {
		return "", "", err
	}
	if i.loginNow() == "" {
		slug, err := own.AppSlug(ctx)
		if err != nil {
			return "", "", badApp(err)
		}
		i.mu.Lock()
		i.login = slug + "[bot]"
		i.mu.Unlock()
	}
	token, ends, err := own.InstallationToken(ctx)
	if errors.Is(err, fault.NotFound) {
		return "", "", fault.Wrap(err, fault.Forbidden, "the GitHub App of this server is not installed on %s/%s; its owner can install it", owner, name).WithCode("app_not_installed")
	}
	if err != nil {
		return "", "", badApp(err)
	}
	if keep := ends.Sub(i.c.opt.Now()) - early; keep > 0 {
		i.known.Put(key, token, keep)
	}
	return token, i.loginNow(), nil
}

// badApp is what callers hear if GitHub does not take the App's own word: the operator must look after it.
func badApp(err error) error {
	if errors.Is(err, fault.Unauthenticated) {
		return fault.Wrap(err, fault.Unavailable, "GitHub does not accept this server's GitHub App; its operator must check GITHUB_APP_ID and the private key")
	}
	return err
}

func (i *installations) loginNow() string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.login
}

// own gives a client that speaks for the App itself.
func (i *installations) own(owner, name string) (*forge.Client, error) {
	now := i.c.opt.Now()
	secret, err := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.RegisteredClaims{
		Issuer: i.id, IssuedAt: jwt.NewNumericDate(now.Add(-jwtPast)), ExpiresAt: jwt.NewNumericDate(now.Add(jwtLife - jwtPast)),
	}).SignedString(i.key)
	if err != nil {
		return nil, err
	}
	return i.c.client(owner, name, secret, "")
}
