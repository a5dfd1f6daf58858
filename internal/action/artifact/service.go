package artifact

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/pause"
)

// Options say which service, and who asks.
type Options struct {
	URL        string // ACTIONS_RESULTS_URL
	Token      string // ACTIONS_RUNTIME_TOKEN
	UserAgent  string
	HTTPClient *http.Client // default has a 30 s timeout
	// Wait sleeps between tries; default is a timer.
	Wait func(ctx context.Context, d time.Duration) error
}

// Service is the results service, as a job may use it.
type Service struct {
	opt      Options
	base     *url.URL
	run, job string // the service's own ids
}

// New checks what the runner has given to the job; it does not connect.
func New(opt Options) (*Service, error) {
	if opt.URL == "" || opt.Token == "" {
		return nil, fault.New(fault.NotFound, "the runner has no service for artifacts (ACTIONS_RESULTS_URL, ACTIONS_RUNTIME_TOKEN): "+
			"GitHub Enterprise Server has none of version 4, and steps that are no action don't see it")
	}
	base, err := url.Parse(opt.URL)
	if err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http" {
		return nil, fault.New(fault.Invalid, "ACTIONS_RESULTS_URL is %.200q, which is no URL of a service", opt.URL)
	}
	s := &Service{opt: opt, base: &url.URL{Scheme: base.Scheme, Host: base.Host}}
	if s.run, s.job, err = backendIDs(opt.Token); err != nil {
		return nil, err
	}
	client := *cmp.Or(opt.HTTPClient, &http.Client{Timeout: 30 * time.Second})
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // the token stays at home
	s.opt.HTTPClient = &client
	if opt.Wait == nil {
		s.opt.Wait = pause.For
	}
	return s, nil
}

// backendIDs reads the ids of run and job from the scope of the runner's token, which is the service's to verify:
// scp has Actions.Results:RUN:JOB among its words.
func backendIDs(token string) (run, job string, err error) {
	bad := fault.New(fault.Invalid, "ACTIONS_RUNTIME_TOKEN does not say which run and job it is of, so nothing can be attached to this run")
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", "", bad
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "", "", bad
	}
	var claims struct {
		Scope string `json:"scp"`
	}
	if err := json.Unmarshal(text, &claims); err != nil {
		return "", "", bad
	}
	for word := range strings.FieldsSeq(claims.Scope) {
		if ids := strings.Split(word, ":"); len(ids) == 3 && ids[0] == "Actions.Results" && ids[1] != "" && ids[2] != "" {
			return ids[1], ids[2], nil
		}
	}
	return "", "", bad
}
