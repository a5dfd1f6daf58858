package registry

import (
	"cmp"
	"log/slog"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/org/registry-action/internal/domain/lumenpackages"
	"github.com/org/registry-action/internal/domain/trust"
	"github.com/org/registry-action/internal/domain/zigmirror"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/metrics"
	"github.com/org/registry-action/internal/store/transfer"
	"github.com/org/registry-action/internal/web/httpkit"
)

// Config says how a registry is made. Only BaseURL is required; zero values mean
// the defaults that stand after the semicolons.
type Config struct {
	DataDir        string          // where the embedded stores live; ".registry"
	S3             S3              // the bucket that bytes of packages are kept in, or InFolder; what the data folder remembers, else InFolder
	DynamoDB       DynamoDB        // the table that metadata is kept in, or InFolder; what the data folder remembers, else InFolder
	settle         time.Duration   // how long after all servers of a table were told to stop nobody writes any more; transfer.Settle
	headerTime     time.Duration   // that a client has for the head of a request; headerTimeout
	recheck        time.Duration   // after which a verification looks again at what it found wrong; recheckAfter
	S3Redirect     bool            // clients get and bring large blobs by signed URLs of the bucket
	Analytics      DynamoDB        // the table that statistics have of their own, or InFolder: where other metadata is; what the metadata remembers, else InFolder
	NoUserAgents   bool            // of clients' User-Agents nothing is counted
	BaseURL        string          // the public URL, which every answer builds on; required
	Token          string          // who bears it may do everything; empty: whoever is on the same machine
	ControlToken   string          // a secret of this run: who shows it to /-/admin/ on the same machine is the operator; empty: none
	ReadAuth       bool            // reads need a token too
	SignUp         bool            // anybody may make an account by logging in
	Issuers        []string        // who signs the OIDC tokens of CI runs, as trust.ParseIssuers reads them; GitHub Actions
	issuers        []trust.Issuer  // Issuers, read
	GitHubURL      string          // of the forge that is asked about repositories and runs; https://github.com
	GitHubAPI      string          // of its API; https://api.github.com, or what GitHub Enterprise Server has
	GitHubToken    string          // sent to it; empty: what everybody may know is asked
	TrustFile      string          // policies which runs may publish what, as JSON, in place of those that it had before; empty: none
	Claimed        []string        // names and scopes ("@acme") that are never looked for upstream, published here or not
	TrustedProxies []string        // addresses and networks whose X-Forwarded-For is believed to name the client; empty: none
	proxies        httpkit.Proxies // TrustedProxies, read
	Unpublish      time.Duration   // how long after its publish owners may unpublish a version; 72 hours, negative: never

	NoUpstream       bool          // only what is published here
	upstreamFrom     string        // what names it
	Upstream         string        // URL of the registry behind this one; the one npm is configured with, else DefaultUpstream
	UpstreamToken    string        // bearer token for it
	UpstreamMaxAge   time.Duration // how long its packuments are taken for fresh; 2 minutes
	KeepUpstreamURLs bool          // tarball URLs of upstream stay as they are
	CacheSize        int64         // bytes of upstream's answers, of mirrored archives and of what is in S3, kept on disk; 10 GiB

	ZigMirror []string // hosts of forges whose archives are mirrored for Zig; empty: none

	PkgPRNew []string // repositories ("acme/ws", "acme/*") whose runs publish with the stock pkg-pr-new CLI; empty: none

	GitHubApp     GitHubApp // that this server acts as; none
	WebhookSecret string    // that GitHub's webhooks are signed with; empty: none is taken
	Forks         Forks     // whose forks may publish; nobody's

	CLIDir string // folder of released programs that the server hands out to runners; empty: none

	LumenName     string // of the registry, in Lumen's index.json; "registry"
	LumenUnscoped bool   // Lumen packages without a scope may be published
	LumenUploads  string // what is asked of publishers' signatures of Lumen packages: "off", "warn" or "require"; "warn"

	Metrics       string           // who may read /metrics: MetricsPrivate, MetricsPublic or MetricsOff; MetricsPrivate
	MetricsToken  string           // who bears it may read the metrics, and nothing else; empty: none
	metrics       *metrics.Metrics // nil: nothing is measured
	ShutdownDelay time.Duration    // how long Serve goes on when it is to end, with /ready saying so; none
	ShutdownTime  time.Duration    // that requests under way have then; 30 seconds

	MaxPackage  int64         // bytes of one package's tarball; 100 MiB
	MaxPublish  int64         // bytes of all tarballs of one publish; 500 MiB
	MaxPackages int           // packages of one publish; 1,000
	Retention   time.Duration // how long a commit's packages are kept; 90 days
	SweepEvery  time.Duration // how often Run removes what has expired; 1 hour
	Version     string        // shown by the server
	Log         *slog.Logger  // nil: no logs
	Now         func() time.Time
}

