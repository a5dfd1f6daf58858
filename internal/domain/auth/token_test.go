package auth

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/kv"
)

func TestTokenText(t *testing.T) {
	form := regexp.MustCompile(`^regact_[0-9A-Za-z]{33}$`)
	seen := map[string]bool{}
	var counts [256]int
	for range 2000 {
		s := newSecret()
		if !form.MatchString(s) || !wellFormed(s) || seen[s] {
			t.Fatalf("%q is no good new token", s)
		}
		seen[s] = true
		for _, c := range s[len(tokenPrefix) : len(tokenPrefix)+randomChars] {
			counts[c]++
		}
	}
	for _, c := range base62 { // 871 each, if none is more likely than another
		if n := counts[c]; n < 700 || n > 1050 {
			t.Errorf("%q came %d times of 54,000", c, n)
		}
	}
	// The checksum is CRC-32 (IEEE) of what is before it, so that others can check it too.
	if got := checksum("regact_000000000000000000000000000"); got != "2IVWxb" {
		t.Errorf("checksum = %s", got)
	}
}

func FuzzWellFormed(f *testing.F) {
	for _, s := range []string{"", tokenPrefix, newSecret(), newSecret()[1:], strings.Repeat("é", 20), "regact_é000000000000000000000000000000"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if wellFormed(s) && checksum(s[:tokenChars-sumChars]) != s[tokenChars-sumChars:] {
			t.Errorf("%q passes", s)
		}
	})
}

func TestCreateToken(t *testing.T) {
	w := closed(t)
	secret, info, err := w.CreateToken(t.Context(), w.root(), NewToken{
		Name: "CI", User: "ci", Packages: []string{"@acme/*"}, Grant: true, CIDR: []string{"10.9.8.7/8"}, Expires: 90 * 24 * time.Hour,
	})
	if err != nil {
		t.Fatal(err)
	}
	want := TokenInfo{
		Key: hashOf(secret)[:16], Name: "CI", User: "ci", Hint: secret[:11], Permission: Publish, Packages: []string{"@acme/*"}, Grant: true,
		CIDR: []string{"10.0.0.0/8"}, Created: w.now(), Expires: w.now().Add(90 * 24 * time.Hour),
	}
	if fmt.Sprint(info) != fmt.Sprint(want) {
		t.Errorf("info = %+v, want %+v", info, want)
	}
	all, err := w.Tokens(t.Context(), w.root(), "")
	if err != nil || len(all) != 1 || fmt.Sprint(all[0]) != fmt.Sprint(want) {
		t.Errorf("Tokens() = %+v, %v, want that one", all, err)
	}
	// Nothing that is stored or shown has the secret.
	for _, partition := range []string{tokenPartition, userTokens("ci"), "auth/name"} {
		for r, err := range w.db.Scan(t.Context(), partition, kv.Query{}) {
			if err != nil || strings.Contains(string(r.Value)+r.Sort, secret[12:30]) {
				t.Errorf("%s holds the secret, or: %v", r.Key, err)
			}
		}
	}
}

