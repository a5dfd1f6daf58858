package main

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/org/registry-action/internal/adminclient"
	"github.com/org/registry-action/internal/config"
	"github.com/org/registry-action/internal/wire"
	"github.com/org/registry-action/registry"
)

// onBoth runs a test on a folder that nobody uses, and on that of a running server.
func onBoth(t *testing.T, f func(t *testing.T, dir string)) {
	t.Run("no server", func(t *testing.T) { f(t, filepath.Join(t.TempDir(), "data")) })
	t.Run("beside a server", func(t *testing.T) {
		dir := t.TempDir()
		serving(t, dir)
		f(t, dir)
	})
}

func TestTokens(t *testing.T) {
	onBoth(t, func(t *testing.T, dir string) {
		made := cli(t, "", "token", "create", "--name", "ci", "--packages", "@acme/*,tool-*", "--expires", "90d", "--cidr", "10.0.0.0/8", "--data", dir).
			want(0, "may publish @acme/*, tool-* from 10.0.0.0/8, expires 20")
		if !regexp.MustCompile(`^regact_[A-Za-z0-9_]+\n$`).MatchString(made.stdout) {
			t.Errorf("stdout is %q, want the token alone", made.stdout)
		}
		secret := strings.TrimSpace(made.stdout)
		if strings.Contains(made.stderr, secret) {
			t.Error("the token is on stderr too")
		}
		var list wire.Tokens
		cli(t, "", "token", "list", "--json", "--data", dir).want(0, "").json(&list)
		if len(list.Tokens) != 1 || list.Tokens[0].Name != "ci" || !list.Tokens[0].Grant || list.Tokens[0].Expires.Sub(list.Tokens[0].Created) != 90*24*time.Hour {
			t.Fatalf("tokens = %+v", list)
		}
		key := list.Tokens[0].Key
		table := cli(t, "", "token", "list", "--data", dir).want(0, key)
		if strings.Contains(table.stdout, secret) {
			t.Error("the list shows the secret")
		}
		cli(t, "", "token", "revoke", secret, "--data", dir).want(2, "this is no key")
		cli(t, "", "token", "revoke", key[:8], "--data", dir).want(0, "revoked")
		cli(t, "", "token", "revoke", key[:8], "--data", dir).want(1, "no such token")
	})
}

// What would never end, where an end was asked for, is refused.
func TestTokenOfNoTime(t *testing.T) {
	for _, time := range []string{"0d", "0s", "20ms"} {
		cli(t, "", "token", "create", "--name", "ci", "--expires", time, "--data", t.TempDir()).want(2, "never expires")
	}
}

func TestTokenJSON(t *testing.T) {
	dir := t.TempDir()
	var made wire.CreatedToken
	cli(t, "", "token", "create", "--name", "ci", "--user", "alice", "--permissions", "read", "--json", "--data", dir).want(0, "").json(&made)
	if made.Secret == "" || made.Token.User != "alice" || made.Token.Permission != "read" || !made.Token.Expires.IsZero() {
		t.Errorf("made %+v", made)
	}
}

func TestUsers(t *testing.T) {
	onBoth(t, func(t *testing.T, dir string) {
		const password = "correct horse battery"
		added := cli(t, password+"\nmore\n", "user", "add", "alice", "--email", "alice@acme.example", "--data", dir).want(0, "made the account alice")
		if added.stdout != "" || strings.Contains(added.stderr, password) {
			t.Errorf("stdout %q, stderr %q", added.stdout, added.stderr)
		}
		cli(t, "another password", "user", "add", "alice", "--data", dir).want(0, "has a new password")
		cli(t, "short", "user", "add", "bob", "--data", dir).want(1, "8 to 1024 characters")
		cli(t, "", "user", "add", "bob", "--data", dir).want(1, "no password on standard input")
		cli(t, strings.Repeat("x", 1<<20), "user", "add", "bob", "--data", dir).want(1, "")
		var list wire.Users
		cli(t, "", "user", "list", "--json", "--data", dir).want(0, "").json(&list)
		if len(list.Users) != 1 || list.Users[0].Email != "alice@acme.example" {
			t.Errorf("users = %+v", list)
		}
		cli(t, "", "user", "list", "--data", dir).want(0, "alice@acme.example")
		cli(t, "", "user", "remove", "alice", "--data", dir).want(0, "removed alice")
		cli(t, "", "user", "remove", "alice", "--data", dir).want(1, "no user")
	})
}

