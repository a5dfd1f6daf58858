package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/clients"
	"github.com/org/registry-action/internal/forge/forgetest"
)

// stockRun is a step that runs the stock pkg-pr-new CLI, with nothing but its API_URL set to ours.
type stockRun struct {
	gh     *forgetest.Server
	server *server
	run    forgetest.Run
	cli    string // another than the stock one
	output string // file of outputs
	listed bool   // the packages are on npm, so that their addresses can be the short ones
}

// npmLists answers for npm, which the CLI asks whether a package of a name is of a repository: of acme/ws all are.
const npmLists = `
const { fetch } = globalThis
globalThis.fetch = async (url, options) => String(url).startsWith(process.env.API_URL) || !String(url).endsWith('/latest')
  ? fetch(url, options)
  : Response.json({ name: 'a', version: '1.0.0', _id: 'a@1.0.0', repository: { type: 'git', url: 'git+https://github.com/acme/ws.git' }, dist: { tarball: '', shasum: '' } })
`

const stockWorkspace = `
-- package.json --
{"name": "ws", "private": true, "workspaces": ["packages/*"]}
-- packages/a/package.json --
{"name": "@acme/a", "version": "1.2.3", "main": "index.js"}
-- packages/a/index.js --
module.exports = "of a";
-- packages/b/package.json --
{"name": "b-cli", "version": "2.0.0", "main": "index.js", "dependencies": {"@acme/a": "workspace:*"}}
-- packages/b/index.js --
module.exports = "b with what is " + require("@acme/a");
-- packages/secret/package.json --
{"name": "secret", "version": "1.0.0", "private": true}
`

func startForStock(t *testing.T, gh *forgetest.Server) *server {
	t.Helper()
	return startServer(t, t.TempDir(), "--pkg-pr-new", "acme/*", "--github-api-url", gh.URL, "--github-token", forgetest.Token)
}

