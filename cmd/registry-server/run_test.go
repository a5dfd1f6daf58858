package main

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/config"
	"github.com/org/registry-action/internal/config/configtest"
	"github.com/org/registry-action/registry"
)

func TestDocs(t *testing.T) {
	options, err := config.Program{Name: "registry-server"}.Options(&options{})
	if err != nil {
		t.Fatal(err)
	}
	configtest.CheckDoc(t, "../../docs/config.md", config.Table(options))
}

func TestUsage(t *testing.T) {
	tests := []struct {
		name string
		args []string
		env  map[string]string
		text string
	}{
		{"open on every address", []string{"--host", "0.0.0.0"}, nil, "REGISTRY_TOKEN"},
		{"open on every address, by environment", nil, map[string]string{"HOST": "::"}, "REGISTRY_TOKEN"},
		{"a token to guess", nil, map[string]string{"PANTRY_REGISTRY_TOKEN": "abc"}, "8 can be guessed"},
		{"an issuer that is none", []string{"--port", "0"}, map[string]string{"OIDC_ISSUERS": "github"}, "OIDC_ISSUERS"},
		{"a file of policies that is none", []string{"--port", "0", "--trust-file", "none.json"}, nil, "TRUST_FILE"},
		{"a short token on every address", []string{"--host", "0.0.0.0"}, map[string]string{"PANTRY_REGISTRY_TOKEN": "fifteen-letters"}, "16 is too easily guessed"},
		{"a short token behind a public name", []string{"--base-url", "https://registry.example.com"}, map[string]string{"PANTRY_REGISTRY_TOKEN": "fifteen-letters"}, "16 is too easily guessed"},
		{"a proxy that is none", []string{"--port", "0"}, map[string]string{"TRUSTED_PROXIES": "10.0.0.1,proxy.example"}, "proxy.example"},
		{"everybody as a proxy", []string{"--port", "0", "--trusted-proxies", "0.0.0.0/0"}, nil, "TRUSTED_PROXIES"},
		{"a bucket by its URL", []string{"--port", "0"}, map[string]string{"S3_BUCKET": "s3://my-bucket/npm"}, "S3_PREFIX"},
		{"a bucket of no server", []string{"--port", "0"}, map[string]string{"S3_BUCKET": "my-bucket", "S3_ENDPOINT": "localhost:9000"}, "S3_ENDPOINT"},
		{"a table of no server", nil, map[string]string{"DYNAMODB_TABLE": "my-table", "DYNAMODB_ENDPOINT": "localhost:8000"}, "DYNAMODB_ENDPOINT"},
		{"no time to stop", []string{"--shutdown-timeout", "0s"}, nil, "SHUTDOWN_TIMEOUT"},
		{"metrics for whom", []string{"--metrics", "everybody"}, nil, "everybody"},
		{"a metrics token to guess", []string{"--port", "0"}, map[string]string{"METRICS_TOKEN": "short"}, "METRICS_TOKEN"},
		{"no retention", []string{"--retention", "0s"}, nil, "90d"},
		{"open behind a public name", []string{"--base-url", "https://registry.example.com"}, nil, "REGISTRY_TOKEN"},
		{"a base URL that is none", []string{"--port", "0"}, map[string]string{"BASE_URL": "localhost:3000"}, "BASE_URL"},
		{"a port that is none", []string{"--port", "99999"}, nil, "(PORT)"},
		{"a publish below a package", []string{"--port", "0", "--max-publish-size", "1MiB"}, nil, "MAX_PUBLISH_SIZE"},
		{"no size", []string{"--max-package-size", "0"}, nil, "MAX_PACKAGE_SIZE"},
		{"no quota for forks", []string{"--fork-quota", "0"}, nil, "FORK_QUOTA"},
		{"forks of what", []string{"--port", "0"}, map[string]string{"FORK_PREVIEWS": "acme"}, "FORK_PREVIEWS"},
		{"packages of what", []string{"--port", "0"}, map[string]string{"FORK_PACKAGES": "@acme"}, "FORK_PACKAGES"},
		{"an App without a key", []string{"--port", "0"}, map[string]string{"GITHUB_APP_ID": "12"}, "GITHUB_APP_PRIVATE_KEY"},
		{"a key without an App", []string{"--port", "0"}, map[string]string{"GITHUB_APP_PRIVATE_KEY": "x"}, "GITHUB_APP_ID"},
		{"a key that is not there", []string{"--port", "0"}, map[string]string{"GITHUB_APP_ID": "12", "GITHUB_APP_PRIVATE_KEY_FILE": "/nonexistent"}, "GITHUB_APP_PRIVATE_KEY_FILE"},
		{"no time after the end", []string{"--preview-after-close", "0s"}, nil, "PREVIEW_AFTER_CLOSE"},
		{"a bad size", []string{"--max-package-size", "huge"}, nil, "huge"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			code := run(t.Context(), tt.args, func(k string) string { return tt.env[k] }, strings.NewReader(""), &stdout, &stderr)
			if code != 2 || !strings.Contains(stderr.String(), tt.text) {
				t.Errorf("exit code %d, %q; want 2 and %q", code, stderr.String(), tt.text)
			}
			if token := tt.env["PANTRY_REGISTRY_TOKEN"]; token != "" && strings.Contains(stderr.String(), token) {
				t.Error("the token is shown")
			}
		})
	}
}

