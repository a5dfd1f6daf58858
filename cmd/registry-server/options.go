package main

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"time"

	"github.com/org/registry-action/internal/config"
	"github.com/org/registry-action/registry"
)

// options are all that the server can be told. docs/config.md shows them as a table.
type options struct {
	Port    int    `env:"PORT" default:"3000" group:"Address" help:"Port to listen on; 0 picks a free one."`
	Host    string `env:"HOST" default:"127.0.0.1" group:"Address" help:"Address to listen on. Anything but loopback needs a token, or a TRUST_FILE."`
	BaseURL string `env:"BASE_URL" placeholder:"URL" group:"Address" help:"Public URL of the server, which every link is built on. Default: http://localhost:PORT."`

	TrustedProxies []string `env:"TRUSTED_PROXIES" placeholder:"ADDRESS" group:"Address" help:"Addresses and networks of the proxies in front, separated by commas: what their X-Forwarded-For says of who the client is, is believed."`

	Data string `env:"REGISTRY_DATA" default:".registry" type:"path" placeholder:"DIR" group:"Storage" help:"Folder of the embedded stores."`
	storage

	S3Redirect bool `name:"s3-redirect" env:"S3_REDIRECT" group:"Storage" help:"Let clients get tarballs of 1 MiB and more from the bucket itself, and publish-commit bring them there."`

	analytics
	AnalyticsUserAgents bool `env:"ANALYTICS_USER_AGENTS" default:"true" negatable:"" group:"Storage" help:"Count downloads by client, such as npm/11, too. Nothing else of a User-Agent is ever kept."`

	Retention config.Duration `env:"RETENTION" default:"90d" group:"Storage" help:"How long a commit's packages are kept after they were published."`

	Token       string   `env:"REGISTRY_TOKEN,PANTRY_REGISTRY_TOKEN" secret:"" group:"Access" help:"Who bears it may do everything. Without one, only this machine may write."`
	ReadAuth    string   `env:"READ_AUTH" enum:"open,required" default:"open" group:"Access" help:"Who may read: open, everybody; required, whoever has a token."`
	SignUp      bool     `env:"SIGN_UP" group:"Access" help:"Let everybody make an account by logging in. Else accounts are made with: registry-server user add."`
	OIDCIssuers []string `name:"oidc-issuers" env:"OIDC_ISSUERS" placeholder:"URL" group:"Access" help:"Who signs the OIDC tokens of CI runs, separated by commas: URLs, behind which there may be ;forge=URL and ;keys=FILE (a JWKS). Default: https://token.actions.githubusercontent.com."`
	TrustFile   string   `name:"trust-file" env:"TRUST_FILE" type:"path" placeholder:"FILE" group:"Access" help:"Policies, as JSON, which CI runs may publish what with no token. They are in force as long as the file has them. Default: none."`
	GitHubURL   string   `name:"github-url" env:"GITHUB_URL" placeholder:"URL" group:"Access" help:"The forge that is asked about repositories, runs and pull requests. Default: https://github.com."`
	GitHubAPI   string   `name:"github-api-url" env:"GITHUB_API_URL" placeholder:"URL" group:"Access" help:"Its API. Default: https://api.github.com, or that of GITHUB_URL."`
	GitHubToken string   `name:"github-token" env:"GITHUB_TOKEN" secret:"" group:"Access" help:"Token for it, where there is no App. Without one it tells of public repositories only, 60 times an hour. If it may write pull requests, it comments on what pkg-pr-new publishes."`
	github

	Unpublish lifespan `env:"UNPUBLISH" default:"72h" group:"Access" help:"How long after its publish the owners of a package may unpublish a version, or never. Admins always may."`

	NPMFallback      bool            `name:"npm-fallback" env:"NPM_FALLBACK" default:"true" negatable:"" group:"Upstream" help:"Answer what is not here from the registry behind this one."`
	NPMUpstream      string          `name:"npm-upstream" env:"NPM_UPSTREAM" placeholder:"URL" group:"Upstream" help:"The registry behind this one. Default: the one npm is configured with here, else https://registry.yarnpkg.com."`
	NPMUpstreamToken string          `name:"npm-upstream-token" env:"NPM_UPSTREAM_TOKEN" secret:"" group:"Upstream" help:"Bearer token for it."`
	UpstreamMaxAge   config.Duration `env:"UPSTREAM_MAX_AGE" default:"2m" group:"Upstream" help:"How long what it says of a package is taken for fresh."`
	RewriteTarballs  bool            `env:"REWRITE_TARBALLS" default:"true" negatable:"" group:"Upstream" help:"Let its tarballs be fetched through this server, too."`
	CacheSize        config.Bytes    `env:"CACHE_SIZE" default:"10GiB" group:"Upstream" help:"How much of its answers, of mirrored archives and of what is in S3, is kept in the data folder."`
	ClaimedScopes    []string        `env:"CLAIMED_SCOPES" placeholder:"@SCOPE" group:"Upstream" help:"Scopes and names, separated by commas, that it is never asked for, whether or not they are published here."`
	ZigMirror        []string        `env:"ZIG_MIRROR" placeholder:"HOST" group:"Upstream" help:"Forges, separated by commas, whose archives are fetched, kept and served to Zig compilers, such as github.com,codeberg.org. Default: none."`

	LumenName     string `env:"LUMEN_NAME" default:"registry" group:"Lumen" help:"What the index of its Lumen packages calls the registry."`
	LumenUnscoped bool   `env:"LUMEN_UNSCOPED" group:"Lumen" help:"Let Lumen packages without a scope be published. The client of today makes none."`
	LumenUploads  string `name:"lumen-upload-signatures" env:"LUMEN_UPLOAD_SIGNATURES" enum:"off,warn,require" default:"warn" group:"Lumen" help:"Publishes of Lumen packages that are signed neither by a registered key nor by a certified one: off, they pass; warn, they pass and are told; require, they are refused."`

	MaxPackageSize config.Bytes `env:"MAX_PACKAGE_SIZE" default:"100MiB" group:"Limits" help:"Largest tarball of one package. Unpacked it may have ten times as much, and 1 GiB in any case."`
	MaxPublishSize config.Bytes `env:"MAX_PUBLISH_SIZE" default:"500MiB" group:"Limits" help:"Largest sum of the tarballs of one publish."`

	Metrics         string          `env:"METRICS" enum:"private,public,off" default:"private" group:"Watching" help:"Who may read /metrics: private, this machine and who has the METRICS_TOKEN or an admin's; public, everybody; off, nobody."`
	MetricsToken    string          `env:"METRICS_TOKEN" secret:"" group:"Watching" help:"Who bears it may read the metrics, and do nothing else."`
	ShutdownDelay   config.Duration `env:"SHUTDOWN_DELAY" default:"0s" group:"Watching" help:"How long the server goes on when it is told to stop, with /ready answering 503, so that load balancers look elsewhere."`
	ShutdownTimeout config.Duration `env:"SHUTDOWN_TIMEOUT" default:"30s" group:"Watching" help:"How long requests under way, such as uploads, have then to finish."`

	PkgPRNew []string `name:"pkg-pr-new" env:"PKG_PR_NEW" placeholder:"OWNER/REPO" group:"Access" help:"Repositories, separated by commas, such as acme/ws or acme/*, whose workflows publish with the stock pkg-pr-new CLI. Default: none."`
	forks

	CLIDir string `name:"cli-dir" env:"CLI_DIR" type:"path" placeholder:"DIR" group:"Action" help:"Folder of releases of publish-commit, one folder a version, which runners of the action get it from. Default: none."`

	LogFormat string `env:"LOG_FORMAT" enum:"text,json" default:"text" group:"Logging" help:"Form of the log on stderr: text or json."`
	LogLevel  string `env:"LOG_LEVEL" enum:"debug,info,warn,error" default:"info" group:"Logging" help:"What is logged: debug, info, warn or error."`
}

