package auth

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/org/registry-action/internal/fault"
)

func TestIdentifyOnAnOpenServer(t *testing.T) {
	w := newWorld(t, Options{})
	local := w.identify(Credentials{Local: true})
	if !local.IsAdmin() || local.String() != "local" || local.MayPublish("") != nil || local.MayWrite("a") != nil {
		t.Errorf("from this machine: %s, want local with all rights", local)
	}
	far := w.identify(Credentials{})
	if !far.Anonymous() || far.MayRead() != nil {
		t.Errorf("from elsewhere: %s, want anonymous who may read", far)
	}
	for _, err := range []error{far.MayPublish(""), far.MayWrite("a")} {
		refused(t, err, fault.Forbidden, "this server has no token", "REGISTRY_TOKEN")
	}

	// A stale token for this address does no harm, and opens nothing for others.
	for _, c := range []Credentials{{Token: "stale"}, {Token: newSecret()}, {User: "alice", Token: "wrong"}} {
		c.Local = true
		if p := w.identify(c); p.String() != "local" {
			t.Errorf("%+v from this machine is %s, want local", c, p)
		}
		c.Local = false
		_, err := w.Identify(t.Context(), c)
		refused(t, err, fault.Unauthenticated, "Invalid token")
	}
	// The empty REGISTRY_TOKEN is nobody's.
	if p := w.identify(Credentials{Token: "", User: ""}); !p.Anonymous() {
		t.Errorf("nothing shown is %s", p)
	}
	// Who shows a good token is who it says, here too.
	secret, _, err := w.CreateToken(t.Context(), local, NewToken{Name: "ci", Permission: Read})
	if err != nil {
		t.Fatal(err)
	}
	if p := w.identify(Credentials{Token: secret, Local: true}); p.User() != "ci" || p.IsAdmin() {
		t.Errorf("a token from this machine is %s, want ci", p)
	}
}

func TestIdentifyWithTheRootToken(t *testing.T) {
	w := closed(t)
	for _, c := range []Credentials{
		{Token: rootToken},
		{Token: rootToken, User: "anything"}, // https://x:TOKEN@host
		{User: rootToken},                    // https://TOKEN@host
		{Token: rootToken, Local: true},
	} {
		if p := w.identify(c); !p.IsAdmin() || p.String() != "admin" {
			t.Errorf("Identify(%+v) = %s, want admin", c, p)
		}
	}
	for _, wrong := range []string{rootToken[:len(rootToken)-1], rootToken + "x", " " + rootToken, strings.ToUpper(rootToken), "\x00", strings.Repeat("a", 1<<16)} {
		for _, local := range []bool{true, false} {
			_, err := w.Identify(t.Context(), Credentials{Token: wrong, Local: local})
			refused(t, err, fault.Unauthenticated, "Invalid token")
			if strings.Contains(fmt.Sprint(err), "battery") {
				t.Errorf("the refusal repeats what was shown: %v", err)
			}
		}
	}
	for _, local := range []bool{true, false} {
		p := w.identify(Credentials{Local: local})
		if !p.Anonymous() {
			t.Errorf("nothing shown (local %v) is %s, want anonymous", local, p)
		}
		refused(t, p.MayPublish(""), fault.Unauthenticated, "Authorization required")
		refused(t, p.MayWrite("a"), fault.Unauthenticated, "Authorization required")
	}
}

func TestPrivateReads(t *testing.T) {
	for _, token := range []string{"", rootToken} {
		w := newWorld(t, Options{RootToken: token, ReadAuth: true})
		refused(t, w.identify(Credentials{}).MayRead(), fault.Unauthenticated, "Authorization required", "Authorization: Bearer", "npm login", "_authToken", "Zig", "Lumen")
	}
	w := newWorld(t, Options{RootToken: rootToken, ReadAuth: true})
	p := w.bearer(w.token(NewToken{Name: "reader", Permission: Read}))
	if err := errors.Join(p.MayRead(), w.root().MayRead()); err != nil {
		t.Errorf("readers with a token are refused: %v", err)
	}
}

func TestStoredTokens(t *testing.T) {
	w := closed(t)
	secret := w.token(NewToken{Name: "CI of core", User: "ci", Packages: []string{"@acme/*"}, Grant: true})
	for _, c := range []Credentials{{Token: secret}, {User: "whoever", Token: secret}, {User: secret}} {
		p := w.identify(c)
		if p.User() != "ci" || p.IsAdmin() || p.MayPublish("") != nil || p.MayWrite("@acme/core") != nil || !p.Granted("@acme/core") || p.Granted("other") {
			t.Errorf("Identify(%+v) = %s with other rights than its own", c, p)
		}
		refused(t, p.MayWrite("other"), fault.Forbidden, "other", "@acme/*")
		if s := p.String(); s != "ci (token "+hashOf(secret)[:8]+"…)" || strings.Contains(s, secret[7:12]) {
			t.Errorf("String() = %q", s)
		}
	}
	reader := w.bearer(w.token(NewToken{Name: "reader", Permission: Read}))
	refused(t, reader.MayPublish(""), fault.Forbidden, "Token does not have publish permission")
	refused(t, reader.MayWrite("a"), fault.Forbidden, "Token does not have publish permission")
	if w.bearer(w.token(NewToken{Name: "ci2", Packages: []string{"a"}})).Granted("a") {
		t.Error("a limit is taken for a grant")
	}
}

