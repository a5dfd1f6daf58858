package npmrc

import (
	"maps"
	"os"
	"path/filepath"
	"testing"
)

func TestFind(t *testing.T) {
	tests := []struct {
		name                  string
		project, user, global string
		env                   map[string]string
		want                  Registry
		ok                    bool
	}{
		{name: "nothing"},
		{name: "environment, in capitals", env: map[string]string{"NPM_CONFIG_REGISTRY": "http://user:pass@env"}, want: Registry{URL: "http://env", From: "NPM_CONFIG_REGISTRY"}, ok: true},
		{name: "environment first", project: "registry=http://project", env: map[string]string{"npm_config_registry": "http://env:4873/"}, want: Registry{URL: "http://env:4873", From: "npm_config_registry"}, ok: true},
		{name: "project before user", project: "registry = http://project/npm/ ", user: "registry=http://user", want: Registry{URL: "http://project/npm", From: "project/.npmrc"}, ok: true},
		{name: "user before global", user: "; c\n# c\nregistry=\"http://user\"", global: "registry=http://global", want: Registry{URL: "http://user", From: "home/.npmrc"}, ok: true},
		{name: "global", global: "registry=http://global", want: Registry{URL: "http://global", From: "npmrc"}, ok: true},
		{name: "token", user: "registry=https://r.example/npm/\n//r.example/npm/:_authToken=${SECRET}", env: map[string]string{"SECRET": "s3"}, want: Registry{"https://r.example/npm", "s3", "home/.npmrc"}, ok: true},
		{name: "token of the host", user: "registry=https://r.example/npm/\n//r.example/:_authToken=t", want: Registry{"https://r.example/npm", "t", "home/.npmrc"}, ok: true},
		{name: "another host's token", user: "registry=https://r.example/\n//r.example.evil/:_authToken=t", want: Registry{URL: "https://r.example", From: "home/.npmrc"}, ok: true},
		{name: "no URL", project: "registry=file:///x", user: "registry"},
		{name: "scopes are not it", project: "@acme:registry=http://acme"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			env := map[string]string{"HOME": filepath.Join(dir, "home"), "npm_config_globalconfig": filepath.Join(dir, "npmrc")}
			maps.Copy(env, tt.env)
			write(t, filepath.Join(dir, "project", ".npmrc"), tt.project)
			write(t, filepath.Join(dir, "home", ".npmrc"), tt.user)
			write(t, filepath.Join(dir, "npmrc"), tt.global)
			got, ok := Find(filepath.Join(dir, "project"), func(k string) string { return env[k] })
			if inside, err := filepath.Rel(dir, got.From); err == nil && got.From != "" {
				got.From = filepath.ToSlash(inside)
			}
			if got != tt.want || ok != tt.ok {
				t.Errorf("Find = %+v, %v, want %+v, %v", got, ok, tt.want, tt.ok)
			}
		})
	}
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if content == "" {
		return
	}
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
