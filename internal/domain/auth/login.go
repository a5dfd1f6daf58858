package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/turns"
)

const (
	loginFor  = 10 * time.Minute
	maxLogins = 10000
	idDigits  = 40
)

// A login has one row, under its ID. The ID is a hash of the secret, so that who sees the user's URL
// can't poll for the token, and the store holds neither.

// loginRow is a login that waits, or is confirmed and waits for the client.
type loginRow struct {
	Begun time.Time  `json:"begun"`
	By    *confirmer `json:"by,omitempty"`
}

// confirmer is what a Principal was that confirmed a login.
type confirmer struct {
	User         string     `json:"user"`
	Permission   Permission `json:"permission"`
	Token        string     `json:"token,omitempty"` // hash
	Account      bool       `json:"account,omitempty"`
	Packages     []string   `json:"packages,omitempty"`
	Repositories []string   `json:"repositories,omitempty"`
	CIDR         []string   `json:"cidr,omitempty"`
	Expires      time.Time  `json:"expires,omitzero"`
}

// principal is the confirmer, but for rights that a login does not pass on.
func (c confirmer) principal() Principal {
	return Principal{
		user: c.User, permission: c.Permission, token: c.Token, account: c.Account,
		limits: limits{packages: c.Packages, repositories: c.Repositories}, cidr: c.CIDR, expires: c.Expires,
	}
}

func loginID(secret string) string {
	sum := sha256.Sum256([]byte("login " + secret))
	return hex.EncodeToString(sum[:])[:idDigits]
}

func noLogin() error {
	return fault.New(fault.NotFound, "this login is not known, or over; begin a new one with npm login").WithCode("unknown_login")
}

// BeginLogin begins a login in a browser. It is over after ten minutes.
func (s *Service) BeginLogin(ctx context.Context) (Login, error) {
	l := Login{Secret: randomText()}
	l.ID = loginID(l.Secret)
	now := s.now()
	if !s.logins.add(l.ID, now) {
		// Not fault.Unavailable: npm gives up at a 503, and else asks for the password in place of the browser.
		return Login{}, fault.New(fault.Forbidden, "too many logins are open; try again in some minutes, or use npm login --auth-type=legacy").WithCode("too_many_logins")
	}
	row := kv.JSON(loginKey(l.ID), loginRow{Begun: now})
	row.Expires = now.Add(loginFor)
	if err := s.db.Apply(ctx, kv.PutNew(row)); err != nil {
		s.logins.remove(l.ID)
		return Login{}, err
	}
	return l, nil
}

// login reads a login's row.
func (s *Service) login(ctx context.Context, id string) (kv.Row, loginRow, error) {
	var l loginRow
	if len(id) != idDigits || strings.Trim(id, "0123456789abcdef") != "" {
		return kv.Row{}, l, noLogin()
	}
	row, err := s.db.Get(ctx, loginKey(id))
	if errors.Is(err, kv.ErrNotFound) {
		return row, l, noLogin()
	}
	if err == nil {
		if err = json.Unmarshal(row.Value, &l); err != nil {
			err = fmt.Errorf("decoding row %s: %w", row.Key, err)
		}
	}
	return row, l, err
}

// ConfirmLogin is what the browser does: it lets the client that waits for the login have a token of p's
// user, which may do no more than p, and at most publish.
func (s *Service) ConfirmLogin(ctx context.Context, p Principal, id string) error {
	if p.Anonymous() {
		return p.stranger()
	}
	return turns.Retry(accounts, func() error {
		row, l, err := s.login(ctx, id)
		switch {
		case err != nil:
			return err
		case l.By != nil && l.By.User == p.user:
			return nil
		case l.By != nil:
			return fault.New(fault.Exists, "this login was confirmed by another user").WithCode("login_taken")
		}
		by := confirmer{
			User: p.user, Permission: p.permission, Token: p.token, Account: p.account,
			Packages: p.packages, Repositories: p.repositories, CIDR: p.cidr, Expires: p.expires,
		}
		if p.permission.rank() > Publish.rank() {
			by.Permission = Publish
		}
		l.By = &by
		next := kv.JSON(row.Key, l)
		next.Expires = row.Expires
		return s.db.Apply(ctx, kv.Swap(row.Value, next))
	})
}

// PollLogin is what the client does: done is false until the login is confirmed, then a token is made
// and handed out once; after that the login is not known any more.
func (s *Service) PollLogin(ctx context.Context, secret string) (text string, done bool, err error) {
	id := loginID(secret)
	err = turns.Retry(accounts, func() error {
		row, l, err := s.login(ctx, id)
		if err != nil || l.By == nil {
			return err
		}
		who := l.By.principal()
		info, err := s.plan(who, NewToken{Name: "npm login " + s.now().Format(time.DateOnly), User: who.user})
		if err != nil {
			return err
		}
		text, done = newSecret(), true
		_, err = s.keep(ctx, who, text, info, kv.Drop(row.Value, row.Key))
		return err
	})
	if err != nil || !done {
		return "", false, err
	}
	s.logins.remove(id)
	return text, true, nil
}

// logins bounds what is open of the logins that began at this server.
type logins struct {
	mu     sync.Mutex
	open   map[string]time.Time // when it is over
	pruned time.Time
}

func newLogins() *logins { return &logins{open: map[string]time.Time{}} }

func (l *logins) add(id string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.open) >= maxLogins && now.Sub(l.pruned) >= time.Second {
		maps.DeleteFunc(l.open, func(_ string, ends time.Time) bool { return !now.Before(ends) })
		l.pruned = now
	}
	if len(l.open) >= maxLogins {
		return false
	}
	l.open[id] = now.Add(loginFor)
	return true
}

func (l *logins) remove(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, id)
}