// publish runs the CLI in a checkout, as a job of the run.
func (s *stockRun) publish(t *testing.T, dir string, args ...string) result {
	t.Helper()
	s.output = filepath.Join(t.TempDir(), "output")
	if err := os.WriteFile(s.output, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	cli := s.cli
	if cli == "" {
		cli = clients.Get(t, clients.PkgPRNew).Path
	}
	actor := s.run.Beginner
	if actor == "" {
		actor = s.run.Actor
	}
	env := cleanEnv(
		"API_URL="+s.server.url, "GITHUB_ACTIONS=true", "GITHUB_REPOSITORY=acme/ws", fmt.Sprintf("GITHUB_RUN_ID=%d", s.run.ID), fmt.Sprintf("GITHUB_RUN_ATTEMPT=%d", s.run.Attempt),
		fmt.Sprintf("GITHUB_ACTOR_ID=%d", forgetest.ID(actor)), "GITHUB_EVENT_NAME="+s.run.Event, "GITHUB_OUTPUT="+s.output,
	)
	command := []string{cli, "publish"}
	if s.listed {
		stub := filepath.Join(t.TempDir(), "stub.cjs")
		if err := os.WriteFile(stub, []byte(npmLists), 0o600); err != nil {
			t.Fatal(err)
		}
		env = append(env, "NODE_OPTIONS=--require="+stub)
	} else { // tests do not ask the public registry
		command = append(command, "--no-compact")
	}
	return exe(t, dir, env, "node", append(command, args...)...)
}

// installed is what a program prints that requires a package installed by its URL.
func installed(t *testing.T, name, url string) string {
	t.Helper()
	npm := clients.Get(t, clients.NPM11)
	dir := t.TempDir()
	write(t, dir, "-- package.json --\n{\"name\": \"app\", \"version\": \"1.0.0\"}\n")
	env := append(cleanEnv(), "npm_config_cache="+t.TempDir())
	exe(t, dir, env, npm.Path, "install", "--no-audit", "--no-fund", url).must(t)
	return strings.TrimSpace(exe(t, dir, env, "node", "-p", fmt.Sprintf("require(%q)", name)).must(t).stdout)
}

// The stock CLI publishes a push; what it prints and writes installs, siblings too.
func TestStockCLI(t *testing.T) {
	t.Parallel()
	gh := forgetest.New(t)
	s := startForStock(t, gh)
	dir, sha := checkout(t, stockWorkspace)
	run := stockRun{gh: gh, server: s, run: forgetest.Run{ID: 9001, Attempt: 1, Event: "push", HeadSHA: sha, HeadRef: "main", Actor: "octocat"}}
	gh.PutRun(run.run)
	gh.SetRef("heads/main", sha)
	r := run.publish(t, dir, "./packages/*", "--json", "out.json").must(t)
	for _, want := range []string{s.url + "/acme/ws/b-cli@" + sha, "files of templates were left out", "branch/main"} {
		if !strings.Contains(r.String(), want) {
			t.Errorf("%v\nlacks %q", r, want)
		}
	}
	var out struct {
		Packages []struct{ Name, URL, Shasum string }
	}
	if err := json.Unmarshal([]byte(read(t, filepath.Join(dir, "out.json"))), &out); err != nil || len(out.Packages) != 2 {
		t.Fatalf("%+v, %v", out, err)
	}
	for _, p := range out.Packages {
		if !strings.Contains(read(t, run.output), p.URL) {
			t.Errorf("the outputs lack %s:\n%s", p.URL, read(t, run.output))
		}
		if p.Name == "b-cli" {
			if got := installed(t, "b-cli", p.URL); got != "b with what is of a" {
				t.Errorf("b-cli says %q", got)
			}
		}
	}
	if got := installed(t, "@acme/a", s.url+"/acme/ws/@acme/a@main"); got != "of a" {
		t.Errorf("@acme/a of main says %q", got)
	}
	// Of a run, jobs may publish the same again, and run again.
	again := run.publish(t, dir, "./packages/*").must(t)
	if !strings.Contains(again.stdout, `"unchanged": [`) || !strings.Contains(again.stdout, "b-cli") {
		t.Errorf("%v\nwant it to say that nothing changed", again)
	}
	// Other bytes for a commit do not take the place of the first ones.
	write(t, dir, "-- packages/a/index.js --\nmodule.exports = \"of somebody else\";\n")
	if r := run.publish(t, dir, "./packages/*").must(t); !strings.Contains(r.stdout, "@acme/a already, with other bytes") {
		t.Errorf("%v\nwant it to say what stays", r)
	}
	if got := installed(t, "@acme/a", s.url+"/acme/ws/@acme/a@"+sha); got != "of a" {
		t.Errorf("after another publish @acme/a says %q", got)
	}
	// When the run is over its key is good for nothing.
	run.run.Status = "completed"
	gh.PutRun(run.run)
	if r := run.publish(t, dir, "./packages/*"); r.code != 1 || !strings.Contains(r.stderr, "no_run") {
		t.Errorf("%v\nwant it refused", r)
	}
}

// A pull request: the merge commit is checked out, the head is published; and somebody else runs it again.
func TestStockCLIOfAPullRequest(t *testing.T) {
	t.Parallel()
	gh := newGitHub(t)
	s := startForStock(t, gh)
	dir, _ := checkout(t, stockWorkspace)
	run := stockRun{gh: gh, server: s, run: forgetest.Run{ID: 9001, Attempt: 1, Event: "pull_request", HeadSHA: headSHA, HeadRef: "feature", Actor: "octocat"}}
	gh.PutRun(run.run)
	run.publish(t, dir, "./packages/*", "--no-template").must(t)
	run.run.Attempt, run.run.Beginner, run.run.Actor = 2, "octocat", "monalisa"
	gh.PutRun(run.run)
	run.publish(t, dir, "./packages/*", "--no-template").must(t)
	for _, ref := range []string{"7", "pr-7"} {
		if got := installed(t, "b-cli", s.url+"/acme/ws/b-cli@"+ref); got != "b with what is of a" {
			t.Errorf("b-cli@%s says %q", ref, got)
		}
	}
	if got := exe(t, dir, cleanEnv(), "curl", "-sI", s.url+"/~/acme/ws").must(t).stdout; !strings.Contains(got, " 204 ") || !strings.Contains(got, "X-Has-Releases: 1") {
		t.Errorf("whether there is something: %s", got)
	}
}

// The comment is written by the server: with what changed since the base, once for all jobs of the run, and as the CLI says.
func TestStockCLIComments(t *testing.T) {
	gh := forgetest.New(t)
	s := startForStock(t, gh)
	b := branch(t, stockWorkspace+"-- packages/c/package.json --\n{\"name\": \"c\", \"version\": \"1.0.0\", \"bin\": \"c.js\"}\n-- packages/c/c.js --\n1\n",
		"-- packages/b/package.json --\n{\"name\": \"b-cli\", \"version\": \"2.0.0\", \"main\": \"index.js\", \"bin\": \"index.js\", \"scripts\": {\"install\": \"node evil.js\"}, \"dependencies\": {\"@acme/a\": \"workspace:*\"}}\n")
	push := stockRun{gh: gh, server: s, run: forgetest.Run{ID: 9001, Attempt: 1, Event: "push", HeadSHA: b.main, HeadRef: "main", Actor: "octocat"}}
	gh.PutRun(push.run)
	gh.SetRef("heads/main", b.main)
	exe(t, b.dir, cleanEnv(), "git", "checkout", "-q", b.main).must(t)
	push.publish(t, b.dir, "./packages/*", "--no-template").must(t)
	exe(t, b.dir, cleanEnv(), "git", "checkout", "-q", b.merged).must(t)

	gh.AddPull(forgetest.Pull{Number: 7, HeadSHA: b.head, HeadRef: "feature", HeadRepo: "acme/ws", BaseRef: "main", BaseSHA: b.main})
	run := stockRun{gh: gh, server: s, run: forgetest.Run{ID: 9002, Attempt: 1, Event: "pull_request", HeadSHA: b.head, HeadRef: "feature", Actor: "octocat"}}
	gh.PutRun(run.run)
	run.publish(t, b.dir, "./packages/*", "--no-template", "--comment=off").must(t)
	if comments := gh.Comments(7); len(comments) != 0 {
		t.Errorf("with --comment=off there are %+v", comments)
	}
	run.publish(t, b.dir, "./packages/[ab]", "--no-template", "--packageManager", "pnpm,yarn", "--commentWithDev").must(t) // of c another job tells
	at := s.url + "/acme/ws/b-cli@" + b.head
	wants(t, theComment(t, gh), []string{
		"3 packages at [`" + b.head[:7] + "`]", "**1 changed**, 2 unchanged since [`" + b.main[:7] + "`]", "`b-cli`: + `install`: `node evil.js`",
		"pnpm add --config.blockExoticSubdeps=false -D " + at, "yarn add -D b-cli@" + at, "/commits/" + b.head + "/b-cli/diff/" + b.main,
	}, "npm i ", "secret", "removed")
	if c := gh.Comments(7)[0]; c.Login != "github-actions[bot]" || !strings.Contains(read(t, run.output), fmt.Sprintf("commentId=%d", c.ID)) {
		t.Errorf("the comment is %d of %s, the outputs are %s", c.ID, c.Login, read(t, run.output))
	}

	// Another run, with another comment in place of it; one that is late leaves that alone.
	first := gh.Comments(7)[0].ID
	again := run
	again.run.ID = 9003
	gh.PutRun(again.run)
	again.publish(t, b.dir, "./packages/*", "--no-template", "--comment=create").must(t)
	if c := gh.Comments(7); len(c) != 1 || c[0].ID == first || !strings.Contains(c[0].Body, "npm i --allow-remote=all "+at) || !strings.Contains(c[0].Body, "npx -y --allow-remote=all -p "+at+" b-cli") {
		t.Errorf("after --comment=create there are %+v, want one that is not %d", c, first)
	}
	late := gh.Comments(7)[0]
	run.publish(t, b.dir, "./packages/*", "--no-template", "--packageManager", "bun").must(t)
	if got := gh.Comments(7); len(got) != 1 || got[0] != late {
		t.Errorf("an older run has made %+v of %+v", got, late)
	}

	// A token that may not write costs the comment alone, and the job's log says so.
	gh.Grant(forgetest.Token, forgetest.Account{Login: "github-actions[bot]", Installation: true, ReadOnly: true})
	again.run.ID = 9004
	gh.PutRun(again.run)
	if r := again.publish(t, b.dir, "./packages/*", "--no-template").must(t); !strings.Contains(r.stdout, "it needs to write pull requests") {
		t.Errorf("%v\nwant it to say why there is no comment", r)
	}
}

// By default the CLI abbreviates commits in its addresses: they install, and siblings that are as they were are not told as changed.
func TestStockCLIAbbreviates(t *testing.T) {
	for name, flags := range map[string][]string{"commits": nil, "versions too": {"--previewVersion"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			gh := forgetest.New(t)
			s := startForStock(t, gh)
			b := branch(t, stockWorkspace+"-- packages/c/package.json --\n{\"name\": \"c\", \"version\": \"1.0.0\"}\n", "-- packages/c/index.js --\n1\n")
			publish := func(run forgetest.Run, checkout string) {
				gh.PutRun(run)
				exe(t, b.dir, cleanEnv(), "git", "checkout", "-q", checkout).must(t)
				r := stockRun{gh: gh, server: s, run: run, listed: true}
				r.publish(t, b.dir, append([]string{"./packages/*", "--no-template"}, flags...)...).must(t)
				wants(t, read(t, r.output), []string{s.url + "/b-cli@" + run.HeadSHA[:7]}, "/b-cli@"+run.HeadSHA)
			}
			gh.SetRef("heads/main", b.main)
			publish(forgetest.Run{ID: 9001, Attempt: 1, Event: "push", HeadSHA: b.main, HeadRef: "main", Actor: "octocat"}, b.main)
			gh.AddPull(forgetest.Pull{Number: 7, HeadSHA: b.head, HeadRef: "feature", HeadRepo: "acme/ws", BaseRef: "main", BaseSHA: b.main})
			publish(forgetest.Run{ID: 9002, Attempt: 1, Event: "pull_request", HeadSHA: b.head, HeadRef: "feature", Actor: "octocat"}, b.merged)
			wants(t, theComment(t, gh), []string{"**1 changed**, 2 unchanged since [`" + b.main[:7] + "`]"})
			if got := installed(t, "b-cli", s.url+"/b-cli@"+b.head[:7]); got != "b with what is of a" {
				t.Errorf("b-cli says %q", got)
			}
		})
	}
}

