package auth

import (
	"slices"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/fault"
)

func TestRepositoryPatterns(t *testing.T) {
	for _, tt := range []struct {
		pattern string
		yes, no []string
	}{
		{"acme/*", []string{"https://github.com/acme/ws", "https://github.com/Acme/WS", "https://github.com/acme/sub/ws"},
			[]string{"https://github.com/acme2/ws", "https://gitlab.com/acme/ws", "https://evil.example/github.com/acme/ws", "https://github.com:8443/acme/ws", ""}},
		{"Acme/ws", []string{"https://github.com/acme/ws"}, []string{"https://github.com/acme/ws2", "https://github.com/acme/ws/x", "https://github.com/acme/w", ""}},
		{"acme/ws-*", []string{"https://github.com/acme/ws-a"}, []string{"https://github.com/acme/ws", "https://github.com/acme/wsx"}},
		{"https://git.example.com:8443/a/*", []string{"https://git.example.com:8443/a/b"}, []string{"https://git.example.com/a/b", "https://github.com/a/b", ""}},
		{"*", []string{"https://github.com/acme/ws", "https://gitlab.com/a/b", ""}, nil},
	} {
		if err := validRepositories([]string{tt.pattern}); err != nil {
			t.Errorf("%s: %v", tt.pattern, err)
		}
		for _, repo := range tt.yes {
			if !coversRepository([]string{"other/one", tt.pattern}, repo) {
				t.Errorf("%s does not cover %q", tt.pattern, repo)
			}
		}
		for _, repo := range tt.no {
			if coversRepository([]string{"other/one", tt.pattern}, repo) {
				t.Errorf("%s covers %q", tt.pattern, repo)
			}
		}
	}
	for _, bad := range []string{
		"", "acme", "acme*", "/", "/*", "*/ws", "acme/", "acme//ws", "acme/**", "acme/*/ws", "a b/c", "http://github.com/a/b", "https://github.com/acme", "https://github.com/*",
		"https://user@github.com/a/b", "git@github.com:a/b", "acme/ws\n", "acme/ws?x", strings.Repeat("a", 101) + "/b", "**",
	} {
		refused(t, validRepositories([]string{"ok/ok", bad}), fault.Invalid, "acme/*")
	}
}

// FuzzRepositoryPatterns: a pattern with an owner covers nothing of another owner or host.
func FuzzRepositoryPatterns(f *testing.F) {
	f.Add("acme/*", "acme2/x")
	f.Add("https://git.example.com/a/b*", "https://git.example.com/a/bc")
	f.Fuzz(func(t *testing.T, pattern, repo string) {
		if pattern == "*" || validRepositories([]string{pattern}) != nil || validRepositories([]string{repo}) != nil || !coversRepository([]string{pattern}, repo) {
			return
		}
		want, got := strings.Split(withForge(pattern), "/"), strings.Split(withForge(repo), "/")
		if !slices.Equal(want[:len(want)-1], got[:len(want)-1]) {
			t.Errorf("%q covers %q", pattern, repo)
		}
	})
}

func TestTokensForRepositories(t *testing.T) {
	w := closed(t)
	const ours, theirs = "https://github.com/acme/ws", "https://github.com/evil/ws"
	granted := w.bearer(w.token(NewToken{Name: "ci", Repositories: []string{"acme/*"}, Grant: true}))
	limited := w.bearer(w.token(NewToken{Name: "ci2", Repositories: []string{"acme/*"}}))
	free := w.bearer(w.token(NewToken{Name: "ci3", Packages: []string{"a"}, Grant: true}))
	reader := w.bearer(w.token(NewToken{Name: "ci4", Permission: Read, Repositories: []string{"acme/*"}, Grant: true}))
	for name, p := range map[string]Principal{"granted": granted, "limited": limited} {
		if p.MayPublish(ours) != nil || p.MayUpload() != nil || p.GrantedRepository(ours) != (name == "granted") || p.GrantedRepository(theirs) || p.GrantedRepository("") || p.Granted("a") {
			t.Errorf("the %s token: %v, %v, granted %v", name, p.MayPublish(ours), p.MayUpload(), p.GrantedRepository(ours))
		}
		refused(t, p.MayPublish(theirs), fault.Forbidden, theirs, "acme/*")
		refused(t, p.MayPublish(""), fault.Forbidden, "names no repository", "acme/*")
	}
	if free.MayPublish(theirs) != nil || free.MayPublish("") != nil || free.GrantedRepository(ours) {
		t.Error("a token of packages is limited in repositories")
	}
	if reader.GrantedRepository(ours) {
		t.Error("a token that may only read was given a repository")
	}
	refused(t, reader.MayUpload(), fault.Forbidden, "publish permission")
	if root := w.root(); !root.GrantedRepository(theirs) || !root.GrantedRepository("") {
		t.Error("an admin may not publish for every repository")
	}

	// What a limited token makes is as limited, by whatever way it is made.
	secret, info, err := w.CreateToken(t.Context(), granted, NewToken{Name: "copy"})
	if err != nil || info.Grant || !slices.Equal(info.Repositories, []string{"acme/*"}) || w.bearer(secret).GrantedRepository(ours) {
		t.Errorf("its copy is %+v, %v", info, err)
	}
	if _, info, err := w.CreateToken(t.Context(), limited, NewToken{Name: "copy", Repositories: []string{"acme/ws"}}); err != nil || len(info.Repositories) != 1 {
		t.Errorf("a narrower copy is %+v, %v", info, err)
	}
	for _, wide := range []string{"*", "acme2/*", "https://gitlab.com/acme/*"} {
		_, _, err := w.CreateToken(t.Context(), limited, NewToken{Name: "copy", Repositories: []string{wide}})
		refused(t, err, fault.Forbidden, "limited to acme/*")
	}
	refused(t, limited.MayManage(), fault.Forbidden, "limited to acme/*")
	_, _, err = w.CreateToken(t.Context(), w.user("alice"), NewToken{Name: "x", Repositories: []string{"acme/*"}, Grant: true})
	refused(t, err, fault.Forbidden, "only an admin")
	_, _, err = w.CreateToken(t.Context(), w.root(), NewToken{Name: "x", Permission: Admin, Repositories: []string{"acme/*"}})
	refused(t, err, fault.Invalid, "limited")
	_, _, err = w.CreateToken(t.Context(), w.root(), NewToken{Name: "x", Repositories: make([]string, 101)})
	refused(t, err, fault.Invalid, "101")
}
