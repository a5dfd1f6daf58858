// Package connector gives a server its clients of GitHub: with a GitHub App, a token of the operator's, or as anybody.
// It knows one forge, the operator's; an address that a caller names is compared with it and never asked.
package connector

import (
	"cmp"
	"context"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/forge"
	"github.com/org/registry-action/internal/pause"
)

// gitHub is the forge that a Connector knows if it is told of no other.
const (
	gitHub    = "https://github.com"
	gitHubAPI = "https://api.github.com"
)

// maxPause is how long a request may wait for GitHub before another try: who called is waiting too.
const maxPause = 3 * time.Second

// Options are what a Connector needs; all may be left out.
type Options struct {
	URL    string // of the forge, as people open it; default GitHub
	APIURL string // default gitHubAPI, or what GitHub Enterprise Server has below URL
	Token  string // sent where there is no App
	App    *App

	UserAgent string
	Transport http.RoundTripper // default: one with timeouts of its own
	Now       func() time.Time  // default time.Now
	Wait      func(ctx context.Context, d time.Duration) error
}

// Connector makes clients. It is safe for concurrent use.
type Connector struct {
	opt  Options
	root string         // what a repository's URL begins with
	inst *installations // nil without an App
}

// New returns a Connector. It refuses options that can't work (fault.Invalid).
func New(o Options) (*Connector, error) {
	o.URL = strings.TrimRight(cmp.Or(o.URL, gitHub), "/")
	if o.APIURL == "" {
		o.APIURL = gitHubAPI
		if !strings.EqualFold(o.URL, gitHub) {
			o.APIURL = o.URL + "/api/v3"
		}
	}
	u, err := url.Parse(o.URL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fault.New(fault.Invalid, "%.200q is no URL of a forge, such as %s", o.URL, gitHub)
	}
	if o.Transport == nil {
		o.Transport = ownTransport()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Wait == nil {
		o.Wait = shortly
	}
	c := &Connector{opt: o, root: strings.ToLower(o.URL) + "/"}
	if _, err := c.client("acme", "ws", o.Token, ""); err != nil { // it can be made at all
		return nil, err
	}
	if o.App != nil {
		if c.inst, err = newInstallations(c, *o.App); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func ownTransport() http.RoundTripper {
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		TLSHandshakeTimeout: 5 * time.Second,
		ForceAttemptHTTP2:   true,
		MaxIdleConnsPerHost: 8,
		IdleConnTimeout:     time.Minute,
	}
}

// shortly waits if it is not for long; else the caller has to come back.
func shortly(ctx context.Context, d time.Duration) error {
	if d > maxPause {
		e := fault.New(fault.Unavailable, "GitHub does not answer now; try again in %s", d.Round(time.Second))
		e.Wait = d
		return e
	}
	return pause.For(ctx, d)
}

// URL is the forge's.
func (c *Connector) URL() string { return c.opt.URL }

// CanWrite reports whether clients may comment, as far as is known: there is an App.
func (c *Connector) CanWrite() bool { return c.inst != nil }

// Anonymous reports whether clients are nobody's, so that GitHub gives them no artifact's bytes.
func (c *Connector) Anonymous() bool { return c.inst == nil && c.opt.Token == "" }

// Webhooks of GitHub and URLs of people name repositories by such parts.
var ownerName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}$`)

// Split returns the owner/name of a repository's URL, if it is one of the forge's.
func (c *Connector) Split(repository string) (ownerAndName string, ok bool) {
	if len(repository) <= len(c.root) || !strings.EqualFold(repository[:len(c.root)], c.root) {
		return "", false
	}
	rest := strings.TrimSuffix(repository[len(c.root):], "/")
	return rest, ownerName.MatchString(rest)
}

// Client returns a client for a repository (owner/name) of a forge (its URL; "" for the one that is known). A forge that
// is not known is refused before anything is asked (Forbidden, wrong_forge), as is a repository that has not let the App in.
func (c *Connector) Client(ctx context.Context, forgeURL, repository string) (*forge.Client, error) {
	if forgeURL != "" && !strings.EqualFold(strings.TrimRight(forgeURL, "/"), c.opt.URL) {
		return nil, fault.New(fault.Forbidden, "this server knows the forge %s, not %.200q", c.opt.URL, forgeURL).WithCode("wrong_forge").
			With("field", "forge").With("expected", c.opt.URL).With("got", forgeURL)
	}
	if !ownerName.MatchString(repository) {
		return nil, fault.New(fault.Invalid, "%.200q is no repository: write owner/name", repository).WithCode("invalid_repository")
	}
	owner, name, _ := strings.Cut(repository, "/")
	if c.inst == nil {
		return c.client(owner, name, c.opt.Token, "")
	}
	token, login, err := c.inst.token(ctx, owner, name)
	if err != nil {
		return nil, err
	}
	return c.client(owner, name, token, login)
}

// client makes a client that sends a token; "" for none.
func (c *Connector) client(owner, name, token, login string) (*forge.Client, error) {
	return forge.New(forge.Options{
		APIURL: c.opt.APIURL, Token: token, Anonymous: token == "", Owner: owner, Repo: name, Login: login,
		UserAgent: c.opt.UserAgent, Transport: c.opt.Transport, Now: c.opt.Now, Wait: c.opt.Wait,
	})
}
