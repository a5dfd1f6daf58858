package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/org/registry-action/internal/adminclient"
	"github.com/org/registry-action/internal/config"
	"github.com/org/registry-action/internal/wire"
)

type tokenCreate struct {
	serverFolder
	Name         string           `required:"" placeholder:"NAME" group:"Token" help:"What the list of tokens calls it, such as ci."`
	Packages     []string         `placeholder:"PATTERN" group:"Token" help:"Packages that it may write, whoever owns them: @acme/*, @acme/core, tool-*. Default: those that its user owns, and new ones."`
	Repositories []string         `placeholder:"PATTERN" group:"Token" help:"Repositories whose commits it may publish, whoever owns them: acme/*, acme/widgets, https://git.example.com/acme/*. Default: those that its user owns, and new ones."`
	Permissions  string           `enum:"read,publish,admin" default:"publish" group:"Token" help:"What it may do, each more than the one before: read, publish or admin."`
	Expires      *config.Duration `placeholder:"TIME" group:"Token" help:"After which time it ends, such as 90d. Default: never."`
	User         string           `placeholder:"NAME" group:"Token" help:"The user whom it speaks for. Default: one of the token's name."`
	CIDR         []string         `name:"cidr" placeholder:"NET" group:"Token" help:"Networks that it may be used from, such as 10.0.0.0/8. Default: all."`
	JSON         bool             `name:"json" group:"Output" help:"Print the token with all that is known of it as JSON."`
}

// Help explains more than the line of the list of commands.
func (tokenCreate) Help() string {
	return `The token is printed on standard output, and nothing else is; it is stored as a hash and can't be shown again.

  registry-server token create --name ci --packages '@acme/*' --expires 90d
  registry-server token create --name previews --repositories 'acme/*'
  NPM_TOKEN=$(registry-server token create --name laptop --user alice)

npm uses it by a line in ~/.npmrc: //registry.example.com/:_authToken=${NPM_TOKEN}`
}

func (tokenCreate) makes() bool { return true }

func (c tokenCreate) run(ctx context.Context, client *adminclient.Client, s streams) error {
	var seconds int64
	if c.Expires != nil {
		if seconds = int64(time.Duration(*c.Expires) / time.Second); seconds == 0 { // which the server takes for never
			return config.Usagef("--expires: a token that lasts no second is none; give a time such as 90d, or leave it out for a token that never expires")
		}
	}
	made, err := client.CreateToken(ctx, wire.NewToken{
		Name: c.Name, User: c.User, Permission: c.Permissions, Packages: c.Packages, Repositories: c.Repositories,
		Grant: len(c.Packages)+len(c.Repositories) > 0, CIDR: c.CIDR,
		ExpiresIn: seconds,
	})
	if err != nil {
		return err
	}
	if c.JSON {
		return writeJSON(s.stdout, made)
	}
	if _, err := fmt.Fprintln(s.stdout, made.Secret); err != nil {
		return err
	}
	t := made.Token
	s.say("token %s of the user %s: %s; it is not shown again\nend it with: registry-server token revoke %s", t.Key, t.User, may(t), t.Key)
	return nil
}

// may says what a token may do.
func may(t wire.Token) string {
	text := "may " + t.Permission
	if len(t.Packages) > 0 {
		text += " " + strings.Join(t.Packages, ", ")
	}
	if len(t.Repositories) > 0 {
		text += ", commits of " + strings.Join(t.Repositories, ", ")
	}
	if len(t.CIDR) > 0 {
		text += " from " + strings.Join(t.CIDR, ", ")
	}
	return text + ", " + expiry(t.Expires)
}

func expiry(t time.Time) string {
	if t.IsZero() {
		return "never expires"
	}
	return "expires " + day(t)
}

type tokenList struct {
	serverFolder
	JSON bool `name:"json" group:"Output" help:"Print the list as JSON."`
}

func (tokenList) makes() bool { return false }

func (c tokenList) run(ctx context.Context, client *adminclient.Client, s streams) error {
	tokens, err := client.Tokens(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return writeJSON(s.stdout, wire.Tokens{Tokens: tokens})
	}
	rows := [][]string{{"KEY", "NAME", "USER", "BEGINS", "MAY", "CREATED", "EXPIRES"}}
	for _, t := range tokens {
		rows = append(rows, []string{t.Key, t.Name, t.User, t.Hint, mayShort(t), day(t.Created), state(t, s.now())})
	}
	return writeTable(s.stdout, rows)
}

func mayShort(t wire.Token) string {
	limits := slices.Concat(t.Packages, t.Repositories)
	if len(limits) == 0 {
		return t.Permission
	}
	return t.Permission + " " + strings.Join(limits, ",")
}

func state(t wire.Token, now time.Time) string {
	switch {
	case t.Expires.IsZero():
		return "never"
	case t.Expires.Before(now):
		return day(t.Expires) + " (ended)"
	}
	return day(t.Expires)
}

type tokenRevoke struct {
	serverFolder
	Key string `arg:"" help:"The key that token list shows, or its first 6 digits or more."`
}

// Validate keeps a secret, given in place of the key, out of the server's log.
func (c tokenRevoke) Validate() error {
	if strings.Trim(strings.ToLower(c.Key), "0123456789abcdef") != "" {
		return errors.New("this is no key of a token; name it by its key, which registry-server token list shows")
	}
	return nil
}

func (tokenRevoke) makes() bool { return false }

func (c tokenRevoke) run(ctx context.Context, client *adminclient.Client, s streams) error {
	if err := client.RevokeToken(ctx, c.Key); err != nil {
		return err
	}
	s.say("revoked")
	return nil
}
