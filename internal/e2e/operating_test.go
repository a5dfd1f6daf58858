package e2e

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/clients"
	"github.com/org/registry-action/internal/clients/s3server"
)

const (
	operatingDoc  = "docs/operating.md"
	exampleServer = "https://registry.example.com"
	guideToken    = "the-token-of-the-guide"
	guidePassword = "correct horse battery"
)

// guide is a document whose lines are tried against a server.
type guide struct {
	t    *testing.T
	doc  string
	text string
	s    *server
}

func readGuide(t *testing.T, doc string, s *server) guide {
	t.Helper()
	return guide{t, doc, read(t, filepath.Join("../..", doc)), s}
}

// here is a text of the document for the server of the test.
func (g guide) here(text string) string {
	host := strings.TrimPrefix(g.s.url, "http:")
	return strings.NewReplacer(exampleServer, g.s.url, strings.TrimPrefix(exampleServer, "https:"), host, "registry.internal", "localhost", "/~/acme/widgets", "/~/acme/ws").Replace(text)
}

// lines are texts that stand in the document as code, for the server of the test, a line each.
func (g guide) lines(spans ...string) string {
	g.t.Helper()
	var out strings.Builder
	for _, span := range spans {
		if !strings.Contains(g.text, "`"+span+"`") {
			g.t.Errorf("%s does not say `%s`", g.doc, span)
		}
		out.WriteString(g.here(span) + "\n")
	}
	return out.String()
}

// command runs a line of the document as whoever administers the data folder.
func (g guide) command(line string, more ...string) result {
	g.t.Helper()
	env := cleanEnv(append(more, "PATH="+bin+string(filepath.ListSeparator)+os.Getenv("PATH"), "REGISTRY_DATA="+g.s.data)...)
	return exe(g.t, g.t.TempDir(), env, "bash", "-c", strings.TrimSpace(line)).must(g.t)
}

