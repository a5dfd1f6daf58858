package e2e

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/forge/forgetest"
)

// monorepo has two packages that belong together, and one alone.
const monorepo = `
-- package.json --
{"name": "ws", "private": true, "workspaces": ["packages/*"]}
-- packages/core/package.json --
{"name": "@acme/core", "version": "1.2.0", "main": "index.js"}
-- packages/core/index.js --
module.exports = "core";
-- packages/cli/package.json --
{"name": "acme-cli", "version": "0.1.0", "bin": {"acme": "cli.js"}, "dependencies": {"@acme/core": "workspace:*"}}
-- packages/cli/cli.js --
#!/usr/bin/env node
console.log("cli+" + require("@acme/core"));
-- packages/solo/package.json --
{"name": "acme-solo", "version": "0.1.0", "main": "index.js", "dependencies": {"left-pad": "^1.0.0"}}
-- packages/solo/index.js --
module.exports = "solo";
-- packages/solo/old.js --
module.exports = "old";
`

// branched is a checkout of the merge of a pull request into main, as a runner has it.
type branched struct {
	dir                string
	main, head, merged string
}

// branch makes one: first is main's, then is what the pull request writes.
func branch(t *testing.T, first, then string) branched {
	t.Helper()
	var b branched
	b.dir, b.main = checkout(t, first)
	git := func(args ...string) {
		t.Helper()
		exe(t, b.dir, cleanEnv(), "git", append([]string{"-c", "user.name=Tester", "-c", "user.email=tester@example.com"}, args...)...).must(t)
	}
	git("checkout", "-q", "-b", "feature")
	write(t, b.dir, then)
	b.head = commit(t, b.dir)
	git("checkout", "-q", "--detach", b.main)
	git("merge", "-q", "--no-ff", "-m", "merge", b.head)
	b.merged = strings.TrimSpace(exe(t, b.dir, cleanEnv(), "git", "rev-parse", "HEAD").must(t).stdout)
	return b
}

// publishMain publishes main's commit, as the run of its push would.
func (b branched) publishMain(t *testing.T, gh *forgetest.Server, s *server) {
	t.Helper()
	exe(t, b.dir, cleanEnv(), "git", "checkout", "-q", b.main).must(t)
	env := eventEnv(t, gh, "push", `{"ref": "refs/heads/main", "after": "`+b.main+`", "repository": {"id": 1, "default_branch": "main"}}`, b.main, "REGISTRY_URL="+s.url)
	publishCommit(t, b.dir, env).must(t)
	exe(t, b.dir, cleanEnv(), "git", "checkout", "-q", b.merged).must(t)
}

// theComment is the one comment on pull request 7.
func theComment(t *testing.T, gh *forgetest.Server) string {
	t.Helper()
	comments := gh.Comments(7)
	if len(comments) != 1 {
		t.Fatalf("%d comments, want one: %+v", len(comments), comments)
	}
	return comments[0].Body
}

// wants fails the test unless a text has all that it should, and nothing that it should not.
func wants(t *testing.T, text string, has []string, not ...string) {
	t.Helper()
	lacks := slices.DeleteFunc(slices.Clone(has), func(part string) bool { return strings.Contains(text, part) })
	extra := slices.DeleteFunc(slices.Clone(not), func(part string) bool { return !strings.Contains(text, part) })
	if len(lacks)+len(extra) > 0 {
		t.Errorf("it lacks %q and has %q:\n%s", lacks, extra, text)
	}
}

const soloChanged = `
-- packages/solo/package.json --
{"name": "acme-solo", "version": "0.1.0", "main": "index.js", "exports": {".": "./index.js", "./lib": "./lib.js"}, "scripts": {"postinstall": "node index.js"}, "dependencies": {"left-pad": "^1.3.0", "ms": "^2.1.3"}}
-- packages/solo/index.js --
module.exports = "another solo";
-- packages/solo/new.js --
module.exports = "new";
`

