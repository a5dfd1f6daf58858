package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/clients"
)

// Everything a user does with a registry, with every client, each as far as it has the command.
func TestEveryClientUsesTheRegistry(t *testing.T) {
	s := startServer(t, t.TempDir(), "--no-npm-fallback", "--token", operatorToken)
	addUser(t, s, "bob")
	for _, m := range managers() {
		t.Run(m.id(), func(t *testing.T) {
			t.Parallel()
			u := m.join(t, s)
			lib, tool := "@"+u.user+"/lib", "@"+u.user+"/tool"
			u.publishes(t, lib, tool)
			u.installs(t, lib, tool)
			u.looks(t, lib)
			u.tags(t, tool)
			u.deprecates(t, s, lib)
			u.shares(t, lib)
			u.unpublishes(t, lib, tool)
		})
	}
}

func libFiles(name, version, text string) string {
	return fmt.Sprintf(`
-- package.json --
{"name": %q, "version": %q, "description": "lib of %s", "keywords": ["widget"], "license": "MIT", "main": "index.js"}
-- index.js --
module.exports = %q;
-- README.md --
# A library
`, name, version, name, text)
}

func toolFiles(name, lib, more string) string {
	return fmt.Sprintf(`
-- package.json --
{"name": %q, "version": "1.0.0", "license": "MIT", "bin": {"the-tool": "cli.js"}, "dependencies": {%q: "^1.0.0"}}
-- cli.js --
#!/usr/bin/env node
console.log("tool+" + require(%q));
%s`, name, lib, lib, more)
}

const overPublished = "You cannot publish over the previously published versions: 1.0.0."

// publishes publishes lib 1.0.0, 1.1.0 as beta, and tool 1.0.0, which has a bin and needs lib.
func (u *seat) publishes(t *testing.T, lib, tool string) {
	dir := u.project(t, libFiles(lib, "1.0.0", "lib 1.0.0"))
	u.run(t, dir, u.cmd.publish).must(t)
	u.run(t, dir, u.cmd.again).must(t) // the same bytes
	write(t, dir, "-- index.js --\nmodule.exports = 'other';\n")
	u.run(t, dir, u.cmd.publish).refuses(t, overPublished)
	u.run(t, dir, u.cmd.again).refuses(t, overPublished)

	write(t, dir, libFiles(lib, "1.1.0", "lib 1.1.0"))
	u.run(t, dir, u.cmd.publish, "flags=--tag beta").must(t)

	dir = u.project(t, toolFiles(tool, lib, ""))
	u.run(t, dir, u.cmd.publish, "flags=--access public --tag next").must(t)
}

// installs installs tool and, below it, lib: without a lockfile and with one.
func (u *seat) installs(t *testing.T, lib, tool string) {
	app := u.project(t, "")
	u.run(t, app, u.add()+" "+tool).must(t)
	u.wantTool(t, app, "tool+lib 1.")
	lock := read(t, filepath.Join(app, u.cmd.lock))
	if !strings.Contains(lock, lib) {
		t.Errorf("the lockfile has no %s:\n%s", lib, lock)
	}
	if u.keepsURLs() != strings.Contains(lock, "://") {
		t.Errorf("the lockfile has URLs: %t, want %t\n%s", !u.keepsURLs(), u.keepsURLs(), lock)
	}
	u.forget(t)
	u.run(t, app, "rm -rf node_modules .yarn && "+u.frozen()).must(t)
	u.wantTool(t, app, "tool+lib 1.")
	if again := read(t, filepath.Join(app, u.cmd.lock)); again != lock {
		t.Errorf("installing from the lockfile changed it from\n%s\nto\n%s", lock, again)
	}
}

// keepsURLs reports whether the client writes tarballs' URLs into its lockfile whatever they are.
func (m manager) keepsURLs() bool { return m.tool != clients.PNPM && m.tool != clients.Yarn4 }

