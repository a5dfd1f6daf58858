// Package upstream knows the registry behind ours: what it says of a package,
// its tarballs, search, advisories and keys. Answers are kept on disk, asked for
// once however many callers wait, revalidated, and served stale while upstream is
// down. It does not decide which names may be answered from there: catalog does.
//
// Upstream is trusted to speak for itself, no further: what its documents and
// redirects point to is fetched from public addresses only, without its token,
// within bounds, and kept only if the bytes are what the packument says.
package upstream

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/org/registry-action/internal/background"
	"github.com/org/registry-action/internal/egress"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/packument"
	"github.com/org/registry-action/internal/memo"
	"github.com/org/registry-action/internal/store/cache"
)

// Options of a Service. Zero values mean the defaults; URL and Cache are required.
type Options struct {
	URL          *url.URL // of the registry; it may have a private address
	Token        string   // sent to that origin only, as a bearer token
	Cache        *cache.Cache
	MaxAge       time.Duration // how long a packument is taken for fresh; 2 minutes
	NotFoundAge  time.Duration // how long an absent name stays absent; 1 minute
	Timeout      time.Duration // until the first byte of an answer; 30 seconds
	MaxPackument int64         // bytes; 100 MiB
	MaxTarball   int64         // bytes; 1 GiB
	UserAgent    string
	Observe      func(outcome string, took time.Duration) // is told of every request; nil: nobody
	Now          func() time.Time
	Log          *slog.Logger
}