// A checkout of another commit than the run is about is refused, in words that reach the job.
func TestStockCLIOfAnotherCommit(t *testing.T) {
	t.Parallel()
	gh := forgetest.New(t)
	s := startForStock(t, gh)
	dir, _ := checkout(t, stockWorkspace)
	run := stockRun{gh: gh, server: s, run: forgetest.Run{ID: 9001, Attempt: 1, Event: "push", HeadSHA: headSHA, HeadRef: "main", Actor: "octocat"}}
	gh.PutRun(run.run)
	if r := run.publish(t, dir, "./packages/*"); r.code != 1 || !strings.Contains(r.stderr, "wrong_commit") || !strings.Contains(r.stderr, headSHA) {
		t.Errorf("%v\nwant a refusal that says why", r)
	}
}

// The guide's server starts, and its workflow publishes: with its API_URL, by its line, without a token.
func TestGuideFromPkgPRNew(t *testing.T) {
	t.Parallel()
	const doc = "docs/migrate-pkg-pr-new.md"
	start := strings.ReplaceAll(blocks(t, doc, "PKG_PR_NEW")[0], "github_pat_...", "x")
	serves(t, start, exampleServer)
	for _, option := range []string{"PKG_PR_NEW='acme/*'", "GITHUB_TOKEN="} {
		if !strings.Contains(start, option) {
			t.Errorf("%s starts its server without %s", doc, option)
		}
	}
	workflow := yamlBlock.FindStringSubmatch(read(t, "../../"+doc))[1]
	line := regexp.MustCompile(`- run: npx (pkg-pr-new .*)\n\s+env:\n\s+API_URL: (\S+)\n`).FindStringSubmatch(workflow)
	if line == nil || line[2] != exampleServer {
		t.Fatalf("%s does not publish to %s:\n%s", doc, exampleServer, workflow)
	}
	gh := forgetest.New(t)
	s := startForStock(t, gh)
	dir, sha := checkout(t, stockWorkspace)
	gh.PutRun(forgetest.Run{ID: 9001, Event: "push", HeadSHA: sha, HeadRef: "main", Actor: "octocat"})
	gh.SetRef("heads/main", sha)
	cli := clients.Get(t, clients.PkgPRNew)
	env := append(cli.With(cleanEnv(
		"API_URL="+s.url, "GITHUB_ACTIONS=true", "GITHUB_REPOSITORY=acme/ws", "GITHUB_RUN_ID=9001", "GITHUB_RUN_ATTEMPT=1",
		fmt.Sprintf("GITHUB_ACTOR_ID=%d", forgetest.ID("octocat")), "GITHUB_EVENT_NAME=push", "GITHUB_OUTPUT="+filepath.Join(t.TempDir(), "output"),
	)...), "PATH="+filepath.Dir(cli.Path)+string(filepath.ListSeparator)+os.Getenv("PATH"))
	// Compact addresses are looked up at the public registry, which tests do not ask.
	exe(t, dir, env, "bash", "-ec", line[1]+" --no-compact").must(t)
	install := strings.ReplaceAll(blocks(t, doc, "npm i ")[0], exampleServer, s.url)
	if !strings.Contains(install, "/acme/widgets/@acme/core@7") {
		t.Errorf("%s installs by %s", doc, install)
	}
	if got := installed(t, "@acme/a", s.url+"/acme/ws/@acme/a@main"); got != "of a" {
		t.Errorf("@acme/a of main says %q", got)
	}
}