func TestCreateTokenRefusesNonsense(t *testing.T) {
	w := closed(t)
	for _, tt := range []struct {
		what  string
		n     NewToken
		words string
	}{
		{"no name", NewToken{}, "name of 1 to 100"},
		{"a long name", NewToken{Name: strings.Repeat("é", 101), User: "ci"}, "name of 1 to 100"},
		{"a name that is not shown as it is", NewToken{Name: "a\u202eb", User: "ci"}, "printable"},
		{"a name with a line break", NewToken{Name: "a\nb", User: "ci"}, "printable"},
		{"a name that is no text", NewToken{Name: "\xff", User: "ci"}, "printable"},
		{"a name that is no user", NewToken{Name: "My Laptop"}, "name the user too"},
		{"a bad user", NewToken{Name: "x", User: "../x"}, "user name"},
		{"a reserved user", NewToken{Name: "x", User: "local"}, "reserved"},
		{"a reserved user by its name", NewToken{Name: "anonymous"}, "name the user too"},
		{"an unknown permission", NewToken{Name: "ci", Permission: "root"}, "read, publish or admin"},
		{"a grant of nothing", NewToken{Name: "ci", Grant: true}, "names the packages"},
		{"an admin with limits", NewToken{Name: "ci", Permission: Admin, Packages: []string{"a"}}, "limited"},
		{"a bad pattern", NewToken{Name: "ci", Packages: []string{"@acme"}}, "@acme/*"},
		{"many patterns", NewToken{Name: "ci", Packages: make([]string, 101)}, "101"},
		{"a bad network", NewToken{Name: "ci", CIDR: []string{"10.0.0.0/33"}}, "10.0.0.0/8"},
		{"many networks", NewToken{Name: "ci", CIDR: make([]string, 101)}, "101"},
		{"a past end", NewToken{Name: "ci", Expires: -1}, "expire"},
		{"an end of no use", NewToken{Name: "ci", Expires: 1<<63 - 1}, "expire"},
	} {
		secret, _, err := w.CreateToken(t.Context(), w.root(), tt.n)
		if t.Run(tt.what, func(t *testing.T) { refused(t, err, fault.Invalid, tt.words) }); secret != "" {
			t.Errorf("%s: a refusal with a token", tt.what)
		}
	}
	_, _, err := w.CreateToken(t.Context(), w.anonymous(), NewToken{Name: "ci"})
	refused(t, err, fault.Unauthenticated, "Authorization required")
	if all, err := w.Tokens(t.Context(), w.root(), ""); err != nil || len(all) != 0 {
		t.Errorf("after refusals there are %v, %v", all, err)
	}
}

// TestNoEscalation: nobody but an admin gets a token that may do more than itself.
func TestNoEscalation(t *testing.T) {
	w := closed(t)
	alice := w.user("alice")
	limited := w.bearer(w.token(NewToken{Name: "ci", Packages: []string{"@acme/*", "tool-*", "one"}, Grant: true, Expires: time.Hour}))
	reader := w.bearer(w.token(NewToken{Name: "reader", Permission: Read}))
	bound := w.token(NewToken{Name: "bound", CIDR: []string{"10.0.0.0/8"}})
	inner := w.identify(Credentials{Token: bound, Addr: network10})
	for _, tt := range []struct {
		what string
		who  Principal
		n    NewToken
	}{
		{"for another", alice, NewToken{Name: "x", User: "bob"}},
		{"for the root", alice, NewToken{Name: "x", User: "admin"}},
		{"for who is local", alice, NewToken{Name: "x", User: "local"}},
		{"admin", alice, NewToken{Name: "x", Permission: Admin}},
		{"grant", alice, NewToken{Name: "x", Packages: []string{"@evil/*"}, Grant: true}},
		{"publish by a reader", reader, NewToken{Name: "x", Permission: Publish}},
		{"all packages", limited, NewToken{Name: "x", Packages: []string{"*"}}},
		{"another package too", limited, NewToken{Name: "x", Packages: []string{"one", "two"}}},
		{"a wider pattern", limited, NewToken{Name: "x", Packages: []string{"tool*"}}},
		{"a pattern from a name", limited, NewToken{Name: "x", Packages: []string{"one*"}}},
		{"a neighbour scope", limited, NewToken{Name: "x", Packages: []string{"@acme2/*"}}},
		{"its own grant again", limited, NewToken{Name: "x", Packages: []string{"one"}, Grant: true}},
		{"a longer time", limited, NewToken{Name: "x", Expires: time.Hour + time.Second}},
		{"a wider network", inner, NewToken{Name: "x", CIDR: []string{"10.0.0.0/7"}}},
		{"another network too", inner, NewToken{Name: "x", CIDR: []string{"10.1.0.0/16", "::/0"}}},
	} {
		t.Run(tt.what, func(t *testing.T) {
			_, _, err := w.CreateToken(t.Context(), tt.who, tt.n)
			refused(t, err, fault.Forbidden)
		})
	}
	// What is not said is not more either.
	made := func(who Principal, n NewToken) TokenInfo {
		t.Helper()
		_, info, err := w.CreateToken(t.Context(), who, n)
		if err != nil {
			t.Fatal(err)
		}
		return info
	}
	if i := made(limited, NewToken{Name: "x"}); i.User != "ci" || !slices.Equal(i.Packages, limited.packages) || i.Grant || !i.Expires.Equal(limited.expires) {
		t.Errorf("a limited token made %+v", i)
	}
	if i := made(limited, NewToken{Name: "x", Packages: []string{"@acme/a*", "tool-x", "one"}, Expires: time.Minute}); len(i.Packages) != 3 {
		t.Errorf("a limited token made %+v", i)
	}
	if i := made(reader, NewToken{Name: "x"}); i.Permission != Read {
		t.Errorf("a reader made %+v", i)
	}
	if i := made(inner, NewToken{Name: "x"}); !slices.Equal(i.CIDR, []string{"10.0.0.0/8"}) {
		t.Errorf("a bound token made %+v", i)
	}
	if i := made(inner, NewToken{Name: "x", CIDR: []string{"::ffff:10.1.0.0/112"}}); !slices.Equal(i.CIDR, []string{"10.1.0.0/16"}) {
		t.Errorf("a bound token made %+v", i)
	}
	if i := made(alice, NewToken{Name: "My Laptop"}); i.User != "alice" || i.Permission != Publish {
		t.Errorf("alice made %+v", i)
	}
	operator := w.bearer(w.token(NewToken{Name: "ops", Permission: Admin, Expires: time.Hour}))
	if i := made(operator, NewToken{Name: "x", User: "bob", Permission: Admin, Expires: 2 * time.Hour}); i.User != "bob" || i.Permission != Admin {
		t.Errorf("an admin's token made %+v", i)
	}
}

