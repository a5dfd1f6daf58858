package awsconfig_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/awsconfig"
)

// answered is how the SDK tells of an answer with a status and the code of its body.
func answered(t *testing.T, status int, code string) error {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", "key")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	c, err := awsconfig.Load(t.Context(), "eu-west-1")
	if err != nil || c.Region != "eu-west-1" {
		t.Fatalf("Load = %q, %v", c.Region, err)
	}
	api := s3.NewFromConfig(c, awsconfig.S3("http://s3.test", true), func(o *s3.Options) {
		o.HTTPClient = client(func(*http.Request) *http.Response {
			return &http.Response{
				StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("<Error><Code>" + code + "</Code></Error>")),
			}
		})
		o.RetryMaxAttempts = 1
	})
	_, err = api.GetObject(t.Context(), &s3.GetObjectInput{Bucket: new("b"), Key: new("k")})
	if err == nil {
		t.Fatalf("a status of %d is no error", status)
	}
	return err
}

type client func(*http.Request) *http.Response

func (c client) Do(r *http.Request) (*http.Response, error) { return c(r), nil }

func TestOutage(t *testing.T) {
	for _, tt := range []struct {
		status int
		code   string
		outage bool
	}{
		{500, "InternalError", true}, {503, "SlowDown", true}, {429, "TooManyRequests", true}, {403, "AccessDenied", true}, {403, "ExpiredToken", true},
		{400, "ThrottlingException", true}, {400, "ProvisionedThroughputExceededException", true},
		{400, "InvalidArgument", false}, {404, "NoSuchBucket", false}, {412, "PreconditionFailed", false}, {501, "NotImplemented", false},
	} {
		err := answered(t, tt.status, tt.code)
		if awsconfig.Status(err) != tt.status || awsconfig.Code(err) != tt.code {
			t.Errorf("%d %s is read as %d %s", tt.status, tt.code, awsconfig.Status(err), awsconfig.Code(err))
		}
		got := awsconfig.Outage(t.Context(), err, "the store")
		if errors.Is(got, fault.Unavailable) != tt.outage || tt.outage && fault.Wait(got) == 0 {
			t.Errorf("%d %s: %v, want an outage: %t", tt.status, tt.code, got, tt.outage)
		}
		if _, ok := errors.AsType[*awshttp.ResponseError](got); !ok {
			t.Errorf("%d %s: the cause is lost", tt.status, tt.code)
		}
	}
	if awsconfig.Outage(t.Context(), nil, "the store") != nil {
		t.Error("nothing is an outage")
	}
	if err := awsconfig.Outage(t.Context(), io.ErrUnexpectedEOF, "the store"); !errors.Is(err, fault.Unavailable) {
		t.Errorf("no answer: %v", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := awsconfig.Outage(gone, context.Canceled, "the store"); err != context.Canceled {
		t.Errorf("a caller who has gone: %v", err)
	}
	if missing := error(&types.NoSuchKey{}); awsconfig.Code(missing) != "NoSuchKey" {
		t.Errorf("the code is %q", awsconfig.Code(missing))
	}
}

func TestCredentials(t *testing.T) {
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_PROFILE": "", "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_REGION": "", "AWS_DEFAULT_REGION": "",
	} {
		t.Setenv(name, value)
	}
	c, err := awsconfig.Load(t.Context(), "")
	if err != nil || c.Region != "us-east-1" {
		t.Fatalf("Load = %q, %v", c.Region, err)
	}
	if err := awsconfig.CheckCredentials(t.Context(), c); !errors.Is(err, fault.Invalid) {
		t.Errorf("without credentials: %v", err)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "key")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	if c, err = awsconfig.Load(t.Context(), ""); err != nil || awsconfig.CheckCredentials(t.Context(), c) != nil {
		t.Errorf("with credentials: %v", err)
	}
}

// Each retry is told, and why.
func TestRetried(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "key")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	c, err := awsconfig.Load(t.Context(), "eu-west-1")
	if err != nil {
		t.Fatal(err)
	}
	type answer struct {
		status int
		code   string
	}
	answers := []answer{{503, "SlowDown"}, {500, "InternalError"}, {404, "NoSuchKey"}}
	var told []bool
	api := s3.NewFromConfig(awsconfig.Retried(c, func(throttled bool) { told = append(told, throttled) }), awsconfig.S3("http://s3.test", true), func(o *s3.Options) {
		o.HTTPClient = client(func(*http.Request) *http.Response {
			a := answers[0]
			answers = answers[1:]
			return &http.Response{StatusCode: a.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("<Error><Code>" + a.code + "</Code></Error>"))}
		})
	})
	if _, err := api.GetObject(t.Context(), &s3.GetObjectInput{Bucket: new("b"), Key: new("k")}); awsconfig.Code(err) != "NoSuchKey" {
		t.Errorf("the call ends with %v", err)
	}
	if !slices.Equal(told, []bool{true, false}) {
		t.Errorf("throttled are told to be %v", told)
	}
}
