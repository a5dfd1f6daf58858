package forks_test

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/org/registry-action/internal/domain/forks"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/forge/connector"
	"github.com/org/registry-action/internal/forge/forgetest"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/storetest"
)

const (
	runID   = 77
	attempt = 1
	pull    = 7
	fork    = "mallory/ws"
)

var head = strings.Repeat("a", 40)

// world is a service with a stand-in of GitHub that has a pull request of a fork, whose run is in progress.
type world struct {
	*forks.Service
	t     *testing.T
	gh    *forgetest.Server
	db    kv.DB
	needs forks.Needs
	opt   forks.Options
	*storetest.Clock
	mu     sync.Mutex
	grants []forks.Grant
}

// theForge is what registry makes of a connector.
type theForge struct{ *connector.Connector }

func (f theForge) Open(ctx context.Context, path string) (forks.Repository, error) {
	return f.Client(ctx, "", path)
}

func newWorld(t *testing.T, opt forks.Options, token string) *world {
	t.Helper()
	w := &world{t: t, gh: forgetest.New(t), Clock: storetest.ClockAt(time.Now())}
	w.gh.AddPull(forgetest.Pull{Number: pull, HeadSHA: head, HeadRef: "fix", HeadRepo: fork, BaseRef: "main", Author: "mallory"})
	w.gh.PutRun(theRun())
	db := storetest.OpenDB(t, w.Now)
	c, err := connector.New(connector.Options{APIURL: w.gh.URL, Token: token, UserAgent: "registry-server/test",
		Wait: func(_ context.Context, d time.Duration) error {
			e := fault.New(fault.Unavailable, "it would wait")
			e.Wait = d
			return e
		}})
	if err != nil {
		t.Fatal(err)
	}
	w.db = db
	w.needs = forks.Needs{
		Forge: theForge{c},
		Names: func(context.Context, string) ([]string, error) { return []string{"@acme/a", "@acme/b"}, nil },
		Token: func(_ context.Context, g forks.Grant) (string, time.Time, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.grants = append(w.grants, g)
			return fmt.Sprint("token ", len(w.grants)), w.Now().Add(g.Expires), nil
		},
	}
	if opt.Repositories == nil {
		opt.Repositories = []string{"acme/*"}
	}
	opt.Now = w.Now
	w.opt = opt
	w.Service = w.another()
	return w
}

// another is a second server on the same stores.
func (w *world) another() *forks.Service {
	w.t.Helper()
	s, err := forks.New(w.db, w.needs, w.opt)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func theRun() forgetest.Run {
	return forgetest.Run{ID: runID, Attempt: attempt, HeadSHA: head, HeadRepo: fork, Actor: "mallory"}
}

func theClaim() forks.Claim {
	return forks.Claim{
		Repository: "https://github.com/acme/ws", RunID: runID, RunAttempt: attempt, SHA: head, Pull: pull, Addr: netip.MustParseAddr("203.0.113.7"),
		Packages: []forks.Package{pack("@acme/a", 1000), pack("@acme/b", 2000)},
	}
}

func pack(name string, size int64) forks.Package {
	return forks.Package{Name: name, Version: "0.0.0-commit.g" + head[:10], Integrity: "sha512-" + strings.Repeat("A", 86) + "==", Size: size}
}

// claim must succeed.
func (w *world) claim() forks.Claimed {
	w.t.Helper()
	c, err := w.Claim(w.t.Context(), theClaim())
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// attach is what the run does.
func (w *world) attach(c forks.Claimed) {
	w.t.Helper()
	w.gh.AddArtifact(forgetest.Artifact{RunID: runID, Name: c.Artifact, Zip: zipped(w.t, c.Manifest), CreatedAt: w.Now()})
}

func zipped(t *testing.T, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	f, err := z.Create("claim.json")
	if err == nil {
		_, err = io.Copy(f, bytes.NewReader(text))
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// refused checks what a caller hears, and that nobody got a token.
func (w *world) refused(err error, kind fault.Kind, code string) *fault.Error {
	w.t.Helper()
	e, ok := fault.Public(err)
	if !ok || e.Kind != kind || e.Code != code {
		w.t.Errorf("refused with %v, want %s %s", err, kind, code)
		return fault.New(kind, "")
	}
	return e
}

func (w *world) wantGrants(n int) {
	w.t.Helper()
	if len(w.grants) != n {
		w.t.Errorf("%d tokens were made, want %d", len(w.grants), n)
	}
}
