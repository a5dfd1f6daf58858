package runner

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/org/registry-action/internal/fault"
)

const (
	idTokenTries = 5
	maxIDToken   = 64 << 10 // bytes of an answer
)

// HasIDToken reports whether the job was granted `id-token: write`, by which IDToken works.
func (r *Runner) HasIDToken() bool {
	return r.getenv("ACTIONS_ID_TOKEN_REQUEST_URL") != "" && r.getenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN") != ""
}

// IDToken asks the runner for an OpenID Connect token for the audience, masks
// it and returns it. It tries five times, 1, 2, 4 and 8 seconds apart. A job
// that was not granted `id-token: write` gets fault.Forbidden.
func (r *Runner) IDToken(ctx context.Context, audience string) (string, error) {
	base, bearer := r.getenv("ACTIONS_ID_TOKEN_REQUEST_URL"), r.getenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN")
	if !r.HasIDToken() {
		return "", fault.New(fault.Forbidden, "the job may not ask for an OIDC token: give it `permissions: id-token: write` (a pull request from a fork never gets it)")
	}
	u, err := url.Parse(base)
	if err != nil {
		return "", fmt.Errorf("reading ACTIONS_ID_TOKEN_REQUEST_URL: %w", err)
	}
	q := u.Query()
	q.Set("audience", audience)
	u.RawQuery = q.Encode()

	for try := range idTokenTries {
		if try > 0 {
			if err := r.wait(ctx, time.Second<<(try-1)); err != nil {
				return "", err
			}
		}
		var token string
		var again bool
		if token, again, err = r.requestIDToken(ctx, u.String(), bearer); err == nil {
			r.AddMask(token)
			return token, nil
		}
		if !again || ctx.Err() != nil {
			break
		}
	}
	return "", fmt.Errorf("asking the runner for an OIDC token: %w", err)
}

// requestIDToken is one try; again says whether another one may help.
func (r *Runner) requestIDToken(ctx context.Context, u, bearer string) (token string, again bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u, nil)
	if err != nil {
		return "", false, err
	}
	req.Header.Set("Authorization", "Bearer "+bearer)
	req.Header.Set("Accept", "application/json")
	resp, err := r.client.Do(req)
	if err != nil {
		return "", true, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		again = resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= 500
		return "", again, fmt.Errorf("answered %s", resp.Status)
	}
	var body struct {
		Value string `json:"value"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxIDToken)).Decode(&body); err != nil {
		return "", true, fmt.Errorf("reading the answer: %w", err)
	}
	if body.Value == "" {
		return "", false, fmt.Errorf("the answer has no token")
	}
	return body.Value, false, nil
}