// foreignFolders are the folders of other registries that the document imports, by their names there.
func foreignFolders(t *testing.T) map[string]string {
	t.Helper()
	verdaccio, pantry := t.TempDir(), t.TempDir()
	write(t, verdaccio, `
-- @acme/kept/package.json --
{"name": "@acme/kept", "dist-tags": {"latest": "1.0.1"}, "time": {"1.0.1": "2025-01-02T03:04:05.678Z"}, "_distfiles": {}, "_attachments": {"kept-1.0.1.tgz": {}},
 "versions": {"1.0.1": {"name": "@acme/kept", "version": "1.0.1", "deprecated": "use core", "dist": {"tarball": "http://old/@acme/kept/-/kept-1.0.1.tgz"}}}}
-- @acme/kept/kept-1.0.1.tgz --
`)
	write(t, pantry, `
-- metadata.json --
{"plain": {"latestVersion": "1.0.1", "versions": {"1.0.1": {"publishedAt": "2025-01-02T03:04:05.678Z"}}}}
-- tarballs/packages/pantry/plain/1.0.1/plain-1.0.1.tgz --
`)
	for file, name := range map[string]string{
		filepath.Join(verdaccio, "@acme/kept/kept-1.0.1.tgz"):                         "@acme/kept",
		filepath.Join(pantry, "tarballs/packages/pantry/plain/1.0.1/plain-1.0.1.tgz"): "plain",
	} {
		if err := os.WriteFile(file, []byte(smallTarball(t, name, 1)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return map[string]string{"/verdaccio/storage": verdaccio, "./.registry": pantry, "/backup/registry": filepath.Join(t.TempDir(), "registry")}
}

// ofFolder reports whether a line of the document is a command for a data folder as this world has it. Images are tried
// in internal/infra, Pantry's tables in cmd/registry-server, the move in TestMoveOfOperating.
func ofFolder(line string) bool {
	command, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	switch {
	case command == "docker", command == "gh", strings.HasPrefix(command, "CLI_DIR="), strings.HasPrefix(command, "-"), strings.Contains(rest, "--table"), strings.HasPrefix(rest, "migrate"):
		return false
	case strings.HasPrefix(rest, "backup"), strings.HasPrefix(rest, "restore"):
		return far == nil // the document says so
	}
	return command != ""
}

// The line that moves a registry to S3 and DynamoDB does.
func TestMoveOfOperating(t *testing.T) {
	onlyFar(t, "what it moves to is there")
	t.Parallel()
	data := t.TempDir()
	table := "t" + strings.ToLower(rand.Text())
	env := cleanEnv(append(worldEnv(), "S3_ENDPOINT="+far.s3.URL, "S3_FORCE_PATH_STYLE=true", "S3_PREFIX="+table, "DYNAMODB_ENDPOINT="+far.dynamo.URL,
		"PATH="+bin+string(filepath.ListSeparator)+os.Getenv("PATH"))...)
	run := func(line string) { exe(t, t.TempDir(), env, "bash", "-c", line).must(t) }
	run("registry-server import pantry --data " + data + " " + foreignFolders(t)["./.registry"])
	start := func() *node {
		n := startNode(t, env, data, "--token", guideToken, "--no-npm-fallback")
		n.await(t)
		return n
	}
	n := start()
	moved := 0
	for line := range strings.SplitSeq(strings.Join(blocks(t, operatingDoc, "registry-server migrate"), ""), "\n") {
		if !strings.HasPrefix(line, "registry-server migrate") {
			continue
		}
		run(strings.NewReplacer("--s3-bucket acme-registry", "--s3-bucket "+s3server.Bucket, "--dynamodb-table acme-registry", "--dynamodb-table "+table, "/var/lib/registry", data).Replace(line))
		moved++
	}
	if err := n.stop(); err != nil || moved != 1 {
		t.Fatalf("%d lines of %s move a registry, %v", moved, operatingDoc, err)
	}
	n = start()
	if got, body := askAs(t, "", "GET", n.url+"/plain/1.0.1", ""); got != 200 {
		t.Errorf("after the move: %d %s", got, body)
	}
	if _, err := os.Stat(filepath.Join(data, "metadata.json")); err != nil {
		t.Errorf("the folder does not remember the table: %v", err)
	}
}

// The commands work beside a running server and on the folder of a stopped one;
// what they make is there when a server is.
func TestCommandsOfOperating(t *testing.T) {
	for name, stopped := range map[string]bool{"running": false, "stopped": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startServer(t, t.TempDir(), "--token", guideToken, "--no-npm-fallback")
			if stopped {
				if err := s.stop(); err != nil {
					t.Fatal(err)
				}
			}
			g := readGuide(t, operatingDoc, s)
			secret, key, folders := "", "", foreignFolders(t)
			for line := range strings.SplitSeq(strings.Join(blocks(t, operatingDoc, "registry-server"), ""), "\n") {
				if !ofFolder(line) {
					continue
				}
				for there, here := range folders {
					line = strings.ReplaceAll(line, there, here)
				}
				line = strings.NewReplacer("/var/lib/registry", s.data, "5f2c9a", key).Replace(line)
				if strings.Contains(line, "user add") {
					line = "echo " + guidePassword + " | " + line
				}
				r := g.command(line)
				if strings.Contains(line, "token create") {
					secret = strings.TrimSpace(r.stdout)
					key = g.command("registry-server token list | awk 'NR == 2 {print substr($1, 1, 6)}'").stdout[:6]
				}
			}
			if !strings.HasPrefix(secret, "regact_") || strings.Contains(g.command("registry-server token list").stdout, key) {
				t.Errorf("the token %q is not revoked, or never was one", secret)
			}
			if stopped {
				s = startServer(t, s.data, "--token", guideToken, "--no-npm-fallback")
			}
			login := `{"name": "alice", "password": "` + guidePassword + `"}`
			for request, want := range map[string]int{"GET /@acme/kept": 200, "GET /plain/1.0.1": 200, "PUT /-/user/org.couchdb.user:alice": 201} {
				method, path, _ := strings.Cut(request, " ")
				if got, body := askAs(t, "", method, s.url+path, login); got != want {
					t.Errorf("%s = %d %s, want %d", request, got, body, want)
				}
			}
		})
	}
}

// askAs makes a request and returns its status and body.
func askAs(t *testing.T, token, method, url, body string) (status int, answer string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var out json.RawMessage
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		t.Fatalf("%s %s = %d, not JSON: %v", method, url, resp.StatusCode, err)
	}
	return resp.StatusCode, string(out)
}

