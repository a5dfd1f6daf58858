package auth

import (
	"cmp"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/provenance"
)

// The token of a run is good for what the run has proven, for a while, and makes no other tokens.
func TestRunToken(t *testing.T) {
	w := newWorld(t, Options{RootToken: rootToken})
	const sha, repository = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "https://github.com/acme/ws"
	ask := Run{
		Name: "acme/ws run 7", User: "alice", Packages: []string{"@acme/*"}, Repositories: []string{"acme/ws"}, Expires: 10 * time.Minute,
		RunLimits: RunLimits{
			Proof: provenance.Proof{Tier: provenance.Preview, Repository: "acme/ws", SHA: sha},
			Refs:  []string{"pr/7"}, Contents: map[string]string{"@acme/a": "sha512-a"},
		},
	}
	for what, change := range map[string]func(*Run){
		"for everything":        func(r *Run) { r.Packages = nil },
		"for every repository":  func(r *Run) { r.Repositories = nil },
		"for ever":              func(r *Run) { r.Expires = 0 },
		"for an hour":           func(r *Run) { r.Expires = time.Hour },
		"of a name with a line": func(r *Run) { r.Name = "a\nb" },
	} {
		other := ask
		change(&other)
		if _, _, err := w.CreateRunToken(t.Context(), other); err == nil {
			t.Errorf("a token %s was made", what)
		}
	}
	secret, info, err := w.CreateRunToken(t.Context(), ask)
	if err != nil || info.User != "alice" {
		t.Fatalf("CreateRunToken = %+v, %v", info, err)
	}
	p := w.bearer(secret)
	if !p.GrantedRepository(repository) || p.MayWrite("@acme/a") != nil || p.MayPublish(repository) != nil || p.MayPublishCommit(sha, []string{"pr/7"}) != nil || p.MayPublishBytes("@acme/a", "sha512-a", 1) != nil {
		t.Errorf("%s may not do what it is for", p)
	}
	if p.Proof() == nil || p.Proof().SHA != sha {
		t.Errorf("its proof is %+v", p.Proof())
	}
	refused(t, p.MayPublishCommit("bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", nil), fault.Forbidden, sha, "bbbb")
	refused(t, p.MayPublishCommit(sha, []string{"pr/7", "branch/main"}), fault.Forbidden, "branch/main", "pr/7")
	refused(t, p.MayPublishBytes("@acme/a", "sha512-b", 1), fault.Forbidden, "sha512-a", "sha512-b")
	refused(t, p.MayPublishBytes("@acme/b", "", 1), fault.Forbidden, "@acme/b")
	refused(t, p.MayRelease("@acme/a"), fault.Forbidden, "previews only")
	refused(t, p.MayPublish("https://github.com/acme/other"), fault.Forbidden, "acme/other")
	refused(t, p.MayManage(), fault.Forbidden)
	_, _, err = w.CreateToken(t.Context(), p, NewToken{Name: "copy", Packages: []string{"@acme/*"}, Repositories: []string{"acme/ws"}})
	refused(t, err, fault.Forbidden, "can't make other tokens")
	if err := w.Revoke(t.Context(), p, secret); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Identify(t.Context(), Credentials{Token: secret}); err == nil {
		t.Error("a revoked token is good")
	}

	ask.Proof.Tier, ask.Contents = provenance.Release, nil
	if secret, _, err = w.CreateRunToken(t.Context(), ask); err != nil {
		t.Fatal(err)
	}
	if p := w.bearer(secret); p.MayRelease("@acme/a") != nil || p.MayPublishBytes("@acme/a", "sha512-any", 1) != nil {
		t.Errorf("a release: %v", p.MayRelease("@acme/a"))
	}
	w.Pass(11 * time.Minute)
	_, err = w.Identify(t.Context(), Credentials{Token: secret})
	refused(t, err, fault.Unauthenticated, "expired")
}

// A token that a policy of a user led to may do no more than the user, who must still have an account; and no number of
// runs keeps the user from making tokens.
func TestRunTokenOfUser(t *testing.T) {
	w := newWorld(t, Options{RootToken: rootToken})
	w.user("alice")
	ask := Run{
		Name: "acme/ws run 7", User: "alice", Own: true, Packages: []string{"lib"}, Repositories: []string{"acme/ws"}, Expires: 10 * time.Minute,
		RunLimits: RunLimits{Proof: provenance.Proof{Tier: provenance.Release}},
	}
	secret, _, err := w.CreateRunToken(t.Context(), ask)
	if err != nil {
		t.Fatal(err)
	}
	if p := w.bearer(secret); p.User() != "alice" || p.Granted("lib") || p.GrantedRepository("https://github.com/acme/ws") || p.MayRelease("lib") != nil || p.MayRelease("other") == nil {
		t.Errorf("%s may do other than its user", p)
	}
	ask.Own, ask.User = false, "operator"
	if secret, _, err = w.CreateRunToken(t.Context(), ask); err != nil {
		t.Fatal(err)
	}
	if p := w.bearer(secret); !p.Granted("lib") || p.IsAdmin() || p.MayManage() == nil {
		t.Errorf("%s is an admin", p)
	}
	ask.Packages = nil
	for i := range maxRunPackages {
		ask.Packages = append(ask.Packages, fmt.Sprint("@acme/", strings.Repeat("a", 150), i))
	}
	if _, _, err := w.CreateRunToken(t.Context(), ask); err != nil {
		t.Errorf("with %d packages: %v", len(ask.Packages), err)
	}
	if err := w.RemoveUser(t.Context(), w.root(), "alice"); err != nil {
		t.Fatal(err)
	}
	ask.Own, ask.User, ask.Packages = true, "alice", []string{"lib"}
	_, _, err = w.CreateRunToken(t.Context(), ask)
	refused(t, err, fault.Forbidden, "no account")
}

