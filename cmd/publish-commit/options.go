package main

import (
	"slices"
	"strings"

	"github.com/org/registry-action/internal/action/publish"
	"github.com/org/registry-action/internal/action/regclient"
	"github.com/org/registry-action/internal/action/workspace"
	"github.com/org/registry-action/internal/config"
)

// commands are the subcommands; publish is meant where none is named.
type commands struct {
	Publish publishCommand `cmd:"" default:"withargs" help:"Pack and publish the packages of the commit (the default)."`
	Pack    packCommand    `cmd:"" help:"Only pack: write the tarballs to a folder and show what they hold."`
	Finish  finishCommand  `cmd:"" hidden:"" help:"After a run of the action: revoke the token that it has left, and if it was stopped, say so in the comment of the pull request."`
}

// packing is what both commands take. docs/action.md shows it as a table.
type packing struct {
	Paths []string `arg:"" optional:"" name:"path" help:"Path globs, package names (zig:NAME for Zig, lumen:NAME for Lumen) or .tgz files. Default: every public package of the workspace."`

	Packages         []string `placeholder:"PATTERN" group:"Packages" help:"The same as the arguments: path globs, package names or .tgz files."`
	Exclude          []string `placeholder:"PATTERN" group:"Packages" help:"Path globs or package names to leave out."`
	WorkingDirectory string   `short:"C" default:"." type:"path" placeholder:"DIR" group:"Packages" help:"Folder of the workspace."`

	RegistryURL string `env:"REGISTRY_URL" placeholder:"URL" group:"Registry" help:"Public URL of the registry-server."`

	SHA        string `name:"sha" placeholder:"SHA" group:"Commit" help:"The commit. Default: that of the CI run, else of git."`
	Repository string `placeholder:"URL" group:"Commit" help:"The repository. Default: that of the CI run, else git's remote origin."`

	Siblings      string `enum:"registry,url" default:"registry" group:"Packing" help:"How packages of one commit depend on each other: registry (exact preview version) or url."`
	PinPeers      bool   `group:"Packing" help:"Also pin peerDependencies on packages of the same commit."`
	KeepVersion   bool   `group:"Packing" help:"Keep each package's own version instead of the preview version."`
	IgnoreScripts bool   `group:"Packing" help:"Do not run prepack, prepare and postpack."`
	PackWith      string `enum:"native,npm,pnpm,yarn,bun" default:"native" group:"Packing" help:"Who makes the archives: native, as npm would, or the pack command of npm, pnpm, yarn or bun."`

	Verbose bool `short:"v" group:"Output" help:"Say more about what is being done."`
}

func (p packing) options() publish.PackOptions {
	with := workspace.Manager(p.PackWith)
	if with == "native" {
		with = ""
	}
	return publish.PackOptions{
		Dir: p.WorkingDirectory, Paths: slices.Concat(p.Paths, p.Packages), Exclude: p.Exclude, SHA: p.SHA, Repository: p.Repository,
		RegistryURL: p.RegistryURL, Siblings: publish.Form(p.Siblings), PinPeers: p.PinPeers, KeepVersion: p.KeepVersion,
		IgnoreScripts: p.IgnoreScripts, PackWith: with,
	}
}

type publishCommand struct {
	packing
	Auth         string   `enum:"auto,token,oidc,fork,none" default:"auto" env:"REGISTRY_AUTH" group:"Registry" help:"How the registry is told who publishes: oidc (the job's id-token), token, fork (a claim that the run proves), none; auto takes what the run has."`
	Token        string   `env:"REGISTRY_TOKEN,PANTRY_REGISTRY_TOKEN" secret:"" group:"Registry" help:"Token of the registry. A server on this machine may need none."`
	InsecureHTTP bool     `name:"insecure-http" group:"Registry" help:"Let the token go over plain http to a host that is not this machine."`
	Ref          []string `placeholder:"REF" group:"Commit" help:"Refs to move to the commit, such as branch/main or tag/v1. In CI those of the run are moved too."`
	ChangedOnly  bool     `group:"Packages" help:"Publish only the packages that changed since the base of the pull request, those that depend on them, and what these need. The others stay where the base was published."`
	FailOnFork   bool     `group:"Registry" help:"Fail where the publish of a fork's run is refused; else it ends with a notice."`
	AllowDirty   bool     `group:"Commit" help:"Publish a working tree that is not the commit's."`
	Force        bool     `group:"Commit" help:"Let other bytes take the place of what this commit published before."`

	Comment         string   `enum:"update,recreate,off" default:"update" group:"Pull request" help:"What becomes of the comment on the pull request: update, recreate or off."`
	CommentKey      string   `default:"default" placeholder:"KEY" group:"Pull request" help:"Tells the comments of several publishes on one pull request apart."`
	CommitStatus    string   `enum:"auto,on,off" default:"auto" group:"Pull request" help:"Whether the commit gets a status that leads to its packages: auto (if the token may, with statuses: write), on or off. Commits of forks get none."`
	ShowComment     bool     `group:"Pull request" help:"Print the comment that a pull request would get."`
	GithubToken     string   `name:"github-token" env:"GITHUB_TOKEN" secret:"" group:"Pull request" help:"Writes the comment; needs pull-requests: write."`
	PackageManagers []string `default:"npm" placeholder:"NAME" group:"Pull request" help:"Whose install lines are shown: npm, pnpm, yarn, bun."`

	DryRun   bool   `short:"n" group:"Output" help:"Pack and show, but send nothing."`
	JSONFile string `name:"json-file" placeholder:"FILE" group:"Output" help:"File that gets the result as JSON; - is standard output."`
	JSON     bool   `name:"json" group:"Output" input:"-" help:"The same as --json-file -."`
}