const description = `Hosts the packages that publish-commit publishes, and serves them to npm, pnpm, yarn and bun.
With no options it listens on loopback, keeps everything under ./.registry and accepts publishes from this machine.
The other commands administer a server by its data folder, whether it is running or not.

Exit codes: 0 done, or stopped cleanly; 1 failed, an import refused something, or a verification found something wrong; 2 wrong usage.`

const examples = `  registry-server
  REGISTRY_TOKEN=$(openssl rand -hex 32) registry-server --host 0.0.0.0 --base-url https://registry.example.com
  registry-server --port 8080 --data /var/lib/registry --retention 30d
  registry-server token create --name ci --packages '@acme/*' --expires 90d --data /var/lib/registry
  registry-server import verdaccio /verdaccio/storage --data /var/lib/registry
  registry-server migrate --from local --to s3,dynamodb --s3-bucket acme --dynamodb-table acme --data /var/lib/registry
  registry-server backup /backup/registry --data /var/lib/registry
  registry-server export lumen /var/www/lumen --data /var/lib/registry
  registry-server verify lumen https://registry.example.com/lumen --keys lumen-keys.json`

// check refuses what no single option shows.
func (o options) check() error {
	if err := cmp.Or(o.storage.check(), o.forks.check()); err != nil {
		return err
	}
	switch {
	case o.Token == "" && !isLoopback(o.Host) && o.TrustFile == "":
		return config.Usagef("listening on %s without a token would let anybody publish; set REGISTRY_TOKEN (for example to the output of: openssl rand -hex 32), or TRUST_FILE for CI runs alone, or listen on 127.0.0.1", cmp.Or(o.Host, "every address"))
	case o.Token == "" && isPublic(o.BaseURL) && o.TrustFile == "":
		return config.Usagef("with links to %s others reach this server, and without a token a proxy that does not say it is one would let them publish; set REGISTRY_TOKEN (for example to the output of: openssl rand -hex 32), or TRUST_FILE for CI runs alone, or leave BASE_URL out", o.BaseURL)
	case o.Token != "" && len(o.Token) < minToken:
		return config.Usagef("the token has %d characters; one of less than %d can be guessed (make one with: openssl rand -hex 32)", len(o.Token), minToken)
	case o.Token != "" && len(o.Token) < safeToken && (!isLoopback(o.Host) || isPublic(o.BaseURL)):
		return config.Usagef("the token has %d characters; where others than this machine can try, one of less than %d is too easily guessed (make one with: openssl rand -hex 32)", len(o.Token), safeToken)
	case o.MaxPackageSize <= 0 || o.MaxPublishSize <= 0:
		return config.Usagef("a limit of 0 bytes accepts nothing; give MAX_PACKAGE_SIZE and MAX_PUBLISH_SIZE sizes such as 100MiB")
	case o.CacheSize <= 0:
		return config.Usagef("a cache of 0 bytes keeps nothing; give CACHE_SIZE a size such as 1GiB, or turn upstream off with NPM_FALLBACK=false")
	case time.Duration(o.UpstreamMaxAge) <= 0:
		return config.Usagef("UPSTREAM_MAX_AGE must be more than 0; give a time such as 2m")
	case time.Duration(o.ShutdownTimeout) <= 0:
		return config.Usagef("SHUTDOWN_TIMEOUT must be more than 0, or every upload under way would be cut off; give a time such as 30s")
	case time.Duration(o.Retention) <= 0:
		return config.Usagef("a retention of %s keeps nothing; give a time such as 90d", o.Retention)
	}
	return nil
}