// The comment on a pull request that changes one of three packages tells what a reviewer wants to know.
func TestCommentTellsChanges(t *testing.T) {
	t.Parallel()
	gh, s := newGitHub(t), startServer(t, t.TempDir())
	b := branch(t, monorepo, soloChanged)
	b.publishMain(t, gh, s)
	st := pullRequestAt(t, gh, s.url, b.head, b.merged, 1, "INPUT_SIBLINGS=registry", "INPUT_JSON-FILE="+filepath.Join(t.TempDir(), "out.json"))
	st.run(t, b.dir).must(t)
	body := theComment(t, gh)
	wants(t, body, []string{
		"**1 changed**, 2 unchanged since [`" + b.main[:7] + "`](https://github.com/acme/ws/commit/" + b.main + ")",
		"[!CAUTION]", "`acme-solo`: `exports[\"./lib\"]` → `./lib.js`", "[!WARNING]", "`acme-solo`: + `postinstall`: `node index.js`", "+ `ms` `^2.1.3`", "`left-pad` `^1.0.0` → `^1.3.0`",
		"/commits/" + b.head + "/acme-solo/diff/" + b.main, "<summary>2 unchanged packages</summary>", "npm i -E acme-solo@pr-7 --registry",
	})
	page := exe(t, b.dir, cleanEnv(), "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-H", "Accept: text/html", s.url+"/commits/"+b.head+"/acme-solo/diff/"+b.main).must(t)
	if page.stdout != "200" {
		t.Errorf("the page of the diff answers %s", page.stdout)
	}
	statuses := gh.StatusesOf(b.head)
	if len(statuses) != 1 || statuses[0].State != "success" || statuses[0].Context != "registry-preview" || statuses[0].Description != "3 packages, 1 changed, 2 unchanged" || statuses[0].URL != s.url+"/commits/"+b.head {
		t.Errorf("the statuses are %+v", statuses)
	}

	// At a desk, the same in short.
	exe(t, b.dir, cleanEnv(), "git", "checkout", "-q", b.head).must(t)
	r := publishCommit(t, b.dir, cleanEnv("REGISTRY_URL="+s.url)).must(t)
	wants(t, r.stdout, []string{"1 changed, 2 unchanged since " + b.main[:7], `warning: acme-solo: exports["./lib"] leads to ./lib.js`, "warning: acme-solo: postinstall is new, and runs at installs: node index.js"})
}

// changed-only leaves the others where they are.
func TestChangedOnly(t *testing.T) {
	t.Parallel()
	gh, s := newGitHub(t), startServer(t, t.TempDir())
	b := branch(t, monorepo, "-- packages/solo/index.js --\nmodule.exports = 'another';\n")
	b.publishMain(t, gh, s)
	file := filepath.Join(t.TempDir(), "out.json")
	st := pullRequestAt(t, gh, s.url, b.head, b.merged, 1, "INPUT_CHANGED-ONLY=true", "INPUT_SIBLINGS=registry", "INPUT_JSON-FILE="+file)
	st.run(t, b.dir).must(t)
	preview := "0.0.0-commit.g" + b.main[:10]
	wants(t, theComment(t, gh), []string{"1 package at", "- 1 file changed: `index.js`", "2 unchanged packages, not published again", "`@acme/core`", "@acme/core@" + preview, "acme-cli@" + preview}, "removed")
	var out struct {
		Packages []struct{ Name string }
		Changes  struct {
			Base         struct{ SHA string }
			NotPublished []struct{ Name string }
		}
	}
	if err := json.Unmarshal([]byte(read(t, file)), &out); err != nil || len(out.Packages) != 1 || out.Packages[0].Name != "acme-solo" || len(out.Changes.NotPublished) != 2 || out.Changes.Base.SHA != b.main {
		t.Errorf("the JSON is %+v (%v)", out, err)
	}
	var commit struct{ Packages []struct{ Name string } }
	got := exe(t, b.dir, cleanEnv(), "curl", "-s", s.url+"/commits/"+b.head).must(t)
	if err := json.Unmarshal([]byte(got.stdout), &commit); err != nil || len(commit.Packages) != 1 {
		t.Errorf("the commit has %s (%v), want acme-solo alone", got.stdout, err)
	}
	// What was left at the base is installed from there, beside what is new.
	project := t.TempDir()
	write(t, project, "-- package.json --\n{\"name\": \"p\", \"private\": true}\n-- .npmrc --\nregistry="+s.url+"/~/acme/ws/\n")
	exe(t, project, cleanEnv(), "npm", "install", "--no-audit", "--no-fund", "acme-cli@"+preview).must(t)
	if r := exe(t, project, cleanEnv(), "npx", "--no-install", "acme").must(t); strings.TrimSpace(r.stdout) != "cli+core" {
		t.Errorf("acme prints %q", r.stdout)
	}
}

