package forge

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/google/go-github/v60/github"

	"github.com/org/registry-action/internal/fault"
)

// Options are what a Client needs. Owner and Repo must be set, and Token or Anonymous.
type Options struct {
	// APIURL is the root of the REST API as GITHUB_API_URL gives it and is
	// taken verbatim: that of GHES ends in /api/v3 already. Default
	// https://api.github.com.
	APIURL string
	Token  string // sent to the API's host only
	// Anonymous: without a token, to see what everybody sees. GitHub grants an address 60 such requests an hour.
	Anonymous bool
	Owner     string
	Repo      string
	// Login is who the token's comments are by. Default: asked of the API, and
	// github-actions[bot] where a token may not ask. Only the token of a
	// GitHub App of one's own needs it, to spare it deleting and creating.
	Login     string
	UserAgent string
	Transport http.RoundTripper // default: one with timeouts of its own
	Now       func() time.Time  // default time.Now
	// Wait sleeps before another try; default is a timer.
	Wait func(ctx context.Context, d time.Duration) error
}

// Client talks to GitHub about one repository. It is safe for concurrent use.
type Client struct {
	gh          *github.Client
	owner, repo string
	transport   *transport

	mu    sync.Mutex
	login string // whose comments are ours; "" until known
}

// New returns a Client. It refuses options that cannot work (fault.Invalid).
func New(o Options) (*Client, error) {
	if o.APIURL == "" {
		o.APIURL = "https://api.github.com"
	}
	base, err := url.Parse(strings.TrimRight(o.APIURL, "/") + "/")
	if err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http" {
		return nil, fault.New(fault.Invalid, "%q is no URL of a GitHub API, such as https://api.github.com", o.APIURL)
	}
	if !namePart(o.Owner) || !namePart(o.Repo) {
		return nil, fault.New(fault.Invalid, "%q is no repository: it must be owner/name", o.Owner+"/"+o.Repo)
	}
	if o.Token == "" && !o.Anonymous {
		return nil, fault.New(fault.Invalid, "there is no GitHub token: set GITHUB_TOKEN")
	}
	t := newTransport(o, base)
	gh := github.NewClient(&http.Client{Transport: t})
	gh.BaseURL = base
	if o.UserAgent != "" {
		gh.UserAgent = o.UserAgent
	}
	return &Client{gh: gh, owner: o.Owner, repo: o.Repo, transport: t, login: o.Login}, nil
}

// namePart reports whether s can be an owner or a repository: go-github puts
// it into paths unescaped.
func namePart(s string) bool {
	return s != "" && s != "." && s != ".." &&
		strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == ""
}

// actionsBot is who writes with the GITHUB_TOKEN of a workflow.
const actionsBot = "github-actions[bot]"

// identity returns the login whose comments are ours.
func (c *Client) identity(ctx context.Context) (string, error) {
	c.mu.Lock()
	login := c.login
	c.mu.Unlock()
	if login != "" {
		return login, nil
	}
	user, _, err := c.gh.Users.Get(ctx, "")
	switch status := statusOf(err); {
	case err == nil && user.GetLogin() != "":
		login = user.GetLogin()
	case err == nil, status == http.StatusForbidden, status == http.StatusNotFound:
		login = actionsBot // an installation's token is nobody's
	default:
		return "", fmt.Errorf("asking GitHub whose the token is: %w", classify(err))
	}
	c.learn(login)
	return login, nil
}

// learn keeps who we turned out to be.
func (c *Client) learn(login string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.login = login
}
