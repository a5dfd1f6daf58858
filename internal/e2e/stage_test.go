package e2e

import (
	"regexp"
	"strings"
	"testing"
)

var uuid = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

// A staged version can be installed when somebody has approved it, not before.
func TestStagedPublishing(t *testing.T) {
	s := startServer(t, t.TempDir(), "--no-npm-fallback", "--token", operatorToken)
	addUser(t, s, "mallory")
	for _, m := range managers() {
		if m.words().stage == "" {
			continue
		}
		t.Run(m.id(), func(t *testing.T) {
			t.Parallel()
			u := m.join(t, s)
			lib := "@" + u.user + "/lib"
			dir := u.project(t, smallPackage(lib, "1.0.0"))
			id := uuid.FindString(u.run(t, dir, u.cmd.stageThis).must(t).plain())
			u.run(t, dir, u.cmd.stage+" list").says(t, id, lib, "1.0.0", "latest")
			u.run(t, dir, u.cmd.view, "pkg="+lib).refuses(t)

			stranger := m.sit(t, s.url, newToken(t, s, "--name", "stranger", "--user", "mallory"))
			if r := stranger.run(t, dir, u.cmd.stage+" list").must(t); strings.Contains(r.plain(), lib) {
				t.Errorf("others see what is staged: %v", r)
			}
			stranger.run(t, dir, u.cmd.stage+" approve "+id).refuses(t)
			stranger.run(t, dir, u.cmd.stage+" reject "+id).refuses(t)

			u.run(t, dir, u.cmd.stage+" approve "+id).must(t)
			u.run(t, u.project(t, ""), u.add()+" "+lib).must(t)
			if r := u.run(t, dir, u.cmd.stage+" list").must(t); strings.Contains(r.plain(), id) {
				t.Errorf("it is staged still: %v", r)
			}

			write(t, dir, smallPackage(lib, "1.1.0"))
			id = uuid.FindString(u.run(t, dir, u.cmd.stageThis).must(t).plain())
			u.run(t, dir, u.cmd.stage+" reject "+id).must(t)
			u.run(t, dir, u.cmd.stage+" approve "+id).refuses(t)
			u.run(t, u.project(t, ""), u.add()+" "+lib+"@1.1.0").refuses(t)
			if m.name != "yarn" {
				u.inspects(t, dir, lib)
			}
		})
	}
}

// inspects looks at what is staged before it decides.
func (u *seat) inspects(t *testing.T, dir, lib string) {
	write(t, dir, smallPackage(lib, "1.2.0"))
	id := uuid.FindString(u.run(t, dir, u.cmd.stageThis+" --tag next").must(t).plain())
	u.run(t, dir, u.cmd.stage+" view "+id).says(t, lib, "1.2.0", "next", u.user)
	u.run(t, dir, u.cmd.stage+" download "+id).says(t, "1.2.0-"+id+".tgz")
	r := u.run(t, dir, "tar -xzOf *-"+id+".tgz package/package.json").says(t, `"1.2.0"`)
	if !strings.Contains(r.stdout, lib) {
		t.Errorf("the staged tarball has %s", r.stdout)
	}
	u.run(t, dir, u.cmd.stage+" approve "+id).must(t)
	u.run(t, dir, u.cmd.tags, "pkg="+lib).says(t, "next: 1.2.0", "latest: 1.0.0")
}