// Zig and Lumen packages are left where they are as npm's are, and the comment says where that is.
func TestChangedOnlyOfOtherKinds(t *testing.T) {
	gh, s := newGitHub(t), startServer(t, t.TempDir())
	lumen := func(name, source string) string {
		return fmt.Sprintf("-- lumen/%[1]s/lumen.toml --\n[package]\nname = \"@acme/%[1]s\"\nversion = \"1.0.0\"\n-- lumen/%[1]s/src/main.lm --\n%[2]s\n", name, source)
	}
	zig := func(name, source string) string {
		return fmt.Sprintf("-- zig/%[1]s/build.zig.zon --\n%[3]s-- zig/%[1]s/build.zig --\npub fn build(_: anytype) void {}\n-- zig/%[1]s/src/root.zig --\n%[2]s\n", name, source, zigManifest(name, "1.0.0", false, ""))
	}
	first := lumen("one", "cell main() -> Int") + lumen("two", "cell main() -> Int") + zig("one", "pub const x = 1;") + zig("two", "pub const x = 1;")
	b := branch(t, first, lumen("one", "cell main() -> Text")+zig("one", "pub const x = 2;"))
	older := branch(t, first+"-- old.txt --\nold\n", "-- new.txt --\nnew\n")
	for _, base := range []branched{older, b} { // the newest commit of the branch stands in for the base until that is published
		base.publishMain(t, gh, s)
		r := pullRequestAt(t, gh, s.url, b.head, b.merged, 1, "INPUT_CHANGED-ONLY=true").run(t, b.dir).must(t)
		wants(t, r.stdout+r.stderr, []string{"2 of 4 are published"})
		now, then := s.url+"/commits/"+b.head+"/", s.url+"/commits/"+base.main+"/"
		wants(t, theComment(t, gh), []string{
			"2 packages at", "2 unchanged packages, not published again", "zig fetch --save=one " + now + "zig:one/tarball", "zig fetch --save=two " + then + "zig:two/tarball",
			now + "lumen:@acme/one/tarball | tar", then + "lumen:@acme/two/tarball | tar", `.url = "` + then + `zig:two/tarball"`,
		})
	}
}

// Who depends on what changed is published, and what these need, so that they install.
func TestChangedOnlyTakesAlongWhatIsNeeded(t *testing.T) {
	t.Parallel()
	gh, s := newGitHub(t), startServer(t, t.TempDir())
	b := branch(t, monorepo, "-- packages/core/index.js --\nmodule.exports = 'new core';\n")
	b.publishMain(t, gh, s)
	dry := publishCommit(t, b.dir, pullRequestAt(t, gh, s.url, b.head, b.merged, 1).env, "--changed-only", "--dry-run", "--json", "--siblings", "registry", "--registry-url", s.url).must(t)
	var plan struct {
		Packages  []struct{ Name string }
		Base      struct{ SHA string }
		Unchanged []string
	}
	if err := json.Unmarshal([]byte(dry.stdout), &plan); err != nil || len(plan.Packages) != 2 || plan.Base.SHA != b.main || fmt.Sprint(plan.Unchanged) != "[acme-solo]" {
		t.Errorf("the dry run says %s (%v)", dry.stdout, err)
	}
	pullRequestAt(t, gh, s.url, b.head, b.merged, 1, "INPUT_CHANGED-ONLY=true", "INPUT_SIBLINGS=registry").run(t, b.dir).must(t)
	project := t.TempDir()
	write(t, project, "-- package.json --\n{\"name\": \"p\", \"private\": true}\n")
	exe(t, project, cleanEnv(), "npm", "install", "--no-audit", "--no-fund", "-E", "acme-cli@pr-7", "--registry", s.url+"/~/acme/ws").must(t)
	if r := exe(t, project, cleanEnv(), "npx", "--no-install", "acme").must(t); strings.TrimSpace(r.stdout) != "cli+new core" {
		t.Errorf("acme prints %q", r.stdout)
	}
}

// A job that has only what another one has packed knows as much: of the merge commit that lies beside the tarballs, what was
// merged into. Where the branch was when the event happened is another commit here, which was not published.
func TestChangedOnlyOfTarballs(t *testing.T) {
	t.Parallel()
	gh, s := newGitHub(t), startServer(t, t.TempDir())
	b := branch(t, monorepo, "-- packages/core/index.js --\nmodule.exports = 'new core';\n")
	b.publishMain(t, gh, s)
	elsewhere := t.TempDir()
	job := func(packages string) step {
		return pullRequestAt(t, gh, s.url, b.head, b.merged, 1, "INPUT_CHANGED-ONLY=true", "INPUT_PACKAGES="+packages, "INPUT_SIBLINGS=registry")
	}
	publishCommit(t, b.dir, job("").env, "pack", "--out", filepath.Join(elsewhere, "dist")).must(t)
	r := job("dist/*.tgz").run(t, elsewhere).must(t)
	wants(t, r.stderr, []string{"2 of 3 are published", "uploading 1 of 4 blobs"})
	wants(t, theComment(t, gh), []string{"2 packages at", "since [`" + b.main[:7] + "`]", "1 unchanged package, not published again", "`acme-solo`", "acme-cli@pr-7"}, "newest of branch")
}

