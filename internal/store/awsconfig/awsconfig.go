// Package awsconfig makes the configuration that clients of Amazon's services, and of servers that speak their
// protocols, have in common: credentials as every program of AWS finds them, time limits, retries, and what an
// outage is to whoever asked.
package awsconfig

import (
	"cmp"
	"context"
	"math/rand/v2"
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go/logging"

	"github.com/org/registry-action/internal/fault"
)

const (
	dialTimeout   = 5 * time.Second
	headerTimeout = 30 * time.Second
	maxAttempts   = 4
	firstBackoff  = 100 * time.Millisecond // doubled for each attempt; up to that much is waited
	maxBackoff    = time.Second
	idleConns     = 64 // kept per host; the default of 10 makes new connections all the time under load

	defaultRegion = "us-east-1"
)

// Load reads the environment and AWS's own files. An empty region is what they say, else us-east-1.
func Load(ctx context.Context, region string) (aws.Config, error) {
	client := awshttp.NewBuildableClient().
		WithDialerOptions(func(d *net.Dialer) { d.Timeout = dialTimeout }).
		WithTransportOptions(func(t *http.Transport) {
			t.ResponseHeaderTimeout, t.MaxIdleConnsPerHost = headerTimeout, idleConns
		})
	c, err := config.LoadDefaultConfig(ctx, config.WithHTTPClient(client), config.WithRetryer(func() aws.Retryer { return standard() }), config.WithLogger(logging.Nop{}))
	if err != nil {
		return aws.Config{}, fault.Wrap(err, fault.Invalid, "the configuration of AWS can't be read; look at the variables AWS_* and the files in ~/.aws")
	}
	c.Region = cmp.Or(region, c.Region, defaultRegion)
	return c, nil
}

// standard is the SDK's standard one with shorter waits: somebody waits for the answer, and is told to come again if
// this was not enough.
func standard() *retry.Standard {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = maxAttempts
		o.Backoff = retry.BackoffDelayerFunc(func(attempt int, _ error) (time.Duration, error) {
			return rand.N(min(maxBackoff, firstBackoff<<min(attempt, 8))), nil
		})
	})
}

// Retried has retried told of every call that is about to be sent once more: because the service asked for fewer of
// them, or because it failed. nil: nobody is told.
func Retried(c aws.Config, retried func(throttled bool)) aws.Config {
	if retried != nil {
		c.Retryer = func() aws.Retryer { return telling{standard(), retried} }
	}
	return c
}

type telling struct {
	*retry.Standard
	retried func(throttled bool)
}

func (t telling) RetryDelay(attempt int, err error) (time.Duration, error) {
	t.retried(throttles.IsErrorThrottle(err) == aws.TrueTernary)
	return t.Standard.RetryDelay(attempt, err)
}

// CheckCredentials fails with fault.Invalid, before the first request does, if there are none.
func CheckCredentials(ctx context.Context, c aws.Config) error {
	if c.Credentials == nil {
		return fault.New(fault.Invalid, noCredentials)
	}
	if _, err := c.Credentials.Retrieve(ctx); err != nil {
		return fault.Wrap(err, fault.Invalid, noCredentials)
	}
	return nil
}

const noCredentials = "there are no credentials of AWS; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile with AWS_PROFILE, or give this machine a role"
