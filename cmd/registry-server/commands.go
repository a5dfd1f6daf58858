package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/org/registry-action/internal/adminclient"
)

// commands are the subcommands; serve is meant where none is named.
type commands struct {
	Serve options `cmd:"" default:"withargs" help:"Run the server (the default)."`

	Token struct {
		Create tokenCreate `cmd:"" help:"Make a token and print it, once."`
		List   tokenList   `cmd:"" help:"List the tokens, without their secrets."`
		Revoke tokenRevoke `cmd:"" help:"End a token at once."`
	} `cmd:"" help:"Make, list and revoke tokens."`
	User struct {
		Add    userAdd    `cmd:"" help:"Make an account, or set a new password for one."`
		List   userList   `cmd:"" help:"List the accounts."`
		Remove userRemove `cmd:"" help:"End an account and its tokens. What it owns stays its own."`
	} `cmd:"" help:"Make, list and remove accounts."`
	Trust struct {
		Add    trustAdd    `cmd:"" help:"Let the CI runs of a repository publish, with no token."`
		List   trustList   `cmd:"" help:"List which runs may publish what."`
		Remove trustRemove `cmd:"" help:"Undo add."`
	} `cmd:"" help:"Let CI runs publish by what they prove, in place of tokens."`
	Repository struct {
		Owners      repositoryOwners      `cmd:"" help:"List the users who may publish commits of a repository."`
		AddOwner    repositoryAddOwner    `cmd:"" help:"Let a user publish commits of a repository."`
		RemoveOwner repositoryRemoveOwner `cmd:"" help:"Undo add-owner. One owner stays."`
	} `cmd:"" help:"List and change who owns a repository of commits."`
	Key struct {
		List   keyList   `cmd:"" help:"List the public keys that versions are signed with."`
		Rotate keyRotate `cmd:"" help:"Make a new signing key the current one."`
		Create keyCreate `cmd:"" help:"Make a key of your own, to sign trees and uploads of Lumen packages."`
		Revoke keyRevoke `cmd:"" help:"End a key of Lumen packages: nothing that it signed counts any more."`
	} `cmd:"" help:"List, rotate and revoke the keys of registry signatures."`
	Import struct {
		Lumen     importLumen     `cmd:"" help:"Import a Lumen registry: a folder, a bucket, or by its URL."`
		Pantry    importPantry    `cmd:"" help:"Import the .registry folder of a Pantry registry."`
		Verdaccio importVerdaccio `cmd:"" help:"Import the storage folder of verdaccio."`
	} `cmd:"" help:"Import the packages of another registry."`
	Migrate migrate `cmd:"" help:"Move to S3 and DynamoDB, or back, while the server runs."`
	Backup  backup  `cmd:"" help:"Back up the data folder, while the server runs or not."`
	Restore restore `cmd:"" help:"Make a data folder of a backup."`
	Export  struct {
		Lumen exportLumen `cmd:"" help:"Write the Lumen packages as a static tree, into a folder or a bucket."`
	} `cmd:"" help:"Write packages as files that any web server can serve."`
	Health health `cmd:"" help:"Ask a server whether it is up, as the health check of a container."`
	Verify struct {
		All   verifyAll   `cmd:"" default:"withargs" help:"Check everything that a server keeps: bytes, digests, signatures, references (the default)."`
		Lumen verifyLumen `cmd:"" help:"Check a Lumen registry: hashes, manifests, signatures, indexes."`
	} `cmd:"" help:"Check what a registry keeps, or serves."`
	Publish struct {
		Lumen publishLumen `cmd:"" help:"Publish a Lumen package to a server, or into a static tree."`
	} `cmd:"" help:"Publish a package."`
	Yank struct {
		Lumen yankLumen `cmd:"" help:"Offer a version of a Lumen package no more, or again."`
	} `cmd:"" help:"Take a version out of what is offered."`
}

// errand is a subcommand that needs no data folder, or not always.
type errand interface {
	do(ctx context.Context, s streams) error
}

// errand returns such a subcommand.
func (c *commands) errand(name string) (e errand, ok bool) {
	switch name {
	case "restore":
		return c.Restore, true
	case "health":
		return c.Health, true
	case "export lumen":
		return c.Export.Lumen, true
	case "verify lumen":
		return c.Verify.Lumen, true
	case "publish lumen":
		return c.Publish.Lumen, true
	case "yank lumen":
		return c.Yank.Lumen, true
	case "key create":
		return c.Key.Create, true
	}
	return nil, false
}

// command is a subcommand that administers the server of a data folder.
type command interface {
	folder() string
	limit() int64 // bytes of a tarball, where the server is opened in this process; 0: the default
	makes() bool  // it makes something; the others have nothing to show of a folder that is not there
	run(ctx context.Context, client *adminclient.Client, s streams) error
}

// preparer is a command that has something to do before the server is asked for.
type preparer interface {
	prepare(ctx context.Context, s streams) (ready command, cleanup func() error, err error)
}

// find returns the subcommand of a name as config.Parsed has it.
func (c *commands) find(name string) (command, error) {
	all := map[string]command{
		"token create": c.Token.Create, "token list": c.Token.List, "token revoke": c.Token.Revoke,
		"user add": c.User.Add, "user list": c.User.List, "user remove": c.User.Remove,
		"trust add": c.Trust.Add, "trust list": c.Trust.List, "trust remove": c.Trust.Remove,
		"repository owners": c.Repository.Owners, "repository add-owner": c.Repository.AddOwner, "repository remove-owner": c.Repository.RemoveOwner,
		"key list": c.Key.List, "key rotate": c.Key.Rotate, "key revoke": c.Key.Revoke,
		"migrate": c.Migrate, "backup": c.Backup, "verify all": c.Verify.All,
		"import lumen": c.Import.Lumen, "import pantry": c.Import.Pantry, "import verdaccio": c.Import.Verdaccio,
	}
	found, ok := all[name]
	if !ok {
		return nil, fmt.Errorf("the command %q has no work to do", name)
	}
	return found, nil
}

// streams are what a subcommand reads and writes. Results go to stdout, and only they.
type streams struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	now            func() time.Time
	manager        string // the socket of the service manager; empty: there is none
}

// say writes a line beside the result.
func (s streams) say(format string, args ...any) { fmt.Fprintf(s.stderr, format+"\n", args...) }

// dataFolder is the option that all subcommands have.
type dataFolder struct {
	Data string `env:"REGISTRY_DATA" default:".registry" type:"path" placeholder:"DIR" group:"Storage" help:"Data folder of the server, whether it is running or not."`
}

func (d dataFolder) folder() string { return d.Data }
func (dataFolder) limit() int64     { return 0 }

// administer runs a subcommand on the server of its data folder.
func administer(ctx context.Context, c command, s streams) (err error) {
	if p, ok := c.(preparer); ok {
		ready, cleanup, err := p.prepare(ctx, s)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, cleanup()) }()
		c = ready
	}
	client, done, err := connect(ctx, c, s)
	if err != nil {
		return err
	}
	return errors.Join(c.run(ctx, client, s), done())
}