func (o Options) withDefaults() Options {
	o.MaxAge = cmp.Or(o.MaxAge, 2*time.Minute)
	o.NotFoundAge = cmp.Or(o.NotFoundAge, time.Minute)
	o.Timeout = cmp.Or(o.Timeout, 30*time.Second)
	o.MaxPackument = cmp.Or(o.MaxPackument, 100<<20)
	o.MaxTarball = cmp.Or(o.MaxTarball, 1<<30)
	o.UserAgent = cmp.Or(o.UserAgent, "registry-action")
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// Service asks upstream.
type Service struct {
	opt    Options
	base   *url.URL // without a slash at its end
	id     string   // of this instance, see Enter
	client *egress.Client
	health *egress.Health

	requests, transfers egress.Slots // of tarballs the latter, so that they don't keep documents waiting

	calls   singleflight.Group
	turns   turns
	absent  *memo.Memo[struct{}] // names that upstream does not have
	failed  *memo.Memo[failure]  // names and tarballs that just went wrong
	found   *memo.Memo[packument.Ref]
	parsing chan struct{} // who holds a whole packument in memory
	keys    keyring

	work *background.Work

	mu        sync.Mutex
	downloads map[string]*download
}

const (
	maxAbsent  = 10_000
	maxFailed  = 4_000
	maxParsing = 2
)

// New returns a Service.
func New(opt Options) (*Service, error) { return newService(opt, egress.Default()) }

func newService(opt Options, via egress.Network) (*Service, error) {
	if opt.URL == nil || opt.Cache == nil {
		return nil, fault.New(fault.Invalid, "upstream needs a URL and a cache")
	}
	base, err := baseURL(opt.URL)
	if err != nil {
		return nil, err
	}
	if strings.ContainsFunc(opt.Token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, fault.New(fault.Invalid, "the token for upstream has a space, a line break or another character that a header can't carry")
	}
	s := &Service{opt: opt.withDefaults(), base: base, id: rand.Text(), parsing: make(chan struct{}, maxParsing), work: background.NewWork(), downloads: map[string]*download{}}
	s.client = &egress.Client{Guard: egress.NewGuard(via, base, maxRequests), Timeout: s.opt.Timeout, Observe: s.opt.Observe}
	s.absent, s.failed = memo.New[struct{}](maxAbsent, s.opt.Now), memo.New[failure](maxFailed, s.opt.Now)
	s.found = memo.New[packument.Ref](maxFound, s.opt.Now)
	s.health = egress.NewHealth(s.opt.Now, s.opt.Log)
	s.requests, s.transfers = egress.NewSlots(maxRequests, maxWaiting), egress.NewSlots(maxRequests, maxWaiting)
	return s, nil
}

func baseURL(u *url.URL) (*url.URL, error) {
	switch {
	case u.User != nil:
		return nil, fault.New(fault.Invalid, "upstream %s: the URL must not hold credentials (NPM_UPSTREAM)", u.Redacted())
	case u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return nil, fault.New(fault.Invalid, "upstream %q is not a registry's URL: want one like https://registry.example.com (NPM_UPSTREAM)", u.Redacted())
	case u.RawQuery != "" || u.Fragment != "":
		return nil, fault.New(fault.Invalid, "upstream %s: the URL must not have a query or a fragment (NPM_UPSTREAM)", u.Redacted())
	}
	base := *u
	base.Path, base.RawPath = strings.TrimRight(u.Path, "/"), strings.TrimRight(u.RawPath, "/")
	return &base, nil
}

// URL is upstream's, without a slash at its end.
func (s *Service) URL() string { return s.base.String() }

// Up reports whether upstream has answered of late.
func (s *Service) Up() bool { return s.health.Up() }

// Close ends what is under way and waits for it.
func (s *Service) Close() error {
	s.work.Close()
	s.client.Guard.CloseIdle()
	return nil
}

// remember has those who ask for the same again in a moment refused at once. A loop that
// only who asks has told of is not remembered: others would be refused for what it made up.
func (s *Service) remember(ctx context.Context, key string, err error) {
	told := errors.Is(err, fault.Loop) && hopsOf(ctx) != ""
	if !s.work.Ended() && !errors.Is(err, egress.ErrNotSent) && !told {
		keep := max(egress.RestFor, fault.Wait(err))
		s.failed.Put(key, failure{err, s.opt.Now().Add(keep)}, keep)
	}
}

// failure is an error that is remembered.
type failure struct {
	err   error
	until time.Time
}

// failing returns the error that is remembered for a key, if there is one.
func (s *Service) failing(key string) (err error, ok bool) {
	f, ok := s.failed.Get(key)
	e, public := fault.Public(f.err)
	if !public || e.Wait == 0 {
		return f.err, ok
	}
	later := *e
	later.Wait = f.until.Sub(s.opt.Now())
	return &later, ok
}

// begin registers work that caller is the first to ask for; how far the request has come goes along.
func (s *Service) begin(caller context.Context, limit time.Duration) (ctx context.Context, done func(), err error) {
	ctx, done, err = s.work.Begin(limit)
	if err != nil {
		return nil, nil, err
	}
	return withHops(ctx, caller), done, nil
}

// share lets all who ask for the same key at the same time have one answer.
// mine tells whose work gave it. A caller whose ctx ends leaves; the work goes on.
func share[T any](ctx context.Context, s *Service, key string, limit time.Duration, work func(context.Context) (T, error)) (v T, mine bool, err error) {
	began := false
	answers := s.calls.DoChan(together(ctx, key), func() (any, error) {
		began = true
		ctx, done, err := s.begin(ctx, limit)
		if err != nil {
			return nil, err
		}
		defer done()
		return work(ctx)
	})
	select {
	case <-ctx.Done():
		return v, false, context.Cause(ctx)
	case a := <-answers:
		if a.Err != nil {
			return v, began, a.Err
		}
		return a.Val.(T), began, nil
	}
}

// unavailable is the refusal while upstream can't be asked.
func (s *Service) unavailable(cause error) *fault.Error {
	e := fault.Wrap(cause, fault.Unavailable, "upstream %s can't be asked at the moment; try again later", s.URL())
	if !errors.Is(cause, egress.ErrNotSent) {
		e.Wait = egress.RestFor
	}
	return e
}

// wrong is the refusal of an answer that makes no sense.
func (s *Service) wrong(cause error, format string, args ...any) error {
	return fault.Wrap(cause, fault.Upstream, "upstream %s: %s", s.URL(), fmt.Sprintf(format, args...))
}

// forbidden is the refusal to follow what upstream's packument says. It is none of the
// kinds after which clients try again for a minute: the packument stays the same.
func (s *Service) forbidden(cause error, format string, args ...any) error {
	return fault.Wrap(cause, fault.Forbidden, "upstream %s: %s", s.URL(), fmt.Sprintf(format, args...)).WithCode("upstream_refused")
}

var errDenied = errors.New("denied")

// answered is the refusal for a status that what was asked for can't have.
func (s *Service) answered(resp *http.Response, what string) error {
	if resp.StatusCode == http.StatusLoopDetected {
		return s.looped(what)
	}
	if busy(resp.StatusCode) {
		e := s.unavailable(fmt.Errorf("%s: status %d", what, resp.StatusCode))
		e.Wait = egress.RetryAfter(resp.Header, s.opt.Now())
		return e
	}
	return s.refused(resp.StatusCode, what)
}

// busy reports whether a status says nothing of what was asked for.
func busy(status int) bool { return status == http.StatusTooManyRequests || status >= 500 }

// refused is answered for a status that is not busy.
func (s *Service) refused(status int, what string) error {
	if status == http.StatusUnauthorized || status == http.StatusForbidden {
		return s.wrong(errDenied, "not allowed to read %s (status %d); does this server need another token for upstream (NPM_UPSTREAM_TOKEN)?", what, status)
	}
	return s.wrong(nil, "answered %s with status %d", what, status)
}
