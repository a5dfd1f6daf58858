package regclient

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Authenticate has the calls that follow show another token. renew, which may be nil, brings one that takes its place
// once the registry answers 401 to it. A token that a header can't carry, or that would travel unencrypted, is refused.
func (c *Client) Authenticate(token string, renew func(context.Context) (string, error)) error {
	if err := c.admit(token); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.token, c.renewal = token, renew
	return nil
}

// Local reports whether the registry is on this machine: such a one may take packages without a token.
func (c *Client) Local() bool { return loopback(c.base.Hostname()) }

// Host is the registry's host name, without a port: what tokens for it are made out to.
func (c *Client) Host() string { return c.base.Hostname() }

func (c *Client) admit(token string) error {
	if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return fmt.Errorf("the registry token has a space, a line break or another character that a header cannot carry; set REGISTRY_TOKEN to the bare token")
	}
	if token == "" {
		return nil
	}
	return c.MayCarryToken()
}

// MayCarryToken returns nil unless a token would travel to the registry unencrypted.
func (c *Client) MayCarryToken() error {
	if c.base.Scheme == "http" && !c.opt.AllowHTTP && !c.Local() {
		return fmt.Errorf("registry URL %s: the token would travel unencrypted; use https, or --insecure-http if the network is trusted", c.base)
	}
	return nil
}

func (c *Client) authentication() (token string, renew func(context.Context) (string, error)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.token, c.renewal
}

// renew returns a token that is not the old one.
func (c *Client) renew(ctx context.Context, old string) (string, error) {
	c.renewing.Lock()
	defer c.renewing.Unlock()
	now, renew := c.authentication()
	if now != old {
		return now, nil // another call was first
	}
	if err := context.Cause(ctx); err != nil {
		return "", err
	}
	token, err := renew(ctx)
	if err == nil {
		err = c.Authenticate(token, renew)
	}
	return token, err
}

// renewable reports whether a call failed because the client's token has ended.
func (l *call) renewable(err error) bool {
	refused, ok := errors.AsType[*Error](err)
	return ok && refused.Status == http.StatusUnauthorized && l.own && l.bearer == nil && l.renews
}

// show has the tries that follow carry a token.
func (l *call) show(token string) {
	l.token = token
	if token != "" {
		l.header = l.header.Clone() // a try before may still be sending
		l.header.Set("Authorization", "Bearer "+token)
	}
}

// showOwn gets the token of the next try, if it needs one of its own.
func (l *call) showOwn(ctx context.Context) error {
	if l.bearer == nil {
		return nil
	}
	token, err := l.bearer(ctx)
	if err == nil {
		err = l.c.admit(token)
	}
	if err != nil {
		return err
	}
	l.show(token)
	return nil
}
