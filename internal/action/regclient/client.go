// Package regclient is the client of registry-server's commit endpoints: plan,
// upload what is missing, publish. docs/api.md describes them.
//
// Every call is safe to repeat, so every call is retried: on lost connections
// and on the answers that promise a change (408, 425, 429, 500, 502, 503, 504).
// Tokens of CI runs end soon: Client.Authenticate says how to get another one.
// The token goes to the registry's own origin only, and never into an error or a log; nor do the URLs of stores.
package regclient

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/org/registry-action/internal/pause"
	"github.com/org/registry-action/internal/wire"
)

// Options configure a Client. Only BaseURL is required.
type Options struct {
	BaseURL   string // http or https, with an optional path in front of the endpoints
	Token     string // sent as Authorization: Bearer
	UserAgent string
	AllowHTTP bool // lets a token go over plain http to a host that is not this machine

	Retries     int           // tries after the first one; 0 means 5, a negative number none
	IdleTimeout time.Duration // ends a try in which no byte moves for so long; 0 means a minute

	Transport http.RoundTripper                          // nil means one with proxies from the environment
	Logger    *slog.Logger                               // hears of retries; nil discards
	Wait      func(context.Context, time.Duration) error // between tries; nil means the clock
}

const (
	defaultRetries = 5
	defaultIdle    = time.Minute
	// headerTimeout leaves the server time to read back and hash what a publish names.
	headerTimeout = 2 * time.Minute
)

// Client talks to one registry. It is safe for concurrent use.
type Client struct {
	opt  Options
	base *url.URL
	http *http.Client

	indirect atomic.Bool // the store behind the registry failed us

	renewing sync.Mutex // one renewal serves all calls that need it
	mu       sync.Mutex // guards what follows
	token    string
	renewal  func(context.Context) (string, error)
}

// New checks the options; it does not connect.
func New(opt Options) (*Client, error) {
	base, err := parseBase(opt.BaseURL)
	if err != nil {
		return nil, err
	}
	opt.Retries = max(0, cmp.Or(opt.Retries, defaultRetries))
	opt.IdleTimeout = cmp.Or(opt.IdleTimeout, defaultIdle)
	opt.UserAgent = cmp.Or(opt.UserAgent, "registry-action")
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	if opt.Wait == nil {
		opt.Wait = pause.For
	}
	if opt.Transport == nil {
		opt.Transport = defaultTransport()
	}
	c := &Client{opt: opt, base: base, http: &http.Client{
		Transport:     &watched{next: opt.Transport, idle: opt.IdleTimeout},
		CheckRedirect: checkRedirect,
	}}
	return c, c.Authenticate(opt.Token, nil)
}

func defaultTransport() http.RoundTripper {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.ResponseHeaderTimeout = headerTimeout
	t.MaxIdleConnsPerHost = maxParallel
	return t
}

// CheckURL refuses what New would refuse as BaseURL.
func CheckURL(raw string) error {
	_, err := parseBase(raw)
	return err
}

func parseBase(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("the registry URL is not a URL; set REGISTRY_URL to one like https://registry.example.com")
	}
	switch {
	case u.User != nil:
		return nil, fmt.Errorf("registry URL %s://…@%s: a URL must not hold credentials; set REGISTRY_TOKEN instead", u.Scheme, u.Host)
	case u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return nil, fmt.Errorf("registry URL %q: set REGISTRY_URL to one like https://registry.example.com", u.Redacted())
	case u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("registry URL %s://%s%s: must not have a query or a fragment", u.Scheme, u.Host, u.Path)
	}
	return u, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return ip.IsLoopback() || strings.EqualFold(host, "localhost") || strings.HasSuffix(strings.ToLower(host), ".localhost")
}

// sameOrigin reports whether scheme, host and port agree.
func sameOrigin(a, b *url.URL) bool {
	port := func(u *url.URL) string {
		return cmp.Or(u.Port(), map[string]string{"http": "80", "https": "443"}[u.Scheme])
	}
	return a.Scheme == b.Scheme && strings.EqualFold(a.Hostname(), b.Hostname()) && port(a) == port(b)
}

const planPath = "publish/commit/plan"

// Plan asks which blobs of p the registry does not have, and where to put them.
func (c *Client) Plan(ctx context.Context, p wire.Publication) (wire.Plan, error) {
	var plan wire.Plan
	_, err := c.post(ctx, &plan, p, planPath)
	return plan, err
}

// Publish makes the packages of p visible, all of them together. Created is
// false if the registry had this commit's packages, with these bytes, before.
func (c *Client) Publish(ctx context.Context, p wire.Publication) (done wire.Published, created bool, err error) {
	status, err := c.post(ctx, &done, p, "publish", "commit")
	return done, status == http.StatusCreated, err
}

// Commit describes a published commit; sha has 7 or more hex digits. An unknown
// one is an *Error with Status 404.
func (c *Client) Commit(ctx context.Context, sha string) (wire.Commit, error) {
	var commit wire.Commit
	if err := checkSHA(sha); err != nil {
		return commit, err
	}
	_, err := c.json(ctx, &commit, http.MethodGet, nil, "commits", sha)
	return commit, err
}

func checkSHA(sha string) error {
	if len(sha) < 7 || len(sha) > 64 || strings.Trim(sha, "0123456789abcdefABCDEF") != "" {
		return fmt.Errorf("commit %.80q: a SHA is 7 to 64 hexadecimal digits", sha)
	}
	return nil
}

func (c *Client) post(ctx context.Context, into, from any, path ...string) (int, error) {
	body, err := zipped(from)
	if err != nil {
		return 0, err
	}
	return c.json(ctx, into, http.MethodPost, body, path...)
}

func zipped(from any) ([]byte, error) {
	var body bytes.Buffer
	gz := gzip.NewWriter(&body)
	if err := errors.Join(json.NewEncoder(gz).Encode(from), gz.Close()); err != nil {
		return nil, fmt.Errorf("encoding the publication: %w", err)
	}
	return body.Bytes(), nil
}

// json sends a gzipped body, which may be nil, and decodes the answer. It returns the status.
func (c *Client) json(ctx context.Context, into any, method string, body []byte, path ...string) (int, error) {
	return c.call(method, c.base.JoinPath(path...)).carry(into, body).do(ctx)
}

// carry gives a call its gzipped JSON body, which may be nil, and where its answer goes.
func (l *call) carry(into any, body []byte) *call {
	l.header.Set("Accept", "application/json")
	if body != nil {
		l.header.Set("Content-Type", "application/json")
		l.header.Set("Content-Encoding", "gzip")
		l.body, l.size = body, int64(len(body))
	}
	l.into = into
	return l
}
