// Package metered puts a clock in front of a store: every call is told with its outcome and
// the time it took. What a store can do besides the contract it still can.
package metered

import (
	"context"
	"errors"
	"time"

	"github.com/org/registry-action/internal/store/blob"
	"github.com/org/registry-action/internal/store/kv"
)

// Note is told of every call. op and outcome are of a few words.
type Note func(op, outcome string, took time.Duration)

// since tells of a call that began at a time.
func (n Note) since(began time.Time, op string, err error) { n(op, outcome(err), time.Since(began)) }

// outcome names an error. What stores answer to a question is no failure of theirs.
func outcome(err error) string {
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, kv.ErrNotFound) || errors.Is(err, blob.ErrNotFound):
		return "not_found"
	case errors.Is(err, kv.ErrConflict):
		return "conflict"
	case errors.Is(err, blob.ErrDigest) || errors.Is(err, blob.ErrSpace) || errors.Is(err, kv.ErrLimit):
		return "refused"
	case errors.Is(err, context.Canceled):
		return "canceled"
	}
	return "failed"
}
