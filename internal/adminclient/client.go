// Package adminclient talks to the administration of a server, /-/admin/: over
// HTTP to one that runs, or to the handler of one that was opened in this
// process, with no socket in between.
package adminclient

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/org/registry-action/internal/wire"
)

// The times that a server on the same machine has.
const (
	dialTimeout   = 5 * time.Second
	callTimeout   = 2 * time.Minute
	importTimeout = 30 * time.Minute // a tarball is sent, checked and stored
)

// maxAnswer bounds an answer, in bytes: a list of all tokens is the longest.
const maxAnswer = 256 << 20

// Client calls a server. It is safe for concurrent use.
type Client struct {
	base  string
	token string
	http  *http.Client
}

// Remote returns a client of the server at a URL.
func Remote(base, token string) *Client {
	transport := &http.Transport{ // no proxy: the server is on this machine
		DialContext:         (&net.Dialer{Timeout: dialTimeout}).DialContext,
		MaxIdleConnsPerHost: 8,
		IdleConnTimeout:     time.Minute,
	}
	return newClient(base, token, transport)
}

// InProcess returns a client of a handler in this process.
func InProcess(h http.Handler, token string) *Client {
	return newClient("http://localhost", token, handlerTransport{h})
}

func newClient(base, token string, rt http.RoundTripper) *Client {
	noRedirect := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Client{base: strings.TrimRight(base, "/"), token: token, http: &http.Client{Transport: rt, CheckRedirect: noRedirect}}
}

// Close lets go of idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Error is a refusal of the server.
type Error struct {
	Status  int
	Code    string
	Message string
}

func (e *Error) Error() string { return e.Message }

// CreateToken makes a token.
func (c *Client) CreateToken(ctx context.Context, t wire.NewToken) (wire.CreatedToken, error) {
	return call[wire.CreatedToken](ctx, c, http.MethodPost, "tokens", t)
}

// Tokens lists the tokens, newest first.
func (c *Client) Tokens(ctx context.Context) ([]wire.Token, error) {
	out, err := call[wire.Tokens](ctx, c, http.MethodGet, "tokens", nil)
	return out.Tokens, err
}

// RevokeToken ends a token, named by its key or the beginning of it.
func (c *Client) RevokeToken(ctx context.Context, key string) error {
	_, err := call[struct{}](ctx, c, http.MethodDelete, "tokens/"+url.PathEscape(key), nil)
	return err
}

// AddUser makes an account, or sets the password of one that is there.
func (c *Client) AddUser(ctx context.Context, u wire.NewUser) (wire.CreatedUser, error) {
	return call[wire.CreatedUser](ctx, c, http.MethodPost, "users", u)
}

// Users lists the accounts by name.
func (c *Client) Users(ctx context.Context) ([]wire.User, error) {
	out, err := call[wire.Users](ctx, c, http.MethodGet, "users", nil)
	return out.Users, err
}

// RemoveUser ends an account and its tokens.
func (c *Client) RemoveUser(ctx context.Context, name string) error {
	_, err := call[struct{}](ctx, c, http.MethodDelete, "users/"+url.PathEscape(name), nil)
	return err
}

// AddTrust makes a policy which runs may publish what.
func (c *Client) AddTrust(ctx context.Context, n wire.NewTrust) (wire.Trust, error) {
	return call[wire.Trust](ctx, c, http.MethodPost, "trust", n)
}

// Trusts lists the policies, by repository.
func (c *Client) Trusts(ctx context.Context) ([]wire.Trust, error) {
	out, err := call[wire.Trusts](ctx, c, http.MethodGet, "trust", nil)
	return out.Policies, err
}

// RemoveTrust ends a policy.
func (c *Client) RemoveTrust(ctx context.Context, id string) error {
	_, err := call[struct{}](ctx, c, http.MethodDelete, "trust/"+url.PathEscape(id), nil)
	return err
}

// Owners lists who may publish the commits of a repository.
func (c *Client) Owners(ctx context.Context, repository string) (wire.Owners, error) {
	return call[wire.Owners](ctx, c, http.MethodGet, ownersPath(repository, ""), nil)
}

// AddOwner lets a user publish the commits of a repository.
func (c *Client) AddOwner(ctx context.Context, repository, user string) (wire.Owners, error) {
	return call[wire.Owners](ctx, c, http.MethodPut, ownersPath(repository, user), nil)
}

// RemoveOwner undoes AddOwner.
func (c *Client) RemoveOwner(ctx context.Context, repository, user string) (wire.Owners, error) {
	return call[wire.Owners](ctx, c, http.MethodDelete, ownersPath(repository, user), nil)
}

func ownersPath(repository, user string) string {
	path := "repositories/owners"
	if user != "" {
		path += "/" + url.PathEscape(user)
	}
	return path + "?" + url.Values{"repository": {repository}}.Encode()
}

// Keys lists the signing keys, the current one first.
func (c *Client) Keys(ctx context.Context) (wire.Keys, error) {
	return call[wire.Keys](ctx, c, http.MethodGet, "keys", nil)
}

// RotateKey makes a new signing key the current one.
func (c *Client) RotateKey(ctx context.Context) (wire.Key, error) {
	return call[wire.Key](ctx, c, http.MethodPost, "keys/rotate", nil)
}

// LumenKeys lists the keys that Lumen packages are signed with, the current one first.
func (c *Client) LumenKeys(ctx context.Context) (wire.LumenKeys, error) {
	return call[wire.LumenKeys](ctx, c, http.MethodGet, "keys/lumen", nil)
}

// RotateLumenKey makes a new key of Lumen's the current one.
func (c *Client) RotateLumenKey(ctx context.Context) (wire.LumenKey, error) {
	return call[wire.LumenKey](ctx, c, http.MethodPost, "keys/lumen/rotate", nil)
}

