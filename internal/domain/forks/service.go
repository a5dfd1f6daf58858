package forks

import (
	"context"
	"crypto/rand"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/pattern"
	"github.com/org/registry-action/internal/store/kv"
)

// Options say who may claim and how much. Zero values mean the defaults.
type Options struct {
	// Repositories are patterns of those whose forks may publish: owner/name, owner/* or *. None: nobody.
	Repositories []string
	// Packages are patterns of names that forks may publish beside those that the repository itself has published here.
	Packages []string
	// Bytes and PerDay bound what one pull request may publish in a day: bytes of tarballs, 500 MiB, and packages, 2,000.
	Bytes  int64
	PerDay int
	Now    func() time.Time
	Log    *slog.Logger
}

// The bounds of claims. Whoever is refused for their number comes back in the next hour.
const (
	maxPackages   = 1000
	maxManifest   = 128 << 10 // bytes
	perAddress    = 60        // claims in an hour
	perPull       = 60
	perRepository = 600
	perClaim      = 30 // proofs: who waits for an artifact asks a dozen times

	claimLife = 10 * time.Minute
	tokenLife = 15 * time.Minute
	maxRunAge = 6 * time.Hour           // a job of GitHub's has no more
	maxEndAge = maxRunAge + 6*time.Hour // of a run that others vouch for: they wait for its end, and for a runner
	pinFor    = 90 * 24 * time.Hour
	askFor    = 40 * time.Second // all that is asked of the forge for one request
	atOnce    = 16               // requests that ask the forge
)

// Service is the domain of forks. It is safe for concurrent use.
type Service struct {
	db    kv.DB
	needs Needs
	opt   Options
	slots chan struct{} // of requests that ask the forge
}

// New returns a Service over its store, which stays the caller's. It refuses patterns that fit nothing.
func New(db kv.DB, needs Needs, opt Options) (*Service, error) {
	if opt.Bytes == 0 {
		opt.Bytes = 500 << 20
	}
	if opt.PerDay == 0 {
		opt.PerDay = 2 * maxPackages
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	for _, p := range opt.Repositories {
		if p != "*" && !repositoryPattern.MatchString(p) {
			return nil, fault.New(fault.Invalid, "%.200q is no pattern of repositories: write owner/name, owner/* or * (FORK_PREVIEWS)", p)
		}
	}
	if err := pattern.Valid(opt.Packages, maxPackages); err != nil {
		return nil, fault.New(fault.Invalid, "FORK_PACKAGES: %s", err)
	}
	return &Service{db: db, needs: needs, opt: opt, slots: make(chan struct{}, atOnce)}, nil
}

var repositoryPattern = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,100}/([A-Za-z0-9_.-]{1,100}|\*)$`)

func (s *Service) now() time.Time { return s.opt.Now().UTC().Truncate(time.Millisecond) }

// enrolled reports whether forks of a repository may publish here.
func (s *Service) enrolled(path string) bool {
	return slices.ContainsFunc(s.opt.Repositories, func(p string) bool { return fits(strings.ToLower(p), strings.ToLower(path)) })
}

// fits reports whether a pattern is the name, or its beginning with a * at its end.
func fits(pattern, name string) bool {
	begin, open := strings.CutSuffix(pattern, "*")
	return pattern == name || open && strings.HasPrefix(name, begin)
}

// secret is one of 128 bits, in lower case.
func secret() string { return strings.ToLower(rand.Text()) }

// asking bounds how long the forge is asked for one request, and for how many at a time. The caller calls done.
func (s *Service) asking(ctx context.Context) (within context.Context, done func(), err error) {
	within, cancel := context.WithTimeout(ctx, askFor)
	select {
	case s.slots <- struct{}{}:
		return within, func() { <-s.slots; cancel() }, nil
	case <-within.Done():
		cancel()
		e := fault.New(fault.Unavailable, "too many runs claim or prove something at once; try again").WithCode("rate_limited")
		e.Wait = claimLife / 60
		return ctx, func() {}, e
	}
}