// wantTool runs the bin that was installed.
func (u *seat) wantTool(t *testing.T, app, want string) {
	t.Helper()
	if r := u.run(t, app, "node_modules/.bin/the-tool"); !strings.HasPrefix(r.stdout, want) {
		t.Errorf("the installed bin: %v\nwant %q", r, want)
	}
}

// looks reads what there is to know of a package.
func (u *seat) looks(t *testing.T, lib string) {
	app := u.project(t, "")
	r := u.run(t, app, u.cmd.view, "pkg="+lib).says(t, lib, "lib of "+lib, "1.0.0", u.user)
	if strings.Contains(r.plain(), "undefined") {
		t.Errorf("something is not defined: %v", r)
	}
	u.run(t, app, u.cmd.view, "pkg="+lib+"@beta").says(t, "1.1.0")
	if u.tool != clients.Yarn1 { // it says so, and succeeds
		u.run(t, app, u.cmd.view, "pkg=@"+u.user+"/no-such").refuses(t)
	}
	if u.cmd.search != "" {
		r := u.run(t, app, u.cmd.search, "text="+lib).says(t, lib, "Version 1.0.0 published 20", "by "+u.user, "Maintainers: "+u.user, "Keywords: widget")
		if strings.Contains(r.plain(), "undefined") || strings.Contains(r.plain(), "prehistoric") {
			t.Errorf("something is not defined: %v", r)
		}
	}
	if u.cmd.ping != "" {
		u.run(t, app, u.cmd.ping).says(t, "PONG")
	}
	if u.cmd.whoami != "" {
		u.run(t, app, u.cmd.whoami).says(t, u.user)
	}
}

// tags adds and removes dist-tags; tool was published as next, and so became latest too.
func (u *seat) tags(t *testing.T, tool string) {
	if u.cmd.tag == "" {
		return
	}
	app := u.project(t, "")
	tags := func() string { return u.run(t, app, u.cmd.tags, "pkg="+tool).must(t).plain() }
	if got := tags(); !strings.Contains(got, "latest") || !strings.Contains(got, "next") {
		t.Errorf("the dist-tags are %q, want latest and next", got)
	}
	u.run(t, app, u.cmd.tag, "pkg="+tool+"@1.0.0", "tag=stable").must(t)
	u.run(t, app, u.cmd.untag, "pkg="+tool, "tag=next").must(t)
	if got := tags(); !strings.Contains(got, "stable") || strings.Contains(got, "next") {
		t.Errorf("the dist-tags are %q, want latest and stable", got)
	}
	u.run(t, app, u.add()+" "+tool+"@stable").must(t)
	u.run(t, app, u.cmd.untag, "pkg="+tool, "tag=latest").refuses(t, "latest")
	u.run(t, app, u.cmd.tag, "pkg="+tool+"@9.9.9", "tag=nine").refuses(t, "9.9.9")
	u.run(t, app, u.cmd.tag, "pkg="+tool+"@1.0.0", "tag=1.x").refuses(t, "1.x")
}

// deprecates sees the warning when it installs. Who can't deprecate has npm do it.
func (u *seat) deprecates(t *testing.T, s *server, lib string) {
	by := u
	if u.cmd.deprecate == "" {
		by = managers()[0].sit(t, s.url, u.token)
	}
	install := func() result {
		u.forget(t)
		line := u.add() + " " + lib + "@1.0.0"
		if u.tool == clients.Yarn4 { // it tells when it audits
			line += "; " + u.cmd.audit + "; true"
		}
		return u.run(t, u.project(t, ""), line).must(t)
	}
	const why = "it has gone out of fashion"
	app := by.project(t, "")
	by.run(t, app, by.cmd.deprecate, "pkg="+lib+"@1.0.0", "text="+why).must(t)
	if u.tool == clients.PNPM { // it does not say why
		install().says(t, "deprecated "+lib+"@1.0.0")
	} else {
		install().says(t, why)
	}
	u.run(t, u.project(t, ""), u.cmd.view, "pkg="+lib+"@1.0.0").says(t, why)
	by.run(t, app, by.cmd.undeprecate, "pkg="+lib+"@1.0.0").must(t)
	if r := install(); strings.Contains(r.plain(), "deprecat") || strings.Contains(r.plain(), why) {
		t.Errorf("it is deprecated no longer: %v", r)
	}
}