// Migrate begins a migration.
func (c *Client) Migrate(ctx context.Context, m wire.Migration) (wire.MigrationStatus, error) {
	return call[wire.MigrationStatus](ctx, c, http.MethodPost, "migration", m)
}

// Migration tells how far the migration is.
func (c *Client) Migration(ctx context.Context) (wire.MigrationStatus, error) {
	return call[wire.MigrationStatus](ctx, c, http.MethodGet, "migration", nil)
}

// AbandonMigration gives up a migration that did not end.
func (c *Client) AbandonMigration(ctx context.Context) error {
	_, err := call[struct{}](ctx, c, http.MethodDelete, "migration", nil)
	return err
}

// Verify begins a verification of all that the server keeps.
func (c *Client) Verify(ctx context.Context) (wire.Verification, error) {
	return call[wire.Verification](ctx, c, http.MethodPost, "verification", nil)
}

// Verification tells how far the verification is, and what it found.
func (c *Client) Verification(ctx context.Context) (wire.Verification, error) {
	return call[wire.Verification](ctx, c, http.MethodGet, "verification", nil)
}

// StopVerification ends the verification.
func (c *Client) StopVerification(ctx context.Context) error {
	_, err := call[struct{}](ctx, c, http.MethodDelete, "verification", nil)
	return err
}

// Snapshot copies the metadata into a file of the data folder.
func (c *Client) Snapshot(ctx context.Context) (wire.Snapshot, error) {
	return call[wire.Snapshot](ctx, c, http.MethodPost, "snapshot", nil)
}

// RevokeLumenKey ends a key of Lumen's. What it has signed of the server's versions is signed anew, which takes as long as there
// are versions.
func (c *Client) RevokeLumenKey(ctx context.Context, keyID string) (wire.LumenRevocation, error) {
	return callFor[wire.LumenRevocation](ctx, c, importTimeout, http.MethodPost, "keys/lumen/"+url.PathEscape(keyID)+"/revoke", nil)
}

// Ping asks for nothing much: it tells whether the server answers and takes the token.
func (c *Client) Ping(ctx context.Context) error {
	_, err := c.Present(ctx, "ping")
	return err
}

// Present tells which versions of a package the server has.
func (c *Client) Present(ctx context.Context, name string) (wire.Present, error) {
	return call[wire.Present](ctx, c, http.MethodGet, "import?"+url.Values{"name": {name}}.Encode(), nil)
}

// Import sends a tarball of some bytes.
func (c *Client) Import(ctx context.Context, i wire.Import, tarball io.Reader, size int64) (wire.Imported, error) {
	return c.send(ctx, "import?"+i.Query().Encode(), tarball, size)
}

// PresentLumen is Present of a Lumen package.
func (c *Client) PresentLumen(ctx context.Context, name string) (wire.Present, error) {
	return call[wire.Present](ctx, c, http.MethodGet, "import/lumen?"+url.Values{"name": {name}}.Encode(), nil)
}

// ImportLumen sends the archive of a Lumen package.
func (c *Client) ImportLumen(ctx context.Context, i wire.LumenImport, archive io.Reader, size int64) (wire.Imported, error) {
	return c.send(ctx, "import/lumen?"+i.Query().Encode(), archive, size)
}

func (c *Client) send(ctx context.Context, path string, tarball io.Reader, size int64) (out wire.Imported, err error) {
	ctx, cancel := context.WithTimeout(ctx, importTimeout)
	defer cancel()
	req, err := c.request(ctx, http.MethodPut, path, tarball)
	if err != nil {
		return out, err
	}
	req.ContentLength = size
	req.Header.Set("Content-Type", "application/octet-stream")
	return out, c.do(req, &out)
}

// call sends a JSON body, if there is one, and decodes the answer.
func call[T any](ctx context.Context, c *Client, method, path string, in any) (out T, err error) {
	return callFor[T](ctx, c, callTimeout, method, path, in)
}

// callFor is call within a time.
func callFor[T any](ctx context.Context, c *Client, limit time.Duration, method, path string, in any) (out T, err error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return out, err
		}
		body = bytes.NewReader(b)
	}
	req, err := c.request(ctx, method, path, body)
	if err != nil {
		return out, err
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return out, c.do(req, &out)
}

func (c *Client) request(ctx context.Context, method, path string, body io.Reader) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+wire.AdminPath+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	req.Header.Set("Accept", "application/json")
	return req, nil
}

func (c *Client) do(req *http.Request, out any) (err error) {
	resp, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("calling the server: %w", err)
	}
	defer func() {
		if closeErr := resp.Body.Close(); err == nil {
			err = closeErr
		}
	}()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return fmt.Errorf("reading the server's answer: %w", err)
	case len(text) > maxAnswer:
		return fmt.Errorf("the server's answer has more than %d bytes", maxAnswer)
	case resp.StatusCode >= http.StatusBadRequest:
		return refusal(resp.StatusCode, text)
	case resp.StatusCode == http.StatusNoContent:
		return nil
	case resp.StatusCode >= http.StatusMultipleChoices:
		return fmt.Errorf("the server answered with the status %d, which is no answer to this", resp.StatusCode)
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fmt.Errorf("the server's answer is not what was expected: %w", err)
	}
	return nil
}

func refusal(status int, text []byte) error {
	var body struct {
		Error string `json:"error"`
		Code  string `json:"code"`
	}
	if err := json.Unmarshal(text, &body); err != nil || body.Error == "" {
		return &Error{Status: status, Message: fmt.Sprintf("the server answered with the status %d and no explanation; is it a registry-server of this version?", status)}
	}
	return &Error{Status: status, Code: body.Code, Message: body.Error}
}
