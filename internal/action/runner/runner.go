package runner

import (
	"context"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/org/registry-action/internal/pause"
)

// Options are what a Runner talks through. The zero value is the process's
// own environment and standard output.
type Options struct {
	Getenv     func(string) string // default os.Getenv
	Stdout     io.Writer           // where commands go; default os.Stdout
	HTTPClient *http.Client        // for IDToken; default has a 30 s timeout
	// Wait sleeps between tries of IDToken; default is a timer.
	Wait func(ctx context.Context, d time.Duration) error
}

// Runner is the CI step's side of the runner's protocol. It is safe for
// concurrent use.
type Runner struct {
	getenv func(string) string
	client *http.Client
	wait   func(context.Context, time.Duration) error

	mu          sync.Mutex // guards what follows, and keeps lines whole
	out         io.Writer
	annotations map[string]int
}

// New returns a Runner.
func New(o Options) *Runner {
	r := &Runner{getenv: o.Getenv, out: o.Stdout, client: o.HTTPClient, wait: o.Wait, annotations: map[string]int{}}
	if r.getenv == nil {
		r.getenv = os.Getenv
	}
	if r.out == nil {
		r.out = os.Stdout
	}
	if r.client == nil {
		r.client = &http.Client{Timeout: 30 * time.Second}
	}
	if r.wait == nil {
		r.wait = pause.For
	}
	return r
}

// InActions reports whether a runner runs this process.
func (r *Runner) InActions() bool { return r.getenv("GITHUB_ACTIONS") == "true" }
