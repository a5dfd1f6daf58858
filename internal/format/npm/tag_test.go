package npm

import (
	"testing"

	"github.com/org/registry-action/internal/format/npm/npmtest"
	"github.com/org/registry-action/internal/format/semver"
)

func TestPreviewTag(t *testing.T) {
	tests := []struct{ kind, name, want string }{
		{"pr", "7", "pr-7"},
		{"branch", "main", "branch-main"},
		{"branch", "feat/a_b.c", "branch-feat-a_b.c"},
		{"branch", "a@1:b#c d%2f", "branch-a-1-b-c-d-2f"},
		{"branch", "größe", "branch-gr--e"},
		{"branch", "\xff\xfe", "branch---"},
		{"branch", "^1 || *", "branch--1-----"},
		{"branch", "npm:x", "branch-npm-x"},
		{"tag", "v1.0.0", "tag-v1.0.0"},
		{"tag", "1.x", "tag-1.x"},
		{"tag", "v1.0.0+build", "tag-v1.0.0-build"},
	}
	var specs []string
	for _, tt := range tests {
		got := PreviewTag(tt.kind, tt.name)
		if got != tt.want {
			t.Errorf("PreviewTag(%s, %q) = %s, want %s", tt.kind, tt.name, got, tt.want)
		}
		if _, err := semver.ParseRange(got); err == nil {
			t.Errorf("the tag %s is a semver range", got)
		}
		specs = append(specs, "@a/b@"+got)
	}
	var types []string
	npmtest.Run(t, `return input.map((s) => npmRequire("npm-package-arg")(s).type);`, specs, &types)
	for i, got := range types {
		if got != "tag" {
			t.Errorf("npm takes %s for a %s, want a tag", specs[i], got)
		}
	}
}

func TestPreviewPath(t *testing.T) {
	for repository, want := range map[string]string{
		"acme/ws":               "/~/acme/ws",
		"Acme/WS.js":            "/~/Acme/WS.js",
		"group/sub/deep/proj":   "/~/group%2Fsub%2Fdeep/proj",
		"acme/ws/-/pr/7":        "/~/acme/ws/-/pr/7",
		"group/sub/proj/-/pr/7": "/~/group%2Fsub/proj/-/pr/7",
		"a b/c#d":               "/~/a%20b/c%23d",
		"":                      "",
		"ws":                    "",
		"acme/":                 "",
		"/ws":                   "",
		"ws/-/pr/7":             "",
	} {
		if got := PreviewPath(repository); got != want {
			t.Errorf("PreviewPath(%q) = %q, want %q", repository, got, want)
		}
	}
}