// Past 99 MiB the CLI sends tarballs in parts. Here it does so past one.
func TestStockCLIInParts(t *testing.T) {
	t.Parallel()
	gh := forgetest.New(t)
	s := startForStock(t, gh)
	dir, _ := checkout(t, stockWorkspace)
	noise := make([]byte, 12<<20)
	rand.NewChaCha8([32]byte{}).Read(noise)
	if err := os.WriteFile(filepath.Join(dir, "packages/a/noise.bin"), noise, 0o644); err != nil {
		t.Fatal(err)
	}
	sha := commit(t, dir)
	run := stockRun{gh: gh, server: s, run: forgetest.Run{ID: 9001, Attempt: 1, Event: "push", HeadSHA: sha, HeadRef: "main", Actor: "octocat"}, cli: inParts(t)}
	gh.PutRun(run.run)
	run.publish(t, dir, "./packages/*").must(t)
	if got := installed(t, "b-cli", s.url+"/acme/ws/b-cli@"+sha); got != "b with what is of a" {
		t.Errorf("b-cli says %q", got)
	}
	if log := s.log(); !strings.Contains(log, `action="complete an upload"`) || strings.Count(log, `action="upload a part"`) != 3 {
		t.Errorf("it did not come in three parts:\n%s", log)
	}
}

// inParts is a copy of the CLI whose limit is lowered.
func inParts(t *testing.T) string {
	t.Helper()
	cli := clients.Get(t, clients.PkgPRNew)
	path, err := filepath.EvalSymlinks(cli.Path)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Dir(filepath.Dir(path)))); err != nil {
		t.Fatal(err)
	}
	const limit = "1024 * 1024 * 99"
	file := filepath.Join(dir, "dist", "index.js")
	text := read(t, file)
	if strings.Count(text, limit) != 1 {
		t.Fatalf("the CLI has its limit in %d places", strings.Count(text, limit))
	}
	if err := os.WriteFile(file, []byte(strings.Replace(text, limit, "1024 * 1024", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "bin", "cli.js")
}
