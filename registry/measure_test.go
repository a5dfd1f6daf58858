package registry_test

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/org/registry-action/internal/wire"
	"github.com/org/registry-action/registry"
)

const metricsToken = "metrics-token-of-the-test"

// busy is a server behind another registry that has done something of everything.
func busy(t *testing.T) *node {
	t.Helper()
	f := newFar(t, "lodash")
	n, _ := behind(t, f, registry.Config{MetricsToken: metricsToken})
	n.get("/lodash")
	n.get("/lodash")
	n.get("/lodash/-/lodash-1.0.0.tgz")
	if a := n.publish("secret-package", "1.0.0"); a.StatusCode != 201 {
		t.Fatalf("publishing answers %d %s", a.StatusCode, a.body)
	}
	n.publish("secret-package", "1.0.0")
	n.get("/secret-package")
	n.get("/no/such/route/at/all")
	n.postForm("repository", "secret/repository")
	return n
}

func TestMetrics(t *testing.T) {
	page := string(busy(t).get("/metrics").body)
	for _, want := range []string{
		`registry_http_requests_total{method="GET",route="/{name}",status="200"} 3`,
		`registry_http_requests_total{method="GET",route="/{name}/-/{file}",status="200"} 1`,
		`registry_http_requests_total{method="GET",route="none",status="404"} 1`,
		`registry_http_requests_total{method="POST",route="/publish/commit",status="400"} 1`,
		`registry_http_requests_in_flight 1`,
		`registry_publishes_total{kind="npm",outcome="ok"} `,
		`registry_publishes_total{kind="commit",outcome="refused"} 1`,
		`registry_store_calls_total{op="get",outcome="ok",store="metadata"}`,
		`registry_store_calls_total{op="put",outcome="ok",store="blobs"}`,
		`registry_upstream_requests_total{outcome="2xx",upstream="npm"}`,
		`registry_upstream_up{upstream="npm"} 1`,
		`registry_cache_lookups_total{cache="disk",result="miss"}`,
		`registry_cache_lookups_total{cache="packuments",result="hit"}`,
		`registry_build_info{`, `go_goroutines `, `process_`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
	for _, secret := range []string{"secret", "lodash", "no/such"} {
		if strings.Contains(page, secret) {
			t.Errorf("the metrics hold %q, which a client has sent", secret)
		}
	}
	if t.Failed() {
		t.Log(page)
	}
}

func TestWhoReadsMetrics(t *testing.T) {
	for _, tt := range []struct {
		name    string
		config  registry.Config
		headers []string
		want    int
	}{
		{"this machine", registry.Config{}, nil, 200},
		{"a proxy", registry.Config{}, []string{"X-Forwarded-For: 203.0.113.9"}, 401},
		{"a proxy that says nothing", registry.Config{TrustedProxies: []string{"127.0.0.1"}}, nil, 401},
		{"a public name", registry.Config{}, []string{"Host: registry.example.com"}, 401},
		{"a page of another site", registry.Config{}, []string{"Sec-Fetch-Site: cross-site"}, 401},
		{"a page of another origin", registry.Config{}, []string{"Origin: https://evil.example"}, 401},
		{"the token", registry.Config{MetricsToken: metricsToken}, []string{"Host: registry.example.com", "Authorization: Bearer " + metricsToken}, 200},
		{"another token", registry.Config{MetricsToken: metricsToken}, []string{"Host: registry.example.com", "Authorization: Bearer " + metricsToken + "x"}, 401},
		{"no token is none", registry.Config{}, []string{"Host: registry.example.com", "Authorization: Bearer "}, 401},
		{"the root token", registry.Config{}, []string{"Host: registry.example.com", "Authorization: Bearer " + rootToken}, 200},
		{"public", registry.Config{Metrics: registry.MetricsPublic}, []string{"Host: registry.example.com"}, 200},
		{"off", registry.Config{Metrics: registry.MetricsOff}, []string{"Authorization: Bearer " + rootToken}, 404},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.config.Token = rootToken
			n := start(t, tt.config)
			a := n.get("/metrics", tt.headers...)
			if a.StatusCode != tt.want || (tt.want == 200) != strings.Contains(string(a.body), "registry_build_info") {
				t.Errorf("the metrics answer %d %.200s, want %d", a.StatusCode, a.body, tt.want)
			}
			if a.StatusCode == 200 && a.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("Cache-Control is %q", a.Header.Get("Cache-Control"))
			}
		})
	}
}