func TestRepositories(t *testing.T) {
	dir := t.TempDir()
	reg, err := registry.New(registry.Config{DataDir: dir, BaseURL: "http://localhost", NoUpstream: true})
	if err != nil {
		t.Fatal(err)
	}
	tarball := strings.NewReader(tgz(t, `{"name":"a","version":"1.0.0"}`))
	if _, err := reg.PublishCommit(t.Context(), "acme/ws", strings.Repeat("a", 40), nil, tarball); err != nil {
		t.Fatal(err)
	}
	if err := reg.Close(); err != nil {
		t.Fatal(err)
	}
	check := func() {
		owners := func(want string) {
			if r := cli(t, "", "repository", "owners", "Acme/ws", "--data", dir).want(0, ""); r.stdout != want {
				t.Errorf("the owners are %q, want %q", r.stdout, want)
			}
		}
		owners("operator\n")
		cli(t, "", "repository", "add-owner", "acme/ws", "alcie", "--data", dir).want(1, `there is no user "alcie" here`)
		cli(t, "", "token", "create", "--name", "ci", "--data", dir).want(0, "")
		cli(t, "", "repository", "add-owner", "https://github.com/acme/ws", "ci", "--data", dir).want(0, "belongs to operator, ci")
		cli(t, "", "repository", "remove-owner", "acme/ws", "operator", "--data", dir).want(0, "belongs to ci")
		owners("ci\n")
		cli(t, "", "repository", "remove-owner", "acme/ws", "ci", "--data", dir).want(1, "at least one owner")
		cli(t, "", "repository", "add-owner", "acme/ws", "operator", "--data", dir).want(0, "belongs to ci, operator")
		cli(t, "", "repository", "remove-owner", "acme/ws", "ci", "--data", dir).want(0, "belongs to operator")
		cli(t, "", "repository", "owners", "acme/other", "--data", dir).want(1, "nobody owns https://github.com/acme/other")
		cli(t, "", "repository", "owners", "acme", "--data", dir).want(1, "is not a repository")
	}
	check()
	serving(t, dir)
	check() // beside a server
}

func TestTokensOfRepositories(t *testing.T) {
	dir := t.TempDir()
	cli(t, "", "token", "create", "--name", "ci", "--repositories", "acme/*,https://git.example.com/a/b", "--data", dir).
		want(0, "may publish, commits of acme/*, https://git.example.com/a/b, never")
	cli(t, "", "token", "create", "--name", "ci", "--repositories", "acme", "--data", dir).want(1, "is no pattern of repositories")
	var list wire.Tokens
	cli(t, "", "token", "list", "--json", "--data", dir).want(0, "").json(&list)
	if len(list.Tokens) != 1 || !list.Tokens[0].Grant || len(list.Tokens[0].Repositories) != 2 || len(list.Tokens[0].Packages) != 0 {
		t.Errorf("tokens = %+v", list)
	}
	cli(t, "", "token", "list", "--data", dir).want(0, "publish acme/*,https://git.example.com/a/b")
}

func TestKeys(t *testing.T) {
	onBoth(t, func(t *testing.T, dir string) {
		cli(t, "", "key", "rotate", "--data", dir).want(0, "signed with the key SHA256:")
		cli(t, "", "key", "rotate", "--data", dir).want(0, "")
		var keys wire.Keys
		cli(t, "", "key", "list", "--json", "--data", dir).want(0, "").json(&keys)
		if len(keys.Keys) < 2 || keys.Keys[0].Expires != nil || keys.Keys[1].Expires == nil {
			t.Errorf("keys = %+v", keys)
		}
		cli(t, "", "key", "list", "--data", dir).want(0, "what was published before")
	})
}

func TestRevokeKey(t *testing.T) {
	onBoth(t, func(t *testing.T, dir string) {
		var keys wire.LumenKeys
		cli(t, "", "key", "rotate", "--kind", "lumen", "--data", dir).want(0, "")
		cli(t, "", "key", "list", "--kind", "lumen", "--json", "--data", dir).want(0, "").json(&keys)
		old := keys.Keys[0].KeyID
		cli(t, "", "key", "revoke", "--kind", "lumen", old, "--data", dir).want(0, "the key "+old+" is revoked")
		cli(t, "", "key", "revoke", "--kind", "lumen", old, "--data", dir).want(0, "also the 0 versions")
		cli(t, "", "key", "list", "--kind", "lumen", "--data", dir).want(0, "nothing: it was revoked")
		cli(t, "", "key", "list", "--kind", "lumen", "--json", "--data", dir).want(0, "").json(&keys)
		if len(keys.Keys) != 3 || keys.Keys[0].KeyID == old {
			t.Errorf("keys = %+v", keys)
		}
		for _, k := range keys.Keys {
			if k.Revoked != (k.KeyID == old) {
				t.Errorf("key %s is revoked: %v", k.KeyID, k.Revoked)
			}
		}
		cli(t, "", "key", "revoke", "--kind", "lumen", strings.Repeat("0", 32), "--data", dir).want(1, "none of this registry's keys")
	})
	cli(t, "", "key", "revoke", "--kind", "lumen", "xyz").want(2, "32 hex digits")
	cli(t, "", "key", "revoke", "SHA256:abc").want(2, "a key of npm can't be revoked")
}

