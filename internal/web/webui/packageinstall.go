package webui

import (
	"net/url"

	"github.com/org/registry-action/internal/format/npm"
)

// installRelease is how a version is installed with each client, and what makes a project ask this registry by itself.
func (u *UI) installRelease(s *subject) (lines []command, config string) {
	spec := s.Name
	if s.tags[latestTag] != s.version() {
		spec += "@" + s.version()
	}
	word, root := shellWord(spec), u.BaseURL+"/"
	at := " --registry " + shellWord(root)
	berry := "YARN_NPM_REGISTRY_SERVER=" + shellWord(u.BaseURL) + " "
	if parsed, err := url.Parse(u.BaseURL); err == nil && parsed.Scheme == "http" {
		berry += "YARN_UNSAFE_HTTP_WHITELIST=" + shellWord(parsed.Hostname()) + " "
	}
	lines = []command{
		{"npm", "npm install " + word + at},
		{"pnpm", "pnpm add " + word + at},
		{"Yarn 1", "yarn add " + word + at},
		{"Yarn 2 and later", berry + "yarn add " + word},
		{"bun", "bun add " + word + at},
	}
	if scope, _ := npm.SplitName(s.Name); scope != "" {
		return lines, scope + ":registry=" + root
	}
	return lines, "registry=" + root
}