// Of an address that can't be had the option is named that is to blame.
func TestListen(t *testing.T) {
	taken, err := listen(t.Context(), "127.0.0.1", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	for _, c := range []struct {
		host string
		port int
		want string
	}{
		{"127.0.0.1", taken.Addr().(*net.TCPAddr).Port, "PORT"},
		{"203.0.113.7", 0, "HOST"}, // of a network for documentation
	} {
		if l, err := listen(t.Context(), c.host, c.port); err == nil {
			t.Errorf("%s port %d was free", c.host, c.port)
			_ = l.Close()
		} else if !strings.Contains(err.Error(), "("+c.want+")") {
			t.Errorf("%s port %d: %v, want %s named", c.host, c.port, err, c.want)
		}
	}
}

// A short token is taken on loopback, with a warning that does not show it.
func TestShortToken(t *testing.T) {
	for token, warned := range map[string]bool{"": false, "eightish": true, "fifteen-letters": true, "sixteen-letters!": false} {
		var log bytes.Buffer
		o := options{Host: "127.0.0.1", Token: token, MaxPackageSize: 1, MaxPublishSize: 1, CacheSize: 1, UpstreamMaxAge: 1, Retention: 1, ShutdownTimeout: 1, forks: forks{ForkQuota: 1, AfterClose: 1}}
		if err := o.check(); err != nil {
			t.Errorf("%q is refused: %v", token, err)
		}
		o.warn(slog.New(slog.NewTextHandler(&log, nil)))
		if got := strings.Contains(log.String(), "level=WARN"); got != warned || token != "" && strings.Contains(log.String(), token) {
			t.Errorf("of %q the log has %q", token, &log)
		}
	}
}

func TestHelpTeaches(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"--help"}, func(string) string { return "" }, strings.NewReader(""), &stdout, &stderr); code != 0 {
		t.Fatalf("--help: exit code %d, %s", code, stderr.String())
	}
	for _, want := range []string{"$PORT", "$BASE_URL", "$REGISTRY_TOKEN", "$PANTRY_REGISTRY_TOKEN", "$REGISTRY_DATA", "100MiB", "90d", "Examples:"} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("--help lacks %q", want)
		}
	}
}

// A server that can't write where commands find it, as on a full disk, still serves.
func TestServesUnannounced(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "running.json", "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	url, stop := serving(t, dir)
	if status := get(t, url+"/health")["status"]; status != "ok" {
		t.Errorf("its health is %v", status)
	}
	stop()
}

// With LOG_FORMAT=json each line of the log is an object, and that of a request has the id which its answer has.
func TestJSONLog(t *testing.T) {
	url, log, stop := servingLogged(t, t.TempDir(), map[string]string{"LOG_FORMAT": "json"}, "--log-level", "debug")
	resp, err := http.Get(url + "/health")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	stop()
	id, found := resp.Header.Get("X-Request-Id"), false
	for line := range strings.Lines(log.String()) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil || fields["msg"] == nil || fields["level"] == nil {
			t.Errorf("the line %q is no event in JSON: %v", line, err)
		}
		found = found || fields["path"] == "/health" && fields["request"] == id
	}
	if id == "" || !found {
		t.Errorf("no line has the request %q:\n%s", id, log)
	}
}

// The greeting names the upstream and what chose it, and no credentials.
func TestGreetingNamesUpstream(t *testing.T) {
	for want, c := range map[string]registry.Config{
		"from https://registry.example.com/npm (NPM_UPSTREAM)": {Upstream: "https://registry.example.com/npm/", UpstreamToken: "secret"},
		"not looked for elsewhere (NPM_FALLBACK=false)":        {NoUpstream: true, Upstream: "https://registry.example.com", UpstreamToken: "secret"},
	} {
		c.DataDir, c.BaseURL = t.TempDir(), "http://localhost:4000"
		r, err := registry.New(c)
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		greetUpstream(&out, r)
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if got := out.String(); !strings.Contains(got, want) || strings.Count(got, "\n") != 1 || strings.Contains(got, "secret") {
			t.Errorf("greeting %q, want a line with %q", got, want)
		}
	}
}