// A publisher's token does not show what the server does, and the metrics' token nothing else.
func TestMetricsTokenIsNoOther(t *testing.T) {
	n := start(t, registry.Config{Token: rootToken, MetricsToken: metricsToken, ReadAuth: true})
	secret, _ := n.postJSON("/-/admin/tokens", wire.NewToken{Name: "ci", Permission: "publish"}, "Authorization: Bearer "+rootToken).json(t)["token"].(string)
	if a := n.get("/metrics", "Host: registry.example.com", "Authorization: Bearer "+secret); a.StatusCode != 403 || secret == "" {
		t.Errorf("to a publisher the metrics answer %d", a.StatusCode)
	}
	for _, path := range []string{"/x", "/-/whoami", "/-/admin/tokens"} {
		if a := n.get(path, "Authorization: Bearer "+metricsToken); a.StatusCode != http.StatusUnauthorized {
			t.Errorf("the metrics' token gets %d at %s", a.StatusCode, path)
		}
	}
}

// ready answers anybody, on private servers too, and names nothing that is inside.
func TestReady(t *testing.T) {
	n := start(t, registry.Config{Token: rootToken, ReadAuth: true})
	a := n.get("/ready", "Host: 10.0.0.5")
	if want := `{"checks":{"blobs":"ok","disk":"ok","metadata":"ok"},"status":"ready"}` + "\n"; a.StatusCode != 200 || string(a.body) != want || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("/ready = %d %v %s", a.StatusCode, a.Header, a.body)
	}
	n.Drain()
	if a := n.get("/ready"); a.StatusCode != 503 || a.json(t)["status"] != "stopping" {
		t.Errorf("drained: %d %s", a.StatusCode, a.body)
	}
	if a := n.get("/health"); a.StatusCode != 200 {
		t.Errorf("the health is %d", a.StatusCode)
	}
}

// exprsOf are the expressions of a file of rules.
func exprsOf(t *testing.T, text []byte) (exprs []string) {
	t.Helper()
	var file struct {
		Groups []struct {
			Rules []struct{ Alert, Expr string }
		}
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			exprs = append(exprs, r.Expr)
		}
	}
	return exprs
}

// The alerts speak of metrics and labels that a server really has.
func TestAlerts(t *testing.T) {
	page := string(busy(t).get("/metrics").body)
	text, err := os.ReadFile(filepath.Join("..", "infrastructure", "prometheus-alerts.yml"))
	if err != nil {
		t.Fatal(err)
	}
	exprs := exprsOf(t, text)
	if len(exprs) < 5 {
		t.Fatalf("there are only %d alerts", len(exprs))
	}
	metric := regexp.MustCompile(`\b(?:registry|go|process)_\w+`)
	selector := regexp.MustCompile(`\{((?:\w+(?:=|=~|!=|!~)"[^"]*",? ?)+)\}`)
	matcher := regexp.MustCompile(`(\w+)(?:=|!)`)
	for _, expr := range exprs {
		names := metric.FindAllString(expr, -1)
		if len(names) == 0 && !strings.HasPrefix(expr, "up") {
			t.Errorf("%s names no metric", expr)
		}
		for _, name := range names {
			if !strings.Contains(page, "\n"+name+" ") && !strings.Contains(page, "\n"+name+"{") {
				t.Errorf("%s: no server has %s", expr, name)
			}
		}
		for _, s := range selector.FindAllStringSubmatch(expr, -1) {
			for _, m := range matcher.FindAllStringSubmatch(s[1], -1) {
				if label := m[1]; label != "job" && !strings.Contains(page, label+`="`) {
					t.Errorf("%s: no metric has the label %s", expr, label)
				}
			}
		}
		if strings.Contains(expr, "{") && !selector.MatchString(expr) {
			t.Errorf("%s has a selector that is none", expr)
		}
		if strings.Count(expr, "(") != strings.Count(expr, ")") || strings.Count(expr, "{") != strings.Count(expr, "}") {
			t.Errorf("%s is not balanced", expr)
		}
	}
}