// TestNothingRevokedMakesTokens: not even between the look at the token and the making of the new one.
func TestNothingRevokedMakesTokens(t *testing.T) {
	w := closed(t)
	secret := w.token(NewToken{Name: "ci"})
	ci, alice := w.bearer(secret), w.user("alice")
	for what, tt := range map[string]struct {
		who    Principal
		remove func() error
	}{
		"a revoked token":   {ci, func() error { return w.Revoke(t.Context(), w.root(), secret) }},
		"a removed account": {alice, func() error { return w.RemoveUser(t.Context(), w.root(), "alice") }},
	} {
		t.Run(what, func(t *testing.T) {
			var once sync.Once
			w.db.before = func(ops []kv.Op) error {
				if len(ops) < 4 { // the removal's own
					return nil
				}
				once.Do(func() {
					if err := tt.remove(); err != nil {
						t.Error(err)
					}
				})
				return nil
			}
			defer func() { w.db.before = nil }()
			for range 2 {
				_, _, err := w.CreateToken(t.Context(), tt.who, NewToken{Name: "x"})
				refused(t, err, fault.Unauthenticated, "removed")
			}
		})
	}
	w.Pass(time.Hour)
	short := w.bearer(w.token(NewToken{Name: "ci", Expires: time.Minute}))
	w.Pass(time.Minute)
	_, _, err := w.CreateToken(t.Context(), short, NewToken{Name: "x"})
	refused(t, err, fault.Unauthenticated)
}

func TestTokensOfOthersAreNotShown(t *testing.T) {
	w := closed(t)
	alice := w.user("alice")
	w.token(NewToken{Name: "first", User: "alice"})
	w.Pass(time.Second)
	w.token(NewToken{Name: "second", User: "alice"})
	w.token(NewToken{Name: "ci"})
	for _, user := range []string{"", "alice"} {
		all, err := w.Tokens(t.Context(), alice, user)
		if err != nil || len(all) != 2 || all[0].Name != "second" || all[1].Name != "first" {
			t.Errorf("Tokens(%q) = %+v, %v, want alice's, newest first", user, all, err)
		}
	}
	for _, user := range []string{"ci", "admin", "nobody", "al", "../alice"} {
		_, err := w.Tokens(t.Context(), alice, user)
		refused(t, err, fault.Forbidden)
	}
	_, err := w.Tokens(t.Context(), w.anonymous(), "alice")
	refused(t, err, fault.Unauthenticated)
	if all, err := w.Tokens(t.Context(), w.root(), "ci"); err != nil || len(all) != 1 {
		t.Errorf("the admin sees %v, %v of ci, want one", all, err)
	}
	if all, err := w.Tokens(t.Context(), w.root(), ""); err != nil || len(all) != 3 {
		t.Errorf("the admin sees %v, %v, want all three", all, err)
	}
	for _, bad := range []string{"a\x00b", strings.Repeat("a", 5000)} {
		_, err := w.Tokens(t.Context(), w.root(), bad)
		refused(t, err, fault.Invalid)
	}
}