// shares gives bob a part in a package and takes it back, and looks after stars and access.
func (u *seat) shares(t *testing.T, lib string) {
	app := u.project(t, "")
	owners := func() string { return u.run(t, app, u.cmd.owners, "pkg="+lib).must(t).plain() }
	if u.cmd.owners != "" {
		if got := owners(); !strings.Contains(got, u.user) || strings.Contains(got, "undefined") {
			t.Errorf("the owners are %q, want %s", got, u.user)
		}
	}
	if u.cmd.addOwner != "" {
		u.run(t, app, u.cmd.addOwner, "pkg="+lib, "user=bob").must(t)
		if got := owners(); !strings.Contains(got, u.user) || !strings.Contains(got, "bob") {
			t.Errorf("the owners are %q, want %s and bob", got, u.user)
		}
		u.run(t, app, u.cmd.dropOwner, "pkg="+lib, "user=bob").must(t)
		if got := owners(); !strings.Contains(got, u.user) || strings.Contains(got, "bob") {
			t.Errorf("the owners are %q, want %s alone", got, u.user)
		}
		u.run(t, app, u.cmd.addOwner, "pkg="+lib, "user=nobody").refuses(t, "nobody")
		u.run(t, app, u.cmd.dropOwner, "pkg="+lib, "user="+u.user).refuses(t, "owner")
	}
	if u.cmd.star != "" {
		u.run(t, app, u.cmd.star, "pkg="+lib).must(t)
		u.run(t, app, u.cmd.stars).says(t, lib)
		u.run(t, app, u.cmd.unstar, "pkg="+lib).must(t)
		if r := u.run(t, app, u.cmd.stars); strings.Contains(r.stdout, lib) {
			t.Errorf("the star stays: %v", r)
		}
	}
	if u.cmd.access != "" {
		u.run(t, app, u.cmd.access, "pkg="+lib).says(t, "public")
		u.run(t, app, u.cmd.setAccess, "pkg="+lib, "access=private").must(t)
		if r := u.run(t, app, u.cmd.access, "pkg="+lib).must(t); strings.Contains(r.plain(), "public") {
			t.Errorf("it is public still: %v", r)
		}
		u.run(t, app, u.cmd.setAccess, "pkg="+lib, "access=public").must(t)
		u.run(t, app, u.cmd.owned, "user="+u.user).says(t, lib+": read-write")
		u.run(t, app, u.cmd.owned, "user=@"+u.user).says(t, lib+": read-write")
	}
}

// unpublishes removes a version, then a whole package. Neither comes back with other bytes.
func (u *seat) unpublishes(t *testing.T, lib, tool string) {
	if u.cmd.unpublish == "" {
		return
	}
	app := u.project(t, "")
	u.run(t, app, u.cmd.unpublish, "pkg="+lib+"@1.1.0").must(t)
	if r := u.run(t, app, u.cmd.view+" versions", "pkg="+lib).says(t, "1.0.0"); strings.Contains(r.plain(), "1.1.0") {
		t.Errorf("1.1.0 is there still: %v", r)
	}
	u.run(t, app, u.add()+" "+lib+"@1.1.0").refuses(t)
	dir := u.project(t, libFiles(lib, "1.1.0", "something else"))
	u.run(t, dir, u.cmd.publish, "flags=--tag beta").refuses(t, "was unpublished", "same bytes only")

	u.run(t, app, u.cmd.unpublish, "pkg="+tool).must(t)
	u.run(t, app, u.cmd.view, "pkg="+tool).refuses(t)
	u.run(t, u.project(t, toolFiles(tool, lib, "-- evil.js --\n")), u.cmd.publish).refuses(t, "was unpublished", "same bytes only")
	u.run(t, u.project(t, toolFiles(tool, lib, "")), u.cmd.publish).must(t)
}
