package webui

import (
	"strings"
	"testing"

	"github.com/org/registry-action/internal/domain/auth"
)

// The start, results and an account show whatever they are told as text, and of a repository's commit the first digits.
func TestGoldenHome(t *testing.T) {
	const evil = `"><script>alert(1)</script>`
	sha := "abcdef0123456789abcdef0123456789abcdef01"
	found := []Found{
		{Kind: kindNPM, Name: "@acme/core", Version: "1.0.0", Description: evil, Publisher: "ada", Modified: someDay},
		{Kind: kindRepository, Name: "acme/ws", Version: sha, Publisher: evil, Modified: someDay},
		{Kind: kindZig, Name: evil, Version: evil},
		{Kind: kindLumen, Name: "@acme/lamp"},
	}
	u := New(Config{BaseURL: publicURL})
	const made = "regact_0123"
	for name, page := range map[string]struct {
		template string
		data     any
	}{
		"home": {"home", homeView{BaseURL: publicURL, Host: "packages.example/base/", Name: "packages.example", Recent: found,
			Top: []topList{{"npm", []downloaded{{Name: "left-pad", URL: "/packages/left-pad", Downloads: 1}}}, {"Of commits", []downloaded{{evil, "Zig", "acme/ws abcdef0", "/commits/" + sha[:10] + "/zig:a", 12}}}}}},
		"home-empty":    {"home", homeView{BaseURL: "http://localhost:3000", Host: "localhost:3000/", Name: "localhost", HTTP: true, Open: true}},
		"search":        {"search", searchView{Query: evil, Results: found, Total: 44, From: 21, To: 24, Filters: u.filters(evil + " kind:zig"), Previous: u.searchURL(evil, 0), Next: u.searchURL(evil, 40)}},
		"search-none":   {"search", searchView{Query: "none", Filters: u.filters("none")}},
		"account-empty": {"account", accountView{User: "local", Error: evil}},
		"account": {"account", accountView{User: "ada", Admin: true, Ends: true, More: 3, Owned: found[:2], Done: doneTexts["revoked"],
			Tokens: []auth.TokenInfo{
				{Key: "aa11", Name: evil, Hint: "regact_01", Permission: auth.Publish, Packages: []string{"@acme/*", evil}, Repositories: []string{"acme/ws"}, Created: someDay, Expires: someDay.AddDate(0, 0, 90)},
				{Key: "bb22", Name: "ci", Hint: "regact_23", Permission: auth.Read, Created: someDay},
			},
			Made: &madeToken{auth.TokenInfo{Name: evil}, made, "npm config set //packages.example/base/:_authToken " + made}}},
	} {
		t.Run(name, func(t *testing.T) {
			got := content(t, page.template, page.data)
			if strings.Contains(got, "<script") || strings.Contains(got, sha) {
				t.Errorf("a text is HTML, or a commit has all digits: %s", got)
			}
			golden(t, name, got)
		})
	}
}