// runsOnly reports whether others reach a server that has policies in place of a token: then its own machine may do no
// more than they. It is administered by commands.
func (o options) runsOnly() bool {
	return o.Token == "" && o.TrustFile != "" && (!isLoopback(o.Host) || isPublic(o.BaseURL))
}

// settings are the options as the registry takes them.
func (o options) settings(addr net.Addr) registry.Config {
	if o.runsOnly() {
		o.Token = rand.Text() + rand.Text() // which nobody knows
	}
	return registry.Config{
		DataDir: o.Data, S3: o.bucket(), DynamoDB: o.metadata(), BaseURL: o.baseURL(addr), Token: o.Token, ReadAuth: o.ReadAuth == "required", SignUp: o.SignUp,
		Issuers: o.OIDCIssuers, TrustFile: o.TrustFile, GitHubURL: o.GitHubURL, GitHubAPI: o.GitHubAPI, GitHubToken: o.GitHubToken,
		TrustedProxies: o.TrustedProxies, Claimed: o.ClaimedScopes, Unpublish: time.Duration(o.Unpublish),
		MaxPackage: int64(o.MaxPackageSize), MaxPublish: int64(o.MaxPublishSize), Retention: time.Duration(o.Retention),
		NoUpstream: !o.NPMFallback, Upstream: o.NPMUpstream, UpstreamToken: o.NPMUpstreamToken,
		UpstreamMaxAge: time.Duration(o.UpstreamMaxAge), KeepUpstreamURLs: !o.RewriteTarballs, CacheSize: int64(o.CacheSize),
		S3Redirect: o.S3Redirect, ZigMirror: o.ZigMirror, LumenName: o.LumenName, LumenUnscoped: o.LumenUnscoped, LumenUploads: o.LumenUploads,
		Analytics: o.analytics.table(o.storage), NoUserAgents: !o.AnalyticsUserAgents,
		Metrics: o.Metrics, MetricsToken: o.MetricsToken, ShutdownDelay: time.Duration(o.ShutdownDelay), ShutdownTime: time.Duration(o.ShutdownTimeout),
		GitHubApp: o.github.settings(), WebhookSecret: o.WebhookSecret, Forks: o.forks.settings(),
		PkgPRNew: o.PkgPRNew, CLIDir: o.CLIDir, Version: config.Version(),
	}
}

func isURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil
}

// lifespan is a time such as 72h, or never.
type lifespan time.Duration

// UnmarshalText reads a time, or "never", which is negative.
func (l *lifespan) UnmarshalText(text []byte) error {
	if string(text) == "never" {
		*l = -1
		return nil
	}
	return (*config.Duration)(l).UnmarshalText(text)
}

// The fewest characters that a token may have, and that it should have: less than
// that is taken only where nobody but this machine can try.
const (
	minToken  = 8
	safeToken = 16
)

// warn tells what is allowed, but not good.
func (o options) warn(log *slog.Logger) {
	if o.Token != "" && len(o.Token) < safeToken {
		log.Warn("the token (REGISTRY_TOKEN) is easily guessed; make one with: openssl rand -hex 32", "characters", len(o.Token), "recommended", safeToken)
	}
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

// isPublic reports whether a URL leads to another host than loopback.
func isPublic(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Host != "" && !isLoopback(u.Hostname())
}

// baseURL is the public URL: as given, or made from the address that is listened on.
func (o options) baseURL(addr net.Addr) string {
	port := addr.(*net.TCPAddr).Port
	return cmp.Or(o.BaseURL, fmt.Sprintf("http://localhost:%d", port))
}