func (c publishCommand) options() (publish.Options, error) {
	o := publish.Options{
		PackOptions: c.packing.options(), Auth: publish.Auth(c.Auth), Token: c.Token, InsecureHTTP: c.InsecureHTTP, FailOnFork: c.FailOnFork,
		Refs: c.Ref, AllowDirty: c.AllowDirty, Force: c.Force,
		DryRun: c.DryRun, ChangedOnly: c.ChangedOnly, CommitStatus: c.CommitStatus, Comment: c.Comment, CommentKey: c.CommentKey, ShowComment: c.ShowComment, GitHubToken: c.GithubToken,
		Managers: c.PackageManagers, JSONFile: c.JSONFile, Version: config.Version(),
	}
	if c.JSON {
		o.JSONFile = "-"
	}
	if o.RegistryURL == "" && !c.DryRun {
		return o, config.Usagef("there is no registry to publish to; set --registry-url or REGISTRY_URL (a server started with no options is http://localhost:3000)")
	}
	for _, m := range o.Managers {
		if !slices.Contains([]string{"npm", "pnpm", "yarn", "bun"}, m) {
			return o, config.Usagef("--package-managers: %q is not one of npm, pnpm, yarn, bun", m)
		}
	}
	return o, check(o.PackOptions)
}

type packCommand struct {
	packing
	Out  string `default:"." type:"path" placeholder:"DIR" group:"Output" input:"-" help:"Folder that gets the tarballs."`
	JSON bool   `name:"json" group:"Output" help:"Describe the tarballs as JSON, in the terms of npm pack --json."`
}

// finishCommand is what post.js runs.
type finishCommand struct {
	RegistryURL  string `env:"REGISTRY_URL" placeholder:"URL" help:"Public URL of the registry-server."`
	InsecureHTTP bool   `name:"insecure-http" help:"Let the token go over plain http."`
	SHA          string `name:"sha" placeholder:"SHA" help:"The commit."`
	Repository   string `placeholder:"URL" help:"The repository."`
	Comment      string `enum:"update,recreate,off" default:"update" help:"What becomes of the comment."`
	CommentKey   string `default:"default" help:"Tells comments apart."`
	CommitStatus string `enum:"auto,on,off" default:"auto" help:"Whether the commit gets a status."`
	DryRun       bool   `help:"The run was to send nothing."`
	GithubToken  string `name:"github-token" env:"GITHUB_TOKEN" secret:"" help:"Writes the comment."`
}

func (c finishCommand) options() publish.Options {
	return publish.Options{
		PackOptions: publish.PackOptions{SHA: c.SHA, Repository: c.Repository, RegistryURL: c.RegistryURL}, InsecureHTTP: c.InsecureHTTP,
		Comment: c.Comment, CommentKey: c.CommentKey, CommitStatus: c.CommitStatus, GitHubToken: c.GithubToken, DryRun: c.DryRun, Version: config.Version(),
	}
}

// check refuses what would fail only after everything is packed.
func check(o publish.PackOptions) error {
	if o.SHA != "" && (len(o.SHA) < 7 || len(o.SHA) > 64 || strings.Trim(o.SHA, "0123456789abcdefABCDEF") != "") {
		return config.Usagef("--sha: %q is not a commit; give its 40 or 64 hexadecimal digits, or at least the first 7", o.SHA)
	}
	if o.Siblings == publish.URL && o.RegistryURL == "" {
		return config.Usagef("--siblings url writes URLs of the registry into the packages; set --registry-url or REGISTRY_URL")
	}
	if o.RegistryURL == "" {
		return nil
	}
	if err := regclient.CheckURL(o.RegistryURL); err != nil {
		return config.Usagef("%w", err)
	}
	return nil
}

const description = `Packs the packages of a workspace and publishes them to your registry as the packages of one commit.
In GitHub Actions it also keeps one comment on the pull request; at a desk it takes the commit from git and prints the install lines.

Exit codes: 0 published, or there already; 1 failed; 2 wrong usage.`

const examples = `  publish-commit --registry-url http://localhost:3000
  publish-commit './packages/*' --exclude '@acme/internal-*' --package-managers npm,pnpm
  publish-commit pack --out dist --keep-version
  publish-commit dist/*.tgz --sha $(git rev-parse HEAD)`
