package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/org/registry-action/internal/adminclient"
)

// ofRepository is what the commands about a repository's owners have.
type ofRepository struct {
	serverFolder
	Repository string `arg:"" help:"The repository: owner/repo, or its URL."`
}

type repositoryOwners struct{ ofRepository }

func (repositoryOwners) makes() bool { return false }

func (c repositoryOwners) run(ctx context.Context, client *adminclient.Client, s streams) error {
	out, err := client.Owners(ctx, c.Repository)
	if err != nil {
		return err
	}
	for _, user := range out.Owners {
		if _, err := fmt.Fprintln(s.stdout, user); err != nil {
			return err
		}
	}
	return nil
}

type repositoryAddOwner struct {
	ofRepository
	User string `arg:"" help:"The user who may publish its commits from now on."`
}

// Help explains more than the line of the list of commands.
func (repositoryAddOwner) Help() string {
	return `Who publishes the first commit of a repository owns it, until the last of its commits has expired. All tokens of a
user speak for that user, so a team needs one owner: registry-server token create --name ci-2 --user ci`
}

func (repositoryAddOwner) makes() bool { return false }

func (c repositoryAddOwner) run(ctx context.Context, client *adminclient.Client, s streams) error {
	out, err := client.AddOwner(ctx, c.Repository, c.User)
	if err != nil {
		return err
	}
	s.say("%s belongs to %s", out.Repository, strings.Join(out.Owners, ", "))
	return nil
}

type repositoryRemoveOwner struct {
	ofRepository
	User string `arg:"" help:"The user who may not publish its commits any more."`
}

func (repositoryRemoveOwner) makes() bool { return false }

func (c repositoryRemoveOwner) run(ctx context.Context, client *adminclient.Client, s streams) error {
	out, err := client.RemoveOwner(ctx, c.Repository, c.User)
	if err != nil {
		return err
	}
	s.say("%s belongs to %s", out.Repository, strings.Join(out.Owners, ", "))
	return nil
}