func TestRevoke(t *testing.T) {
	w := closed(t)
	alice, bob := w.user("alice"), w.user("bob")
	fresh := func(n NewToken) (string, string) {
		s := w.token(n)
		return s, hashOf(s)
	}
	secret, hash := fresh(NewToken{Name: "x", User: "alice"})
	reader, readerHash := fresh(NewToken{Name: "x", User: "alice", Permission: Read})
	limited, _ := fresh(NewToken{Name: "x", User: "alice", Packages: []string{"a"}})

	for _, tt := range []struct {
		what string
		who  Principal
		arg  string
		kind fault.Kind
	}{
		{"another user by key", bob, hash[:16], fault.NotFound},
		{"another user by prefix", bob, hash[:6], fault.NotFound},
		{"anonymous by key", w.anonymous(), hash[:16], fault.Unauthenticated},
		{"a reader", w.bearer(reader), hash[:16], fault.Forbidden},
		{"a limited token", w.bearer(limited), hash[:16], fault.Forbidden},
		{"five digits", alice, hash[:5], fault.NotFound},
		{"nothing", alice, "", fault.NotFound},
		{"a pattern", w.root(), "%*\x00", fault.NotFound},
		{"a long text", w.root(), strings.Repeat("a", 1<<16), fault.NotFound},
		{"a made-up secret", alice, newSecret(), fault.NotFound},
		{"a secret with a slip", alice, secret[:len(secret)-1] + "!", fault.NotFound},
		{"the REGISTRY_TOKEN", w.root(), rootToken, fault.Forbidden},
	} {
		t.Run(tt.what, func(t *testing.T) {
			err := w.Revoke(t.Context(), tt.who, tt.arg)
			refused(t, err, tt.kind)
			if len(tt.arg) > 20 && strings.Contains(err.Error(), tt.arg[:20]) {
				t.Errorf("%q repeats the secret", err)
			}
		})
	}
	w.bearer(secret)
	w.bearer(limited)

	revoked := func(who Principal, arg, secret string) {
		t.Helper()
		if err := w.Revoke(t.Context(), who, arg); err != nil {
			t.Errorf("Revoke: %v", err)
		}
		_, err := w.Identify(t.Context(), Credentials{Token: secret})
		refused(t, err, fault.Unauthenticated, "Invalid token")
		for _, list := range []string{"", "alice"} {
			all, err := w.Tokens(t.Context(), w.root(), list)
			if err != nil || slices.ContainsFunc(all, func(i TokenInfo) bool { return i.Key == hashOf(secret)[:16] }) {
				t.Errorf("it is still listed, or: %v", err)
			}
		}
	}
	revoked(w.bearer(reader), readerHash[:16], reader) // itself
	revoked(alice, strings.ToUpper(hash[:8]), secret)
	revoked(w.anonymous(), limited, limited)
	other, otherHash := fresh(NewToken{Name: "x", User: "alice"})
	revoked(w.root(), otherHash[:10], other)
	full, fullHash := fresh(NewToken{Name: "x", User: "alice"})
	revoked(w.root(), fullHash, full)
	refused(t, w.Revoke(t.Context(), w.root(), full), fault.NotFound)
}

