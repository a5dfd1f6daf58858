package awsconfig

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"github.com/org/registry-action/internal/fault"
)

// retryAfter is when whoever met an outage should come again.
const retryAfter = 5 * time.Second

// Outage returns err as fault.Unavailable if the fault is the service's, the network's or the operator's, so that the
// same request may go through later. What ctx, the caller's own, has ended and what is wrong with a request stay as
// they are. what names the service in the public message ("the store of the packages' bytes").
func Outage(ctx context.Context, err error, what string) error {
	if err == nil || ctx.Err() != nil || errors.Is(err, fault.Unavailable) || !isOutage(err) {
		return err
	}
	f := fault.Wrap(err, fault.Unavailable, "%s can't be reached at the moment; send the request again", what).WithCode("store_unavailable")
	f.Wait = retryAfter
	return f
}

func isOutage(err error) bool {
	switch s := Status(err); {
	case s == http.StatusNotImplemented:
		return false
	case s >= 500, s == http.StatusTooManyRequests, s == http.StatusRequestTimeout:
		return true
	case s == http.StatusForbidden, s == http.StatusUnauthorized: // credentials that have ended, rights taken away
		return true
	case s != 0:
		return throttles.IsErrorThrottle(err) == aws.TrueTernary
	}
	return true // no answer
}

var throttles = retry.IsErrorThrottles(retry.DefaultThrottles)

// Status is that of the service's answer; 0 if there was none.
func Status(err error) int {
	if e, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		return e.HTTPStatusCode()
	}
	return 0
}

// Code is the service's own name of an error, such as NoSuchBucket; empty if there is none.
func Code(err error) string {
	if e, ok := errors.AsType[interface {
		error
		ErrorCode() string
	}](err); ok {
		return e.ErrorCode()
	}
	return ""
}
