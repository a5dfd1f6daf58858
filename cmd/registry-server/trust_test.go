package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/wire"
)

func TestTrust(t *testing.T) {
	onBoth(t, func(t *testing.T, dir string) {
		add := []string{"trust", "add", "github", "acme/widgets", "--repository-id", "74", "--owner-id", "65", "--data", dir}
		preview := cli(t, "", add...).want(0, "the runs of acme/widgets may publish * (preview)")
		if id := strings.TrimSpace(preview.stdout); len(id) != 16 || strings.Contains(preview.stderr, "first run") {
			t.Errorf("it says %q, %q", preview.stdout, preview.stderr)
		}
		cli(t, "", append(add, "--tier", "release", "--packages", "@acme/*")...).want(0, "whoever may push a branch")
		var made wire.Trust
		cli(t, "", append(add, "--tier", "release", "--packages", "@acme/a,@acme/b", "--workflow", "release.yml", "--environment", "npm", "--ref", "refs/tags/v*", "--event", "release", "--self-hosted", "--json")...).
			want(0, "").json(&made)
		if made.Tier != "release" || strings.Join(made.Packages, " ") != "@acme/a @acme/b" || made.Workflow != "release.yml" || made.Environment != "npm" || strings.Join(made.Refs, " ") != "refs/tags/v*" ||
			strings.Join(made.Events, " ") != "release" || !made.SelfHosted || made.RepositoryID != 74 || made.OwnerID != 65 {
			t.Errorf("the policy is %+v", made)
		}
		var list wire.Trusts
		cli(t, "", "trust", "list", "--json", "--data", dir).want(0, "").json(&list)
		if len(list.Policies) != 3 {
			t.Errorf("the list is %+v", list)
		}
		table := cli(t, "", "trust", "list", "--data", dir).want(0, "acme/widgets")
		if !strings.Contains(table.stdout, "refs/tags/v*") || !strings.Contains(table.stdout, "74") {
			t.Errorf("the table is\n%s", table.stdout)
		}
		cli(t, "", "trust", "remove", made.ID, "--data", dir).want(0, "removed")
		cli(t, "", "trust", "remove", made.ID, "--data", dir).want(1, "there is no policy")
		cli(t, "", append(add, "--tier", "release")...).want(1, "names the packages")
		all := []string{"trust", "add", "github", "acme/*", "--data", dir}
		cli(t, "", all...).want(1, "--owner-id")
		cli(t, "", append(all, "--owner-id", "65", "--tier", "release", "--packages", "@acme/*")...).want(1, "could release")
		cli(t, "", append(all, "--owner-id", "65")...).want(0, "the runs of acme/* may publish * (preview)")
		cli(t, "", "trust", "list", "--data", dir).want(0, "owner 65")
		cli(t, "", append(add, "--event", "pull_request_target")...).want(1, "pull_request_target")
	})
}

func TestTrustUsage(t *testing.T) {
	dir := t.TempDir()
	for _, args := range [][]string{
		{"trust"}, {"trust", "add"}, {"trust", "add", "github"}, {"trust", "add", "gitlab", "acme/widgets"}, {"trust", "add", "github", "acme/widgets", "--tier", "fork"},
		{"trust", "add", "github", "acme/widgets", "--repository-id", "x"}, {"trust", "remove"},
	} {
		cli(t, "", append(args, "--data", dir)...).want(2, "registry-server")
	}
}

// A server that others reach needs a token or a file of policies. With the file its own machine may do no more than others.
func TestTrustFileInPlaceOfToken(t *testing.T) {
	file := filepath.Join(t.TempDir(), "trust.json")
	if err := os.WriteFile(file, []byte(`{"policies": [{"repository": "acme/widgets", "repositoryId": 74, "ownerId": 65}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for host, runsOnly := range map[string]bool{"0.0.0.0": true, "127.0.0.1": false} {
		o := options{Host: host, TrustFile: file, MaxPackageSize: 1, MaxPublishSize: 1, CacheSize: 1, UpstreamMaxAge: 1, Retention: 1, ShutdownTimeout: 1, forks: forks{ForkQuota: 1, AfterClose: 1}}
		if err := o.check(); err != nil {
			t.Errorf("%s: %v", host, err)
		}
		if o.runsOnly() != runsOnly || (o.settings(&net.TCPAddr{Port: 3000}).Token != "") != runsOnly {
			t.Errorf("%s: own machine is let in: %v", host, !runsOnly)
		}
	}
	public := options{Host: "127.0.0.1", BaseURL: "https://registry.example.com", TrustFile: file}
	if a, b := public.settings(&net.TCPAddr{Port: 3000}).Token, public.settings(&net.TCPAddr{Port: 3000}).Token; len(a) < 40 || a == b {
		t.Errorf("behind a proxy the token is %q", a)
	}
}
