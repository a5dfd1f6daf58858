package trust

import (
	"testing"

	"github.com/org/registry-action/internal/fault"
)

func TestIssuers(t *testing.T) {
	for text, want := range map[string]Issuer{
		GitHub:                                   {URL: GitHub, Forge: "https://github.com"},
		GitHub + "/acme":                         {URL: GitHub + "/acme", Forge: "https://github.com"},
		"https://token.actions.acme.ghe.com":     {URL: "https://token.actions.acme.ghe.com", Forge: "https://acme.ghe.com"},
		"https://git.acme.dev/_services/token":   {URL: "https://git.acme.dev/_services/token", Forge: "https://git.acme.dev"},
		"https://codeberg.org/api/actions":       {URL: "https://codeberg.org/api/actions", Forge: "https://codeberg.org"},
		"http://127.0.0.1:8080":                  {URL: "http://127.0.0.1:8080", Forge: "http://127.0.0.1:8080"},
		"https://a.dev; forge=https://b.dev/x":   {URL: "https://a.dev", Forge: "https://b.dev"},
		"https://a.dev;keys=/etc/keys.json":      {URL: "https://a.dev", Forge: "https://a.dev", KeysFile: "/etc/keys.json"},
		"https://token.actions.evil.ghe.com.dev": {URL: "https://token.actions.evil.ghe.com.dev", Forge: "https://token.actions.evil.ghe.com.dev"},
	} {
		got, err := ParseIssuers([]string{text})
		if err != nil || len(got) != 1 || got[0] != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, bad := range []string{"", "github", "http://a.dev", "https://u:p@a.dev", "https://a.dev?x=1", "https://a.dev#x", "file:///etc", "https://a.dev;secret=1", "https://a.dev;forge=http://b.dev", "https://"} {
		_, err := ParseIssuers([]string{bad})
		refused(t, err, fault.Invalid, "", "OIDC_ISSUERS")
	}
	if got, err := ParseIssuers(nil); err != nil || len(got) != 1 || got[0].URL != GitHub {
		t.Errorf("none: %+v, %v", got, err)
	}
}