// A line of the document publishes from CI, and others hand over what was published.
func TestPublishAsOperatingSays(t *testing.T) {
	t.Parallel()
	s := startServer(t, t.TempDir(), "--token", guideToken, "--no-npm-fallback")
	g := readGuide(t, operatingDoc, s)
	g.lines("REGISTRY_TOKEN", "npm owner add alice @acme/core", "npm org set acme alice owner")
	secret := strings.TrimSpace(g.command("registry-server token create --name ci --packages '@acme/*' --permissions publish --expires 90d").stdout)
	g.command("echo " + guidePassword + " | registry-server user add alice")
	npm := managers()[0]
	npm.setUp = "-- .npmrc --\n" + g.lines("registry=https://registry.example.com/")
	as := func(token string) string {
		return "unset npm_config_registry; export NPM_TOKEN=" + token + "; echo '" + strings.TrimSpace(g.lines("//registry.example.com/:_authToken=${NPM_TOKEN}")) + "' > ~/.npmrc; "
	}
	core := `echo '{"name": "@acme/core", "version": "1.0.0"}' > package.json; npm publish`
	for _, tt := range []struct{ token, line, want, refusal string }{
		{secret, core, "+ @acme/core@1.0.0", ""},
		{secret, strings.ReplaceAll(core, "@acme/core", "elsewhere"), "", "E403"},
		{guideToken, "npm owner add alice @acme/core", "+ alice (@acme/core)", ""},
		{guideToken, "npm org set acme alice owner", "Added alice as owner", ""},
	} {
		_, r := npm.run(t, as(tt.token)+tt.line)
		if (r.code == 0) != (tt.refusal == "") || !strings.Contains(r.stdout, tt.want) || !strings.Contains(r.stderr, tt.refusal) {
			t.Errorf("%s: %v\nwant %q%s", tt.line, r, tt.want, tt.refusal)
		}
	}
}

// follower is how a client is set up for a private server by lines of the document.
type follower struct {
	manager
	main, scope, preview string // files of the project
	user                 string // ~/.npmrc
	urls                 string // how it installs a URL; empty: it sends no token there
}

func followers(g guide) []follower {
	const token, tokenLine = "${NPM_TOKEN}", "//registry.example.com/:_authToken=${NPM_TOKEN}"
	npmrc := "-- .npmrc --\n" + g.lines("registry=https://registry.example.com/")
	scope := "-- .npmrc --\n" + g.lines("@acme:registry=https://registry.example.com/")
	preview := "-- .npmrc --\n" + g.here("@acme:registry=https://registry.example.com/~/acme/widgets/\n")
	age := "-- pnpm-workspace.yaml --\n" + g.lines(`minimumReleaseAgeExclude: ["@acme/*"]`)
	rc := "-- yarn.lock --\n-- .yarnrc.yml --\nnodeLinker: node-modules\nenableGlobalCache: false\n" +
		g.lines(`unsafeHttpWhitelist: ["registry.internal"]`, `npmPreapprovedPackages: ["@acme/*"]`, `npmAuthToken: "`+token+`"`)
	main, always := g.lines(`npmRegistryServer: "https://registry.example.com/"`), g.lines("npmAlwaysAuth: true")
	scopeRC := g.lines(`npmScopes: {acme: {npmRegistryServer: "https://registry.example.com/"}}`)
	user := g.lines(tokenLine)
	g.lines("always-auth=true", "//registry.example.com/~/acme/widgets/:_authToken=${NPM_TOKEN}", `registry "https://registry.example.com/"`)

	var all []follower
	for _, m := range managers() {
		c := follower{manager: m, main: npmrc, scope: scope, preview: preview, user: user}
		switch m.tool {
		case clients.NPM11, clients.NPM12:
			c.urls = "npm i --allow-remote=root "
		case clients.PNPM:
			c.main, c.scope, c.preview, c.urls = npmrc+age, scope+age, preview+age, "pnpm add "
		case clients.Yarn1:
			c.main = "-- .yarnrc --\n" + g.here(`registry "https://registry.example.com/"`) + "\n-- .npmrc --\nalways-auth=true\n"
			c.user += g.here("//registry.example.com/~/acme/widgets/:_authToken=${NPM_TOKEN}\n")
		case clients.Yarn4:
			c.main, c.scope, c.user = rc+main+always, rc+scopeRC, ""
			c.preview = rc + strings.ReplaceAll(scopeRC, `/"}}`, `/~/acme/ws"}}`)
		}
		all = append(all, c)
	}
	return all
}