// TestATokenCostsOneRead: and one that can't be ours costs none.
func TestATokenCostsOneRead(t *testing.T) {
	w := closed(t)
	secret := w.token(NewToken{Name: "ci"})
	before := w.db.reads.Load()
	w.bearer(secret)
	if n := w.db.reads.Load() - before; n != 1 {
		t.Errorf("a token took %d reads, want 1", n)
	}
	before = w.db.reads.Load()
	for i := range secret {
		forged := []byte(secret)
		forged[i] ^= 1
		_, err := w.Identify(t.Context(), Credentials{Token: string(forged)})
		refused(t, err, fault.Unauthenticated, "Invalid token")
	}
	for _, text := range []string{secret[:len(secret)-1], secret + "0", tokenPrefix, secret + secret, strings.Replace(secret, tokenPrefix, "npm_aaa", 1)} {
		_, err := w.Identify(t.Context(), Credentials{Token: text, User: "alice"})
		refused(t, err, fault.Unauthenticated, "Invalid token")
	}
	if n := w.db.reads.Load() - before; n > 2 { // the last one of these may be alice's password: her account, and her attempts
		t.Errorf("forged tokens took %d reads, want none", n)
	}
}

func TestExpiredToken(t *testing.T) {
	w := closed(t)
	secret := w.token(NewToken{Name: "ci", Expires: 48 * time.Hour})
	w.Pass(48*time.Hour - time.Millisecond)
	w.bearer(secret)
	w.Pass(time.Millisecond)
	_, err := w.Identify(t.Context(), Credentials{Token: secret})
	refused(t, err, fault.Unauthenticated, "Token has expired")
	w.Pass(48 * time.Hour)
	_, err = w.Identify(t.Context(), Credentials{Token: secret})
	refused(t, err, fault.Unauthenticated, "Invalid token")
	if all, err := w.Tokens(t.Context(), w.root(), ""); err != nil || len(all) != 0 {
		t.Errorf("Tokens() = %v, %v, want none", all, err)
	}
}

func TestTokenBoundToNetworks(t *testing.T) {
	w := closed(t)
	secret := w.token(NewToken{Name: "ci", CIDR: []string{"10.1.2.3/8", "2001:db8::/32", "192.0.2.7", "::ffff:198.51.100.0/120"}})
	for addr, ok := range map[string]bool{
		"10.255.0.1": true, "::ffff:10.0.0.1": true, "11.0.0.1": false, "2001:db8:1::5": true, "2001:db8::1%eth0": true, "2001:db9::1": false,
		"192.0.2.7": true, "192.0.2.8": false, "198.51.100.9": true, "::ffff:198.51.100.9": true, "198.51.101.1": false, "::a01:203": false,
	} {
		_, err := w.Identify(t.Context(), Credentials{Token: secret, Addr: netip.MustParseAddr(addr)})
		if (err == nil) != ok {
			t.Errorf("from %s: %v, want let in: %v", addr, err, ok)
		}
		if err != nil {
			refused(t, err, fault.Unauthenticated, "Invalid token")
		}
	}
	_, err := w.Identify(t.Context(), Credentials{Token: secret}) // from where is not known
	refused(t, err, fault.Unauthenticated, "Invalid token")
}

// TestRevokedWhileUsed: a request that begins after the answer to the revocation is refused.
func TestRevokedWhileUsed(t *testing.T) {
	w := closed(t)
	secret := w.token(NewToken{Name: "ci"})
	var revoked atomic.Bool
	var late, early atomic.Int64
	var wg sync.WaitGroup
	started := make(chan struct{}, 4)
	for range 4 {
		wg.Go(func() {
			for i := range 20000 {
				if i == 10 {
					started <- struct{}{}
				}
				over := revoked.Load()
				_, err := w.Identify(context.Background(), Credentials{Token: secret})
				switch {
				case err == nil && over:
					late.Add(1)
				case err == nil:
					early.Add(1)
				case !errors.Is(err, fault.Unauthenticated):
					t.Errorf("Identify: %v", err)
				}
				if over {
					return
				}
			}
		})
	}
	for range 4 {
		<-started
	}
	if err := w.Revoke(t.Context(), w.anonymous(), secret); err != nil {
		t.Error(err)
	}
	revoked.Store(true)
	wg.Wait()
	if late.Load() != 0 || early.Load() == 0 {
		t.Errorf("%d uses before, %d after the revocation", early.Load(), late.Load())
	}
}

// TestSecretsAreComparedInConstantTime: time can't be measured here, so the source must show it.
func TestSecretsAreComparedInConstantTime(t *testing.T) {
	for file, name := range map[string]string{"service.go": "isRoot", "password.go": "matches"} {
		f, err := parser.ParseFile(gotoken.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Name.Name != name {
				continue
			}
			ast.Inspect(fn, func(n ast.Node) bool {
				sel, ok := n.(*ast.SelectorExpr)
				found = found || ok && sel.Sel.Name == "ConstantTimeCompare"
				return true
			})
		}
		if !found {
			t.Errorf("%s in %s does not use subtle.ConstantTimeCompare", name, file)
		}
	}
}