// A run that has proven itself in its own request may do what its token could, and nothing more.
func TestOfRun(t *testing.T) {
	w := newWorld(t, Options{RootToken: rootToken})
	const sha, repository = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "https://github.com/acme/ws"
	ask := Run{
		User: StockUser, Packages: []string{"*"}, Repositories: []string{repository},
		RunLimits: RunLimits{Proof: provenance.Proof{Tier: provenance.Preview, SHA: sha}, Refs: []string{"branch/main"}},
	}
	for what, change := range map[string]func(*Run){
		"for no package":    func(r *Run) { r.Packages = nil },
		"for no repository": func(r *Run) { r.Repositories = nil },
		"for a bad one":     func(r *Run) { r.Repositories = []string{"ws"} },
		"of nobody":         func(r *Run) { r.User = "" },
	} {
		other := ask
		change(&other)
		_, err := w.OfRun(other)
		refused(t, err, fault.Invalid)
		if err == nil {
			t.Errorf("a run %s is somebody", what)
		}
	}
	p, err := w.OfRun(ask)
	if err != nil || p.User() != StockUser || p.IsAdmin() || p.MayUpload() != nil || !p.GrantedRepository(repository) || p.MayPublishCommit(sha, []string{"branch/main"}) != nil || p.MayRead() != nil {
		t.Fatalf("OfRun = %v, %v", p, err)
	}
	refused(t, p.MayPublishCommit(sha, []string{"branch/other"}), fault.Forbidden, "branch/other")
	refused(t, p.MayPublishCommit("bbbb", nil), fault.Forbidden, "bbbb")
	refused(t, p.MayPublish("https://github.com/acme/other"), fault.Forbidden, "acme/other")
	refused(t, p.MayRelease("a"), fault.Forbidden, "previews only")
	refused(t, p.MayManage(), fault.Forbidden)
	_, _, err = w.CreateToken(t.Context(), p, NewToken{Name: "copy"})
	refused(t, err, fault.Forbidden, "can't make other tokens")
	all, err := ParseRepositories([]string{"acme/*", "https://git.example.com/a/b"})
	if err != nil || !all.Cover(repository) || !all.Cover("https://git.example.com/A/b") || all.Cover("https://git.example.com/acme/ws") || all.Cover("https://github.com/acme2/ws") || all.Cover("") {
		t.Errorf("ParseRepositories = %v, %v", all, err)
	}
	_, err = ParseRepositories([]string{"acme/*", "*me/ws"})
	refused(t, err, fault.Invalid, "*me/ws")
}

// A run of a fork speaks for nobody who could have an account, and for as many packages as it has built, of the size it said.
func TestForkToken(t *testing.T) {
	w := newWorld(t, Options{RootToken: rootToken})
	ask := Run{
		Name: "acme/ws#7", Repositories: []string{"https://github.com/acme/ws/-/pr/7"}, Expires: time.Minute,
		RunLimits: RunLimits{Proof: provenance.Proof{Tier: provenance.Fork, Repository: "Acme/ws"}, Contents: map[string]string{}, Sizes: map[string]int64{}},
	}
	for n := range 300 {
		name := fmt.Sprintf("@acme/p%03d", n)
		ask.Packages = append(ask.Packages, name)
		ask.Contents[name], ask.Sizes[name] = "sha512-a", 5
	}
	secret, info, err := w.CreateRunToken(t.Context(), ask)
	if err != nil {
		t.Fatal(err)
	}
	if info.User != "ci:acme/ws" || validUser(info.User) == nil {
		t.Errorf("it speaks for %q, which must not be a name that people can have", info.User)
	}
	p := w.bearer(secret)
	if err := cmp.Or(p.MayWrite("@acme/p299"), p.MayPublishBytes("@acme/p299", "sha512-a", 5)); err != nil {
		t.Error(err)
	}
	refused(t, p.MayPublishBytes("@acme/p299", "sha512-a", 6), fault.Forbidden, "6 bytes")
	refused(t, p.MayWrite("@acme/other"), fault.Forbidden)
	refused(t, p.MayPublish("https://github.com/acme/ws"), fault.Forbidden)
	refused(t, p.MayRelease("@acme/p299"), fault.Forbidden)
	for len(ask.Packages) <= maxRunPackages {
		ask.Packages = append(ask.Packages, "x")
	}
	if _, _, err := w.CreateRunToken(t.Context(), ask); err == nil {
		t.Error("a token for 1,001 packages was made")
	}
}
