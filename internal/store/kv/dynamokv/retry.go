package dynamokv

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/awsconfig"
)

// The pauses between requests: at random, so that those who met don't meet again.
const (
	firstPause = 25 * time.Millisecond
	lastPause  = time.Second
)

// repeat makes attempts until one says that another is of no use, or ctx ends. It
// returns what the last attempt did, and tells retried, if not nil, of each but the first.
func repeat(ctx context.Context, retried func(throttled bool), attempt func(context.Context) (again bool, err error)) error {
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		limited, cancel := context.WithTimeout(ctx, attemptTime)
		again, err := attempt(limited)
		cancel()
		if !again || ctx.Err() != nil {
			return err
		}
		timer := time.NewTimer(rand.N(pause))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return err
		}
		if retried != nil {
			retried(isThrottled(err))
		}
	}
}

// fate is what became of a request.
type fate int

const (
	happened fate = iota
	refused       // nothing was written; the same may go through later
	unknown       // it may have happened, or happen yet
	failed        // nothing was written, nor will be
)

// fateOf judges the error of a request. The lost conditions of writes are judged before.
func fateOf(err error) fate {
	if err == nil {
		return happened
	}
	if e, ok := errors.AsType[*net.OpError](err); ok && e.Op == "dial" {
		return refused
	}
	status, code := awsconfig.Status(err), awsconfig.Code(err)
	if status >= 400 && status < 500 && code == "" { // it refuses, but why could not be read
		return refused
	}
	switch code {
	case "ProvisionedThroughputExceededException", "ThrottlingException", "Throttling", "RequestLimitExceeded", "TransactionConflictException":
		return refused
	case "TransactionInProgressException":
		return unknown
	}
	if status >= 400 && status < 500 {
		return failed
	}
	return unknown
}

// isThrottled reports a request that the service refused because there were too many, not because two met at an item.
func isThrottled(err error) bool {
	if e, ok := errors.AsType[*types.TransactionCanceledException](err); ok {
		return slices.ContainsFunc(e.CancellationReasons, func(r types.CancellationReason) bool {
			return deref(r.Code) == "ProvisionedThroughputExceeded" || deref(r.Code) == "ThrottlingError"
		})
	}
	switch awsconfig.Code(err) {
	case "ProvisionedThroughputExceededException", "ThrottlingException", "Throttling", "RequestLimitExceeded":
		return true
	}
	return false
}

// outage is what a caller is told of a request that did not go through: the way of awsconfig.Outage. What ctx, the
// caller's own, has ended stays as it is, and so does what is wrong with a request.
func outage(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil {
		return err
	}
	wait, why := awayWait, "can't be reached"
	switch fate := fateOf(err); {
	case fate == refused || isBusy(err):
		wait, why = busyWait, "is too busy"
	case isShut(err):
		wait, why = shutWait, "can't be used"
	case fate == failed:
		return err
	}
	f := fault.Wrap(err, fault.Unavailable, "the store of metadata %s at the moment; send the request again", why).WithCode("store_unavailable")
	f.Wait = wait
	return f
}

// isShut reports what only the operator can mend: credentials that have ended, rights or a table that are gone.
func isShut(err error) bool {
	switch awsconfig.Code(err) {
	case "AccessDeniedException", "ExpiredTokenException", "UnrecognizedClientException", "InvalidSignatureException",
		"IncompleteSignatureException", "MissingAuthenticationTokenException", "ResourceNotFoundException":
		return true
	}
	return false
}

// When whoever met too many others, a store that is away, or one that is shut, should come again.
const (
	busyWait = 2 * time.Second
	awayWait = 5 * time.Second
	shutWait = 30 * time.Second
)

// isBusy reports a transaction that others kept from happening.
func isBusy(err error) bool {
	e, ok := errors.AsType[*types.TransactionCanceledException](err)
	return ok && firstReason(e) != failed
}

// firstReason is the fate of a cancelled transaction that lost no condition.
func firstReason(e *types.TransactionCanceledException) fate {
	for _, r := range e.CancellationReasons {
		switch code := deref(r.Code); code {
		case "", "None":
		case "TransactionConflict", "ProvisionedThroughputExceeded", "ThrottlingError":
			return refused
		default:
			return failed
		}
	}
	return refused
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// lostError names the ops whose conditions did not hold, in order, with the items found there.
type lostError struct{ ops []lostOp }

type lostOp struct {
	index int
	found item // only of counters
}

func (e *lostError) Error() string { return fmt.Sprintf("%d conditions lost", len(e.ops)) }

// lostIn returns the lost conditions of a request of n ops as a *lostError, anything else as it is.
func lostIn(err error, n int) error {
	if e, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		return &lostError{[]lostOp{{0, e.Item}}}
	}
	e, ok := errors.AsType[*types.TransactionCanceledException](err)
	if !ok {
		return err
	}
	lost := &lostError{}
	for i, r := range e.CancellationReasons[:min(n, len(e.CancellationReasons))] {
		switch code := deref(r.Code); {
		case code == "ConditionalCheckFailed":
			lost.ops = append(lost.ops, lostOp{i, r.Item})
		case code != "" && code != "None" && len(lost.ops) == 0:
			return err // whether this op would have lost is not known
		}
	}
	if len(lost.ops) == 0 {
		return err
	}
	return lost
}
