package trust

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/org/registry-action/internal/domain/trust/issuertest"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/provenance"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/storetest"
)

const (
	base       = "https://registry.example.com"
	audience   = "npm:registry.example.com"
	repository = "acme/widgets"
	sha        = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
)

var address = netip.MustParseAddr("203.0.113.7")

// world is a service on a real store, with an issuer and a clock to turn.
type world struct {
	*Service
	t      *testing.T
	db     kv.DB
	issuer *issuertest.Issuer
	made   made
	owners owners
	forge  forge

	*storetest.Clock
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, Clock: storetest.NewClock(), owners: owners{}, issuer: issuertest.New(t)}
	w.issuer.At(w.Now)
	db := storetest.OpenDB(t, w.Now)
	w.db = db
	w.Service = w.another("")
	return w
}

// another is a second server of the same store.
func (w *world) another(suffix string) *Service {
	w.t.Helper()
	issuers, err := ParseIssuers([]string{w.issuer.URL + ";forge=https://github.com" + suffix})
	if err != nil {
		w.t.Fatal(err)
	}
	s := New(w.db, Options{Issuers: issuers, Audiences: Audiences(base), Tokens: &w.made, Packages: w.owners, Forge: &w.forge, Now: w.Now})
	w.t.Cleanup(s.Close)
	return s
}

// policy makes one as an admin does, for releases of @acme/* unless change says otherwise.
func (w *world) policy(change func(*NewPolicy)) Policy {
	w.t.Helper()
	n := NewPolicy{
		Binding:      Binding{Repository: repository, Tier: provenance.Release, Packages: []string{"@acme/*"}},
		RepositoryID: issuertest.RepositoryID, OwnerID: issuertest.OwnerID,
	}
	if change != nil {
		change(&n)
	}
	p, err := w.Add(w.t.Context(), admin, n)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// show exchanges a token for a package.
func (w *world) show(token string) (Answer, error) {
	a, _, err := w.Exchange(w.t.Context(), Ask{Token: token, Addr: address, Packages: []string{"@acme/a"}})
	return a, err
}

// run exchanges the token of a run with these claims.
func (w *world) run(c issuertest.Claims) (Answer, error) {
	return w.show(w.issuer.Token(audience, c))
}

func push() issuertest.Claims { return issuertest.Push(repository, sha) }

// refused checks which field a refusal names, and what it says of it.
func refused(t *testing.T, err error, kind fault.Kind, field string, words ...string) {
	t.Helper()
	e, ok := fault.Public(err)
	if !ok || !errors.Is(err, kind) {
		t.Errorf("got %v, want %s", err, kind)
		return
	}
	if field != "" && e.Details["field"] != field {
		t.Errorf("%v: the field is %v, want %q", e.Message, e.Details["field"], field)
	}
	for _, want := range words {
		if !strings.Contains(e.Message, want) {
			t.Errorf("%q does not say %q", e.Message, want)
		}
	}
}

// caller is a Principal.
type caller struct {
	user string
	root bool
}

var admin = caller{"admin", true}

func (c caller) String() string         { return c.user }
func (c caller) User() string           { return c.user }
func (c caller) IsAdmin() bool          { return c.root }
func (c caller) Granted(string) bool    { return c.root }
func (caller) MayRelease(string) error  { return nil }
func (caller) Proof() *provenance.Proof { return nil }
func (c caller) MayManage() error {
	if c.user == "" {
		return fault.New(fault.Unauthenticated, "sign in")
	}
	return nil
}

// owners is Packages: the owner of a package, by name. Others are free.
type owners map[string]string

func (o owners) MayPublish(_ context.Context, who Principal, name string) error {
	if owner := o[name]; owner != "" && owner != who.User() && !who.IsAdmin() {
		return fault.New(fault.Forbidden, "%s is not an owner of %s", who.User(), name)
	}
	return nil
}

// made is Tokens; it keeps what was made.
type made struct {
	mu  sync.Mutex
	all []Token
	err error
}

func (m *made) Make(_ context.Context, t Token) (string, time.Time, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return "", time.Time{}, m.err
	}
	m.all = append(m.all, t)
	return "secret", time.Time{}.Add(t.For), nil
}

func (m *made) last(t *testing.T) Token {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.all) == 0 {
		t.Fatal("no token was made")
	}
	return m.all[len(m.all)-1]
}

func (m *made) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.all)
}

// forge is Forge: the ids of all repositories; it fails if they are 0.
type forge struct {
	repository, owner int64
	asked             []string
}

func (f *forge) Identity(_ context.Context, url, repository string) (int64, int64, error) {
	f.asked = append(f.asked, url+"/"+repository)
	if f.repository == 0 {
		return 0, 0, fault.New(fault.Upstream, "the forge is not there")
	}
	return f.repository, f.owner, nil
}