func (c Config) withDefaults() (Config, error) {
	if c.DataDir == "" {
		c.DataDir = ".registry"
	}
	if c.MaxPackage == 0 {
		c.MaxPackage = 100 << 20
	}
	if c.MaxPublish == 0 {
		c.MaxPublish = 500 << 20
	}
	if c.Retention == 0 {
		c.Retention = 90 * 24 * time.Hour
	}
	if c.Forks.AfterClose == 0 {
		c.Forks.AfterClose = 14 * 24 * time.Hour
	}
	if c.CacheSize == 0 {
		c.CacheSize = 10 << 30
	}
	if c.settle == 0 {
		c.settle = transfer.Settle
	}
	if c.headerTime == 0 {
		c.headerTime = headerTimeout
	}
	if c.recheck == 0 {
		c.recheck = recheckAfter
	}
	if c.SweepEvery == 0 {
		c.SweepEvery = time.Hour
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Log = slog.New(httpkit.LogRequests(c.Log.Handler()))
	c.Metrics, c.ShutdownTime = cmp.Or(c.Metrics, MetricsPrivate), cmp.Or(c.ShutdownTime, shutdownTime)
	if c.Now == nil {
		c.Now = time.Now
	}
	base, err := parseBaseURL(c.BaseURL)
	if err != nil {
		return c, err
	}
	c.BaseURL = base
	switch lumenpackages.SignaturePolicy(c.LumenUploads) {
	case "", lumenpackages.SignaturesOff, lumenpackages.SignaturesWarned, lumenpackages.SignaturesRequired:
	default:
		return c, fault.New(fault.Invalid, "%q is not what can be asked of uploads' signatures; give off, warn or require (LUMEN_UPLOAD_SIGNATURES)", c.LumenUploads)
	}
	if c.Claimed, err = claims(c.Claimed); err != nil {
		return c, err
	}
	if c.issuers, err = trust.ParseIssuers(c.Issuers); err != nil {
		return c, err
	}
	if c.proxies, err = httpkit.ParseProxies(c.TrustedProxies); err != nil {
		return c, err
	}
	if c.ZigMirror, err = zigmirror.ParseHosts(c.ZigMirror); err != nil {
		return c, err
	}
	if err := c.findUpstream(); err != nil {
		return c, err
	}
	if err := c.checkMetrics(); err != nil {
		return c, err
	}
	if c.Metrics != MetricsOff {
		c.metrics = metrics.New(c.Version)
	}
	if c.MaxPublish < c.MaxPackage {
		return c, fault.New(fault.Invalid, "a publish of at most %d bytes can't hold a package of %d (MAX_PUBLISH_SIZE, MAX_PACKAGE_SIZE)", c.MaxPublish, c.MaxPackage)
	}
	return c, nil
}

// parseBaseURL returns a base URL without a slash at its end. The refusal shows no password.
func parseBaseURL(text string) (string, error) {
	u, err := url.Parse(strings.TrimRight(text, "/"))
	if err != nil { // which has all of it
		return "", fault.New(fault.Invalid, "the base URL can't be read: expected https://host or http://host:port (BASE_URL)")
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return "", fault.New(fault.Invalid, "%q is not a base URL: expected https://host or http://host:port, with no user, query or fragment (BASE_URL)", u.Redacted())
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return "", fault.New(fault.Invalid, "%q is not a base URL: a port is a number from 1 to 65535 (BASE_URL)", u)
		}
	}
	if u.Path != "" && path.Clean(u.Path) != u.Path {
		return "", fault.New(fault.Invalid, "%q is not a base URL: its path has empty, . or .. segments, which clients drop (BASE_URL)", u)
	}
	return u.String(), nil
}