// A pull request that changes no package publishes none, says so, and succeeds.
func TestChangedOnlyWithoutChanges(t *testing.T) {
	gh, s := newGitHub(t), startServer(t, t.TempDir())
	b := branch(t, monorepo, "-- README.md --\nnew\n")
	b.publishMain(t, gh, s)
	st := pullRequestAt(t, gh, s.url, b.head, b.merged, 1, "INPUT_CHANGED-ONLY=true", "INPUT_SIBLINGS=registry")
	r := st.run(t, b.dir).must(t)
	wants(t, r.stdout+r.stderr, []string{"nothing has changed since " + b.main[:10]})
	wants(t, theComment(t, gh), []string{"No package changed", "so nothing was published", "3 unchanged packages"}, "all packages", "expires")
	wants(t, read(t, st.output), []string{"packages<<", "[]", "sha<<", b.head})
	if got := exe(t, b.dir, cleanEnv(), "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", s.url+"/commits/"+b.head).must(t); got.stdout != "404" {
		t.Errorf("the commit answers %s, want 404", got.stdout)
	}
	if statuses := gh.StatusesOf(b.head); len(statuses) != 1 || statuses[0].Description != "nothing has changed, nothing was published" || statuses[0].URL != s.url+"/commits/"+b.main {
		t.Errorf("the statuses are %+v", statuses)
	}
}

// A base that was never published is stood in for by the newest commit of its branch.
func TestChangedOnlyAgainstTheBranch(t *testing.T) {
	gh, s := newGitHub(t), startServer(t, t.TempDir())
	old := branch(t, monorepo+"-- old.txt --\nold\n", "-- new.txt --\nnew\n")
	old.publishMain(t, gh, s)
	b := branch(t, monorepo, "-- packages/solo/index.js --\nmodule.exports = 'another';\n")
	pullRequestAt(t, gh, s.url, b.head, b.merged, 1, "INPUT_CHANGED-ONLY=true", "INPUT_SIBLINGS=registry").run(t, b.dir).must(t)
	wants(t, theComment(t, gh), []string{"since [`" + old.main[:7] + "`]", "the newest of branch `main`", "2 unchanged packages, not published again"})
}

// Where there is nothing to compare with, the comment has the packages and what is broken in them, and changed-only publishes everything.
func TestWithoutBase(t *testing.T) {
	gh, s := newGitHub(t), startServer(t, t.TempDir())
	b := branch(t, monorepo, soloChanged)
	r := pullRequestAt(t, gh, s.url, b.head, b.merged, 1, "INPUT_CHANGED-ONLY=true", "INPUT_SIBLINGS=registry").run(t, b.dir).must(t)
	wants(t, r.stdout+r.stderr, []string{"changed-only: all packages are published, for none of the commits"})
	wants(t, theComment(t, gh), []string{"3 packages at", "| package | version | packed size |", "[!CAUTION]", "`./lib.js`"}, "since", "[!WARNING]")
}

// One push can be the head of several pull requests: each is told, of what it changes in its own base.
func TestPushToSeveralPullRequests(t *testing.T) {
	t.Parallel()
	gh, s := forgetest.New(t), startServer(t, t.TempDir())
	b := branch(t, monorepo, soloChanged)
	b.publishMain(t, gh, s)
	exe(t, b.dir, cleanEnv(), "git", "checkout", "-q", b.head).must(t)
	gh.AddPull(forgetest.Pull{Number: 7, HeadSHA: b.head, HeadRef: "feature", HeadRepo: "acme/ws", BaseRef: "main", BaseSHA: b.main})
	gh.AddPull(forgetest.Pull{Number: 8, HeadSHA: b.head, HeadRef: "feature", HeadRepo: "acme/ws", BaseRef: "next"})
	env := eventEnv(t, gh, "push", `{"ref": "refs/heads/feature", "after": "`+b.head+`"}`, b.head, "REGISTRY_URL="+s.url, "GITHUB_TOKEN="+forgetest.Token)
	publishCommit(t, b.dir, env).must(t)
	wants(t, theComment(t, gh), []string{"acme-solo@pr-7", "since [`" + b.main[:7] + "`]"}, "@pr-8")
	if c := gh.Comments(8); len(c) != 1 || !strings.Contains(c[0].Body, "@pr-8") || strings.Contains(c[0].Body, "since") {
		t.Errorf("on pull request 8 stand %+v, want one comment, of packages that can't be compared", c)
	}
	for _, ref := range []string{"pr-7", "pr-8"} {
		got := exe(t, b.dir, cleanEnv(), "curl", "-s", s.url+"/acme/ws/acme-cli@"+ref+"?resolve").must(t)
		wants(t, got.stdout, []string{`"sha":"` + b.head + `"`})
	}
}