// Every client lives on a private server with the lines of the document, takes
// its team's fresh versions, and reads its preview registries.
func TestClientsAsOperatingSays(t *testing.T) {
	s := startServer(t, t.TempDir(), "--token", guideToken, "--no-npm-fallback", "--read-auth", "required")
	g := readGuide(t, operatingDoc, s)
	for query, name := range map[string]string{"name=@acme/core&version=1.0.1": "@acme/core", "name=plain&version=1.0.1": "plain"} {
		if status, body := askAs(t, guideToken, "PUT", s.url+"/-/admin/import?publishedAt=2025-01-02T03:04:05Z&"+query, smallTarball(t, name, 1)); status != 201 {
			t.Fatalf("importing %s: %d %s", name, status, body)
		}
	}
	npm, fresh := managers()[0], `echo '{"name": "@acme/core", "version": "1.0.2"}' > package.json; npm publish`
	if _, r := npm.run(t, fresh+" --registry "+s.url+" --"+strings.TrimPrefix(s.url, "http:")+"/:_authToken="+guideToken); r.code != 0 {
		t.Fatalf("publishing: %v", r)
	}
	dir, sha := checkout(t, workspace)
	publishCommit(t, dir, cleanEnv("REGISTRY_URL="+s.url, "REGISTRY_TOKEN="+guideToken), "@acme/core", "--ref", "pr/7").must(t)
	reader := strings.TrimSpace(g.command("registry-server token create --name reader --permissions read").stdout)
	url := s.url + "/acme/ws/@acme/core@" + sha
	if status, body := askAs(t, "", "GET", url+"?resolve", ""); status != 401 {
		t.Errorf("the server shows a commit to anybody: %d %s", status, body)
	}

	for _, m := range followers(g) {
		t.Run(string(m.tool), func(t *testing.T) {
			t.Parallel()
			try := func(setUp, line, want string) {
				t.Helper()
				m.setUp = setUp
				app, r := m.run(t, "unset npm_config_registry; export NPM_TOKEN="+reader+"; echo '"+m.user+"' > ~/.npmrc; "+line)
				if r.code != 0 {
					t.Errorf("%s: %v\nwith %s", line, r, setUp)
				} else if got := read(t, filepath.Join(app, "node_modules", "@acme", "core", "package.json")); !strings.Contains(got, want) {
					t.Errorf("%s installed %s, want %s", line, got, want)
				}
			}
			try(m.main, m.add()+" @acme/core plain", `"1.0.2"`)
			try(m.scope, m.add()+" @acme/core", `"1.0.2"`)
			try(m.preview, m.add()+" -E @acme/core@pr-7", "0.0.0-commit.g"+sha[:10])
			if m.urls != "" {
				try(m.main, m.urls+url, "0.0.0-commit.g"+sha[:10])
			}
			if line := map[clients.Tool]string{clients.Yarn4: "npmPreapprovedPackages", clients.PNPM: "minimumReleaseAgeExclude"}[m.tool]; line != "" {
				try(strings.ReplaceAll(m.scope, line+`: ["@acme/*"]`, ""), m.add()+" @acme/core", `"1.0.1"`)
			}
		})
	}
}