// Who has stolen a token can't keep a copy of it, nor a copy of a copy.
func TestCopiesEndWithTheirToken(t *testing.T) {
	w := closed(t)
	copyOf := func(secret string) string {
		t.Helper()
		made, _, err := w.CreateToken(t.Context(), w.bearer(secret), NewToken{Name: "copy"})
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	stolen, other := w.token(NewToken{Name: "x", User: "alice"}), w.token(NewToken{Name: "x", User: "alice"})
	var ended []string
	for secret := stolen; len(ended) < 3; secret = ended[len(ended)-1] {
		ended = append(ended, copyOf(secret))
	}
	for range 60 { // more than one batch holds
		ended = append(ended, copyOf(stolen))
	}
	kept := copyOf(other)
	if err := w.Revoke(t.Context(), w.root(), stolen); err != nil {
		t.Fatal(err)
	}
	for _, secret := range ended {
		_, err := w.Identify(t.Context(), Credentials{Token: secret})
		refused(t, err, fault.Unauthenticated, "Invalid token")
	}
	w.bearer(kept)
	w.bearer(other)
}

func TestRevokeAsksForMoreOfAnAmbiguousKey(t *testing.T) {
	w := closed(t)
	twin := func(end string) string {
		hash := "abcdef12" + strings.Repeat(end, 56)
		info := TokenInfo{Key: hash[:16], Name: "x", User: "alice", Permission: Publish}
		if err := w.db.Apply(t.Context(), kv.Put(kv.JSON(tokenKey(hash), info)), kv.Put(kv.JSON(userTokenKey("alice", hash), info))); err != nil {
			t.Fatal(err)
		}
		return hash
	}
	one, two := twin("0"), twin("1")
	for _, who := range []Principal{w.root(), {user: "alice", permission: Publish}} {
		refused(t, w.Revoke(t.Context(), who, one[:8]), fault.Invalid, "more of its digits")
	}
	if err := w.Revoke(t.Context(), w.root(), one[:9]); err != nil {
		t.Error(err)
	}
	if all, err := w.Tokens(t.Context(), w.root(), ""); err != nil || len(all) != 1 || all[0].Key != two[:16] {
		t.Errorf("left are %+v, %v, want the other one", all, err)
	}
}

// TestAtMostAThousandTokens: of many at once too; expired ones don't count.
func TestAtMostAThousandTokens(t *testing.T) {
	w := closed(t)
	fill := func(n int, expires time.Time) {
		for i := 0; i < n; i += 50 {
			var ops []kv.Op
			for range 50 {
				hash := hashOf(newSecret())
				r := kv.JSON(userTokenKey("ci", hash), TokenInfo{Key: hash[:16], User: "ci", Expires: expires})
				ops = append(ops, kv.Put(r))
			}
			if err := w.db.Apply(t.Context(), ops...); err != nil {
				t.Fatal(err)
			}
		}
	}
	fill(100, w.now())
	fill(maxTokens-50, time.Time{})
	var wg sync.WaitGroup
	var mu sync.Mutex
	made := 45
	for range 45 {
		w.token(NewToken{Name: "ci"})
	}
	root := w.root()
	for range 10 {
		wg.Go(func() {
			_, _, err := w.CreateToken(t.Context(), root, NewToken{Name: "ci"})
			if err == nil {
				mu.Lock()
				defer mu.Unlock()
				made++
			} else if !errors.Is(err, fault.Unavailable) { // too many at once is no leave to make one
				refused(t, err, fault.Forbidden, "1000")
			}
		})
	}
	wg.Wait()
	if made != 50 {
		t.Errorf("%d tokens were made, want 50", made)
	}
	w.token(NewToken{Name: "other"})
}

func TestStoreFaultsAreNotPublic(t *testing.T) {
	w := closed(t)
	boom := errors.New("disk on fire")
	w.db.before = func([]kv.Op) error { return boom }
	secret, _, err := w.CreateToken(t.Context(), w.root(), NewToken{Name: "ci"})
	if _, public := fault.Public(err); !errors.Is(err, boom) || public || secret != "" {
		t.Errorf("CreateToken = %q, %v", secret, err)
	}
	w.db.before = nil
	secret = w.token(NewToken{Name: "ci"})
	if err := w.db.Apply(t.Context(), kv.Put(kv.Row{Key: tokenKey(hashOf(secret)), Value: []byte("{")})); err != nil {
		t.Fatal(err)
	}
	_, err = w.Identify(t.Context(), Credentials{Token: secret, Local: true})
	if _, public := fault.Public(err); err == nil || public {
		t.Errorf("Identify over a broken row = %v", err)
	}
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) {
		t.Errorf("%v hides its cause", err)
	}
}
