package registry_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/domain/trust/issuertest"
	"github.com/org/registry-action/internal/wire"
	"github.com/org/registry-action/registry"
)

// Git and GitHub let branches, workflows and environments be called nearly anything. Pages show it, and nothing comes of
// it; nor does it make a line of the log.
func TestHostileNamesOfRuns(t *testing.T) {
	const hostile = `x"'><img/src=x/onerror=alert(1)><!--`
	n, issuer := trusting(t, registry.Config{})
	n.bind(t, wire.NewTrust{})
	run := issuertest.Push(widgets, headSHA).With(issuertest.Claims{
		"ref": "refs/heads/" + hostile, "environment": hostile, "workflow_ref": widgets + "/.github/workflows/x\"><img>.yml@refs/heads/" + hostile, "job_workflow_ref": nil,
	})
	token := n.tokenOf(t, issuer.Token(audience, run), `{"packages": ["@acme/a"]}`).Token
	body, header := form(t, "sha", headSHA, "repository", widgets, "ref", "branch/"+hostile, "package:@acme/a", tgz(t, "@acme/a", previewOf(headSHA), "x"))
	if a := n.request("POST", "/publish/commit", body, header, bearer(token)); a.StatusCode != http.StatusCreated {
		t.Fatalf("publishing answers %d %s", a.StatusCode, a.body)
	}
	seen := false
	for _, path := range []string{"/", "/acme/widgets", "/commits/" + headSHA, "/commits/" + headSHA + "/@acme/a", "/search?q=acme", "/acme/widgets/tree/x%22%27%3E%3Cimg%2Fsrc=x%2Fonerror=alert(1)%3E%3C!--"} {
		a := n.request("GET", path, nil, "Accept: text/html")
		page := string(a.body)
		if strings.Contains(page, "<img/src") || strings.Contains(page, "<img>") || strings.Contains(page, `x"'>`) {
			t.Errorf("the page %s has markup of a name's", path)
		}
		seen = seen || strings.Contains(page, "onerror")
		if csp := a.Header.Get("Content-Security-Policy"); a.StatusCode == http.StatusOK && !strings.Contains(csp, "default-src 'none'") {
			t.Errorf("the page %s has the policy %q", path, csp)
		}
	}
	if !seen {
		t.Error("no page shows the branch, so nothing was tested")
	}
	two := issuertest.Push(widgets, headSHA).With(issuertest.Claims{"environment": "a\ntime=now level=INFO msg=audit who=admin"})
	if a := n.exchange(issuer.Token(audience, two), `{"packages": ["@acme/a\nmsg=forged"]}`); a.StatusCode != http.StatusUnauthorized {
		t.Errorf("a name of two lines: %d %s", a.StatusCode, a.body)
	}
	for line := range strings.Lines(n.log.String()) {
		if !strings.HasPrefix(line, "time=20") {
			t.Errorf("the log has the line %q", fmt.Sprintf("%.200s", line))
		}
	}
}
