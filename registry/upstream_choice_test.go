package registry_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/org/registry-action/registry"
)

// Which upstream is used, and who said so, can be shown: without the secrets beside it.
func TestWhereUpstreamIsFrom(t *testing.T) {
	const base = "http://localhost:4000"
	for name, tt := range map[string]struct {
		config    registry.Config
		npmrc     string // of the folder the server is started in
		env       string // npm_config_registry
		url, from string
	}{
		"an option":        {config: registry.Config{Upstream: "https://a.test/npm/"}, npmrc: "registry=https://b.test", url: "https://a.test/npm", from: "NPM_UPSTREAM"},
		"the environment":  {npmrc: "registry=https://b.test", env: "https://user:hidden@c.test/", url: "https://c.test", from: "npm_config_registry"},
		"the start folder": {npmrc: "registry=https://user:hidden@b.test/?token=hidden\n//b.test/:_authToken=hidden", url: "https://b.test", from: ".npmrc"},
		"nothing":          {url: registry.DefaultUpstream, from: "the default"},
		"this server":      {npmrc: "registry=" + base, url: registry.DefaultUpstream, from: "the default"},
		"none":             {config: registry.Config{NoUpstream: true}, npmrc: "registry=https://b.test"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			t.Chdir(dir)
			for _, v := range []string{"NPM_CONFIG_REGISTRY", "HOME", "npm_config_userconfig", "NPM_CONFIG_USERCONFIG", "NPM_CONFIG_GLOBALCONFIG"} {
				t.Setenv(v, "")
			}
			t.Setenv("npm_config_globalconfig", filepath.Join(dir, "none"))
			t.Setenv("npm_config_registry", tt.env)
			if err := os.WriteFile(".npmrc", []byte(tt.npmrc), 0o600); err != nil {
				t.Fatal(err)
			}
			tt.config.DataDir, tt.config.BaseURL = filepath.Join(dir, "data"), base
			r, err := registry.New(tt.config)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			url, from := r.Upstream()
			if filepath.IsAbs(from) {
				from = filepath.Base(from) // the folder may be named through a link
			}
			if url != tt.url || from != tt.from {
				t.Errorf("Upstream() = %q, %q, want %q, %q", url, from, tt.url, tt.from)
			}
		})
	}
}
