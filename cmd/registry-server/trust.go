package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/org/registry-action/internal/adminclient"
	"github.com/org/registry-action/internal/format/provenance"
	"github.com/org/registry-action/internal/wire"
)

type trustAdd struct {
	serverFolder
	Forge              string   `arg:"" enum:"github" help:"Whose runs: github, which GitHub Enterprise Server and Forgejo are like."`
	Repository         string   `arg:"" help:"The repository: OWNER/REPO. For previews OWNER/* is all that the owner has; it needs --owner-id."`
	Tier               string   `enum:"release,preview" default:"preview" group:"Policy" help:"What its runs may make: release, versions of the packages; or preview, packages of its commits."`
	Packages           []string `placeholder:"PATTERN" group:"Policy" help:"Packages that they may write, whoever owns them: @acme/*, @acme/core, tool-*. Releases need it. Default of previews: all."`
	Workflow           string   `placeholder:"FILE" group:"Policy" help:"The workflow, such as publish.yml. Default: any."`
	WorkflowRepository string   `placeholder:"OWNER/REPO" group:"Policy" help:"Whose reusable workflow has the job that publishes. Default: the repository itself."`
	Environment        string   `placeholder:"NAME" group:"Policy" help:"The environment that the job must run in. Default: any, and none."`
	Ref                []string `placeholder:"GLOB" group:"Policy" help:"Refs, in full, such as refs/heads/main or refs/tags/v*. Default: any."`
	Event              []string `placeholder:"EVENT" group:"Policy" help:"Events. Default: push, release, workflow_dispatch and schedule; of previews pull_request and merge_group, too."`
	SelfHosted         bool     `group:"Policy" help:"Runners that are not the forge's own, too."`
	Issuer             string   `placeholder:"URL" group:"Policy" help:"Who signs the tokens of the runs. Default: the first of the server's OIDC_ISSUERS."`
	User               string   `placeholder:"NAME" group:"Policy" help:"The user whom they speak for, and who owns what they publish first. Default: the operator."`
	RepositoryID       int64    `placeholder:"N" group:"Policy" help:"The number of the repository. Default: what the forge says."`
	OwnerID            int64    `placeholder:"N" group:"Policy" help:"The number of its owner. Default: what the forge says."`
	JSON               bool     `name:"json" group:"Output" help:"Print the policy as JSON."`
}

// Help explains more than the line of the list of commands.
func (trustAdd) Help() string {
	return `The runs show an OIDC token, so their job needs: permissions: {id-token: write}. No secret is stored anywhere.

  registry-server trust add github acme/widgets
  registry-server trust add github acme/widgets --tier release --packages '@acme/*' --workflow release.yml --ref 'refs/tags/v*'
  registry-server trust add github 'acme/*' --owner-id 65

The first lets publish-commit publish previews, the second npm publish make releases; the third is the first for all repositories of
acme, whose number the forge's API tells (gh api users/acme --jq .id). The repository is known by its number, which
the forge is asked for: if another takes its name later, it is not trusted. See docs/trust.md.`
}

func (trustAdd) makes() bool { return true }

func (c trustAdd) run(ctx context.Context, client *adminclient.Client, s streams) error {
	made, err := client.AddTrust(ctx, wire.NewTrust{
		Issuer: c.Issuer, Repository: c.Repository, RepositoryID: c.RepositoryID, OwnerID: c.OwnerID, Workflow: c.Workflow, WorkflowRepository: c.WorkflowRepository,
		Environment: c.Environment, Refs: c.Ref, Events: c.Event, Tier: provenance.Tier(c.Tier), Packages: c.Packages, SelfHosted: c.SelfHosted, User: c.User,
	})
	if err != nil {
		return err
	}
	if c.JSON {
		return writeJSON(s.stdout, made)
	}
	if _, err := fmt.Fprintln(s.stdout, made.ID); err != nil {
		return err
	}
	s.say("%s of %s may publish %s (%s)", runsOf(made), made.Repository, strings.Join(made.Packages, ", "), made.Tier)
	if !made.Pinned {
		s.say("the forge did not tell the numbers of %s and its owner: the first run that fits is believed, and no other repository after it.\n"+
			"To be sure remove it and give --repository-id and --owner-id: gh api repos/%[1]s --jq '.id, .owner.id' tells both", made.Repository)
	}
	if made.Tier == provenance.Release && len(made.Refs) == 0 && made.Environment == "" {
		s.say("whoever may push a branch to %s can publish so; --ref refs/heads/main, or --environment NAME with rules of the forge, limits that", made.Repository)
	}
	s.say("end it with: registry-server trust remove %s", made.ID)
	return nil
}

// runsOf says which runs a policy is for.
func runsOf(t wire.Trust) string {
	text := "the runs"
	if t.Workflow != "" {
		text += " of " + t.Workflow
	}
	if t.Environment != "" {
		text += " in " + t.Environment
	}
	if len(t.Refs) > 0 {
		text += " on " + strings.Join(t.Refs, ", ")
	}
	return text
}

type trustList struct {
	serverFolder
	JSON bool `name:"json" group:"Output" help:"Print the list as JSON."`
}

func (trustList) makes() bool { return false }

func (c trustList) run(ctx context.Context, client *adminclient.Client, s streams) error {
	all, err := client.Trusts(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return writeJSON(s.stdout, wire.Trusts{Policies: all})
	}
	rows := [][]string{{"ID", "REPOSITORY", "NUMBER", "TIER", "PACKAGES", "WORKFLOW", "ENVIRONMENT", "REFS", "EVENTS", "MADE BY"}}
	for _, t := range all {
		rows = append(rows, []string{
			t.ID, t.Repository, pin(t), string(t.Tier), strings.Join(t.Packages, ","), cmp.Or(t.Workflow, "any"), cmp.Or(t.Environment, "any"),
			cmp.Or(strings.Join(t.Refs, ","), "any"), strings.Join(t.Events, ","), madeBy(t),
		})
	}
	return writeTable(s.stdout, rows)
}

// pin shows whether a policy knows its repository by number.
func pin(t wire.Trust) string {
	switch {
	case !t.Pinned:
		return "not yet pinned"
	case t.RepositoryID == 0:
		return fmt.Sprintf("owner %d", t.OwnerID)
	}
	return fmt.Sprint(t.RepositoryID)
}

func madeBy(t wire.Trust) string {
	if t.FromFile {
		return "TRUST_FILE"
	}
	return t.MadeBy
}

type trustRemove struct {
	serverFolder
	ID string `arg:"" help:"The id that trust list shows."`
}

func (trustRemove) makes() bool { return false }

func (c trustRemove) run(ctx context.Context, client *adminclient.Client, s streams) error {
	if err := client.RemoveTrust(ctx, c.ID); err != nil {
		return err
	}
	s.say("removed; tokens that its runs have got are good for a quarter of an hour at most")
	return nil
}
