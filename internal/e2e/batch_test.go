package e2e

import (
	"net/http"
	"testing"

	"github.com/org/registry-action/internal/clients"
)

const batchFiles = `
-- package.json --
{"name": "root", "private": true}
-- pnpm-workspace.yaml --
packages: [a, b]
-- a/package.json --
{"name": "@acme/a", "version": "1.0.0", "license": "MIT"}
-- b/package.json --
{"name": "@acme/b", "version": "1.0.0", "license": "MIT", "dependencies": {"@acme/a": "workspace:*"}}
`

// pnpm publishes a workspace in one request: all of it, or nothing.
func TestPublishBatch(t *testing.T) {
	t.Parallel()
	s := startServer(t, t.TempDir(), "--no-npm-fallback", "--token", operatorToken)
	u := managers()[2].sit(t, s.url, operatorToken)
	if u.tool != clients.PNPM {
		t.Fatalf("%s is not pnpm", u.tool)
	}
	const batch = "pnpm install && pnpm publish -r --batch --no-git-checks "
	dir := u.project(t, batchFiles)
	u.run(t, dir, batch).says(t, "Published 2 package(s)", "in a single request")
	app := u.project(t, "")
	u.run(t, app, u.add()+" @acme/b").must(t)
	u.run(t, app, `ls node_modules/.pnpm`).says(t, "@acme+a@1.0.0", "@acme+b@1.0.0")

	write(t, dir, `
-- a/package.json --
{"name": "@acme/a", "version": "1.0.0", "license": "ISC"}
-- b/package.json --
{"name": "@acme/b", "version": "1.1.0", "license": "MIT", "dependencies": {"@acme/a": "workspace:*"}}
`)
	u.run(t, dir, batch+"--force").refuses(t, "1.0.0")
	r, err := http.NewRequestWithContext(t.Context(), "GET", s.url+"/@acme/b/1.1.0", nil)
	if err != nil {
		t.Fatal(err)
	}
	if status, body := answer(t, r); status != http.StatusNotFound {
		t.Errorf("a part of a refused batch is there: %d %s", status, body)
	}
}
