package main

import (
	"context"

	"github.com/org/registry-action/internal/adminclient"
	"github.com/org/registry-action/internal/wire"
)

type userAdd struct {
	serverFolder
	Name  string `arg:"" help:"Name of the account."`
	Email string `placeholder:"ADDRESS" group:"Account" help:"Its e-mail address, which npm shows of owners."`

	password string
}

// Help explains more than the line of the list of commands.
func (userAdd) Help() string {
	return `The password is asked for, or read from the first line of standard input; it is never an argument, which other
users of the machine could see. An account that is there gets the new password, and keeps its tokens.

  registry-server user add alice --email alice@example.com
  pass show registry/alice | registry-server user add alice`
}

func (userAdd) makes() bool { return true }

// prepare asks for the password while nothing is locked.
func (c userAdd) prepare(ctx context.Context, s streams) (command, func() error, error) {
	var err error
	c.password, err = readPassword(ctx, s, c.Name)
	return c, func() error { return nil }, err
}

func (c userAdd) run(ctx context.Context, client *adminclient.Client, s streams) error {
	out, err := client.AddUser(ctx, wire.NewUser{Name: c.Name, Email: c.Email, Password: c.password})
	if err != nil {
		return err
	}
	if out.Created {
		s.say("made the account %s; it signs in with: npm login", out.User.Name)
		return nil
	}
	s.say("%s has a new password; its tokens stay", out.User.Name)
	return nil
}

type userList struct {
	serverFolder
	JSON bool `name:"json" group:"Output" help:"Print the list as JSON."`
}

func (userList) makes() bool { return false }

func (c userList) run(ctx context.Context, client *adminclient.Client, s streams) error {
	users, err := client.Users(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return writeJSON(s.stdout, wire.Users{Users: users})
	}
	rows := [][]string{{"NAME", "EMAIL", "CREATED"}}
	for _, u := range users {
		rows = append(rows, []string{u.Name, u.Email, day(u.Created)})
	}
	return writeTable(s.stdout, rows)
}

type userRemove struct {
	serverFolder
	Name string `arg:"" help:"Name of the account."`
}

func (userRemove) makes() bool { return false }

func (c userRemove) run(ctx context.Context, client *adminclient.Client, s streams) error {
	if err := client.RemoveUser(ctx, c.Name); err != nil {
		return err
	}
	s.say("removed %s and its tokens; the name can't be signed up again, since packages may be its own", c.Name)
	return nil
}