func TestCommandUsage(t *testing.T) {
	dir := t.TempDir()
	for _, args := range [][]string{
		{"token"}, {"token", "create"}, {"token", "create", "--name", "x", "--permissions", "all"}, {"token", "create", "--name", "x", "--expires", "soon"},
		{"token", "revoke"}, {"user", "add"}, {"import"}, {"import", "npm", dir}, {"import", "pantry"},
		{"import", "pantry", dir, "--max-package-size", "0"}, {"key", "list", "extra"},
	} {
		cli(t, "", append(args, "--data", filepath.Join(dir, "data"))...).want(2, "registry-server")
	}
	// What there is to see of a folder that is not there is a mistake.
	for _, args := range [][]string{{"token", "list"}, {"user", "list"}, {"key", "list"}, {"user", "remove", "alice"}, {"token", "revoke", "0123456789"}} {
		cli(t, "", append(args, "--data", filepath.Join(dir, "data"))...).want(1, "there is no data folder")
	}
	if _, err := os.Stat(filepath.Join(dir, "data")); err == nil {
		t.Error("a command that failed made the data folder")
	}
}

func TestEveryCommandHasWork(t *testing.T) {
	var c commands
	for _, name := range []string{
		"token create", "token list", "token revoke", "user add", "user list", "user remove", "key list", "key rotate", "key revoke", "import pantry", "import verdaccio",
		"trust add", "trust list", "trust remove", "repository owners", "repository add-owner", "repository remove-owner",
	} {
		if _, err := c.find(name); err != nil {
			t.Error(err)
		}
		help := cli(t, "", append(strings.Fields(name), "--help")...).want(0, "--data")
		if !strings.Contains(help.stdout, "REGISTRY_DATA") {
			t.Errorf("the help of %s does not name REGISTRY_DATA", name)
		}
	}
}

func TestRunningFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "running.json")
	_, stop := serving(t, dir)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("running.json: %v, %v; want it with mode 0600", info, err)
	}
	first, err := adminclient.ReadRunning(dir)
	if err != nil {
		t.Fatal(err)
	}
	stop()
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("running.json after the server's end: %v", err)
	}
	// A server that was killed leaves its file behind; nobody uses the folder then.
	if _, err := adminclient.WriteRunning(dir, first); err != nil {
		t.Fatal(err)
	}
	cli(t, "", "token", "list", "--data", dir).want(0, "KEY")
	_, stop = serving(t, dir)
	defer stop()
	second, err := adminclient.ReadRunning(dir)
	if err != nil || second.Token == first.Token {
		t.Errorf("the second run has %v, the first had %v; %v", second, first, err)
	}
	if err := adminclient.Remote(second.URL, first.Token).Ping(t.Context()); err == nil {
		t.Error("the token of the first run opens the second")
	}
}

// A folder that is in use by what does not answer is not waited for forever.
func TestFolderInUse(t *testing.T) {
	dir := t.TempDir()
	reg, err := registry.New(registry.Config{DataDir: dir, BaseURL: "http://localhost", NoUpstream: true})
	if err != nil {
		t.Fatal(err)
	}
	defer reg.Close()
	if _, err := adminclient.WriteRunning(dir, adminclient.Running{URL: "http://127.0.0.1:1", Token: "secret"}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 600*time.Millisecond)
	defer cancel()
	var stdout, stderr bytes.Buffer
	code := run(ctx, []string{"token", "list", "--data", dir}, func(string) string { return "" }, strings.NewReader(""), &stdout, &stderr)
	if code != 1 || !strings.Contains(stderr.String(), "another process is using the data folder") || strings.Contains(stderr.String(), "secret") {
		t.Errorf("exit code %d, %s", code, &stderr)
	}
}

func TestOwnURL(t *testing.T) {
	for addr, want := range map[string]string{
		"127.0.0.1:3000": "http://127.0.0.1:3000", "0.0.0.0:80": "http://127.0.0.1:80", "[::]:3000": "http://127.0.0.1:3000",
		"[::1]:3000": "http://[::1]:3000", "192.0.2.7:3000": "http://192.0.2.7:3000",
	} {
		tcp, err := net.ResolveTCPAddr("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		if got := ownURL(tcp); got != want {
			t.Errorf("ownURL(%s) = %s, want %s", addr, got, want)
		}
	}
}

// The options of the commands are not those of the server that docs/config.md lists.
func TestOptionsOfTheServer(t *testing.T) {
	list, err := config.Program{Name: "registry-server"}.Options(&options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range list {
		if o.Flag == "--permissions" || o.Flag == "--all" {
			t.Errorf("%s is an option of a command", o.Flag)
		}
	}
}
