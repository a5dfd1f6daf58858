package forge

import (
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/google/go-github/v60/github"

	"github.com/org/registry-action/internal/fault"
)

// ErrReadOnly is what a token gets that may read but not write, as in the
// pull request of a fork or without `pull-requests: write`; also where the
// conversation is locked. Callers go on without a comment.
var ErrReadOnly = errors.New("the token may not write here")

// statusOf returns the HTTP status of GitHub's refusal, 0 for other errors.
func statusOf(err error) int {
	if e, ok := errors.AsType[*github.ErrorResponse](err); ok && e.Response != nil {
		return e.Response.StatusCode
	}
	return 0
}

// classify turns GitHub's refusals into faults, keeping them as the cause.
func classify(err error) error {
	if limit, ok := errors.AsType[*limitError](err); ok {
		e := fault.Wrap(err, fault.Unavailable, "GitHub limits the rate of requests: try again in %s", limit.after)
		e.Wait = limit.after
		return e
	}
	switch status := statusOf(err); {
	case err == nil:
		return nil
	case status == http.StatusUnauthorized:
		return fault.Wrap(err, fault.Unauthenticated, "GitHub does not accept the token: it is wrong or has expired")
	case status == http.StatusForbidden:
		return fault.Wrap(err, fault.Forbidden, "GitHub does not let this token do that")
	case status == http.StatusNotFound:
		return fault.Wrap(err, fault.NotFound, "GitHub does not know it, or does not show it to this token")
	case status == http.StatusGone:
		return fault.Wrap(err, fault.NotFound, "GitHub has it no more")
	case status == http.StatusUnprocessableEntity:
		return fault.Wrap(err, fault.Invalid, "GitHub does not take the request")
	case status >= 500:
		return fault.Wrap(err, fault.Upstream, "GitHub had an error of its own")
	}
	return err
}

// readOnly adds ErrReadOnly to a refusal that means it.
func readOnly(err error) error {
	switch statusOf(err) {
	case http.StatusForbidden, http.StatusNotFound:
		return fmt.Errorf("%w: %w", ErrReadOnly, err)
	}
	return classify(err)
}

// Outage reports whether an error says nothing about what was asked, but that GitHub could not be asked, or not by this
// server's credentials: trying again may help, and nobody may be let in for it.
func Outage(err error) bool {
	if err == nil {
		return false
	}
	e, known := fault.Public(err)
	if !known || e.Kind == fault.Unavailable {
		return true
	}
	return e.Code == "" && !slices.Contains([]fault.Kind{fault.NotFound, fault.Invalid, fault.TooLarge}, e.Kind)
}
