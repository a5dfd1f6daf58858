package registry_test

import (
	"strings"
	"testing"

	"github.com/org/registry-action/internal/wire"
	"github.com/org/registry-action/registry"
)

// TestBehindAProxy: the client's address is what a trusted proxy says, for tokens
// that are bound to networks, the audit and the log.
func TestBehindAProxy(t *testing.T) {
	for name, tt := range map[string]struct {
		trusted   []string
		forwarded string
		status    int
		remote    string
	}{
		"no trusted proxy":           {nil, "203.0.113.9", 401, "127.0.0.1"},
		"another trusted proxy":      {[]string{"10.0.0.0/8"}, "203.0.113.9", 401, "127.0.0.1"},
		"a trusted proxy":            {[]string{"127.0.0.1", "::1"}, "203.0.113.9", 200, "203.0.113.9"},
		"a client's own header":      {[]string{"127.0.0.1", "::1"}, "203.0.113.9, 198.51.100.1", 401, "198.51.100.1"},
		"a client elsewhere":         {[]string{"127.0.0.1", "::1"}, "198.51.100.1", 401, "198.51.100.1"},
		"a header that is no header": {[]string{"127.0.0.1", "::1"}, "203.0.113.9, unknown", 401, "127.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			n := start(t, registry.Config{Token: rootToken, TrustedProxies: tt.trusted})
			made := n.postJSON("/-/admin/tokens", wire.NewToken{Name: "ci", Permission: "publish", CIDR: []string{"203.0.113.0/24"}}, "Authorization: Bearer "+rootToken)
			secret, _ := made.json(t)["token"].(string)
			if secret == "" {
				t.Fatalf("making a token = %d %s", made.StatusCode, made.body)
			}
			forwarded := "X-Forwarded-For: " + tt.forwarded
			if a := n.get("/-/whoami", "Authorization: Bearer "+secret, forwarded); a.StatusCode != tt.status {
				t.Errorf("whoami = %d %s, want %d", a.StatusCode, a.body, tt.status)
			}
			n.request("DELETE", "/a/-rev/1", nil, forwarded)
			for _, line := range []string{"msg=audit who=anonymous", "msg=request method=DELETE"} {
				if _, rest, _ := strings.Cut(n.log.String(), line); !strings.Contains(strings.SplitN(rest, "\n", 2)[0], "remote="+tt.remote+" ") {
					t.Errorf("the line %q has not remote=%s:\n%s", line, tt.remote, n.log)
				}
			}
		})
	}
}

// TestProxiedIsNeverLocal: on an open server a proxy on its machine, trusted or not,
// lets nobody in, whatever address it names.
func TestProxiedIsNeverLocal(t *testing.T) {
	for _, trusted := range [][]string{nil, {"127.0.0.1", "::1"}, {"10.0.0.1"}} {
		n := start(t, registry.Config{TrustedProxies: trusted})
		for _, forwarded := range []string{"127.0.0.1", "::1", "10.0.0.1", "203.0.113.9", "", "127.0.0.1, 127.0.0.1", "localhost"} {
			if a := n.get("/-/admin/tokens", "X-Forwarded-For: "+forwarded); a.StatusCode != 403 {
				t.Errorf("trusting %q, forwarded for %q: the tokens are shown: %d %s", trusted, forwarded, a.StatusCode, a.body)
			}
		}
		if a := n.get("/-/admin/tokens"); a.StatusCode != 200 {
			t.Errorf("this machine itself is not let in: %d %s", a.StatusCode, a.body)
		}
	}
}
