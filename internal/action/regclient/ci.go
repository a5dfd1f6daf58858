package regclient

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"

	"github.com/org/registry-action/internal/wire"
)

// ErrNotServed is in the error of a call that the registry has no endpoint for.
var ErrNotServed = errors.New("the registry has no such endpoint: it is older than this program, or its operator has not turned this on")

// Exchange gets a token for a token of the CI's own (OIDC), which idToken brings: another one for each try, as the
// registry takes each only once.
func (c *Client) Exchange(ctx context.Context, idToken func(context.Context) (string, error), x wire.Exchange) (wire.Exchanged, error) {
	return c.trade(ctx, idToken, x, "exchange")
}

// Vouch gets a token for what a fork's run has built, for a token of the CI's own as Exchange does. The claim is that of
// the fork's run.
func (c *Client) Vouch(ctx context.Context, idToken func(context.Context) (string, error), claim wire.Claim) (wire.Exchanged, error) {
	return c.trade(ctx, idToken, claim, "claims", "vouched")
}

func (c *Client) trade(ctx context.Context, idToken func(context.Context) (string, error), x any, path ...string) (wire.Exchanged, error) {
	var got wire.Exchanged
	body, err := zipped(x)
	if err != nil {
		return got, err
	}
	call := c.call(http.MethodPost, c.base.JoinPath(append([]string{wire.CIPath}, path...)...)).carry(&got, body)
	call.bearer = idToken
	_, err = call.do(ctx)
	if err == nil && got.Token == "" {
		err = errors.New("the registry answered without a token")
	}
	return got, served(err)
}

// Claim says which run this is, for one that has no token. It may be repeated: a claim that nobody proves ends by itself.
func (c *Client) Claim(ctx context.Context, claim wire.Claim) (wire.Claimed, error) {
	var got wire.Claimed
	_, err := c.post(ctx, &got, claim, wire.CIPath, "claims")
	return got, served(err)
}

// claimID is what may stand in a path.
var claimID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,100}$`)

// Prove asks the registry to look for the proof of a claim, and for the token.
func (c *Client) Prove(ctx context.Context, id string) (wire.Exchanged, error) {
	var got wire.Exchanged
	if !claimID.MatchString(id) {
		return got, fmt.Errorf("the registry gave the claim the id %.100q, which is none", id)
	}
	_, err := c.json(ctx, &got, http.MethodPost, nil, wire.CIPath, "claims", id, "prove")
	if err == nil && got.Token == "" {
		err = errors.New("the registry answered without a token")
	}
	return got, err
}

// EndToken makes a token of a CI run good for nothing. One that has ended already is no error.
func (c *Client) EndToken(ctx context.Context, token string) error {
	call := c.call(http.MethodDelete, c.base.JoinPath(wire.CIPath, "tokens", "self"))
	call.bearer = func(context.Context) (string, error) { return token, nil }
	_, err := call.do(ctx)
	if refused, ok := errors.AsType[*Error](err); ok && refused.Status == http.StatusUnauthorized {
		return nil
	}
	return err
}

// served tells a registry without the endpoint from one that refuses.
func served(err error) error {
	refused, ok := errors.AsType[*Error](err)
	if ok && (refused.Status == http.StatusMethodNotAllowed || refused.Status == http.StatusNotFound && refused.Field == "") {
		refused.Hint = ""
		return fmt.Errorf("%w (%w)", ErrNotServed, err)
	}
	return err
}
