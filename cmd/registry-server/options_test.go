package main

import (
	"net"
	"testing"

	"github.com/org/registry-action/internal/config"
)

// Whoever turns off that clients are counted is heard, by the environment and on the command line.
func TestUserAgentsCanBeLeftOut(t *testing.T) {
	for _, c := range []struct {
		env  string
		args []string
		left bool
	}{{"", nil, false}, {"true", nil, false}, {"false", nil, true}, {"", []string{"--no-analytics-user-agents"}, true}} {
		var all commands
		env := func(name string) string { return map[string]string{"ANALYTICS_USER_AGENTS": c.env}[name] }
		if _, err := (config.Program{Name: "registry-server", Getenv: env}).Parse(&all, c.args); err != nil {
			t.Fatal(err)
		}
		if got := all.Serve.settings(&net.TCPAddr{Port: 3000}).NoUserAgents; got != c.left {
			t.Errorf("with %q and %q NoUserAgents is %t, want %t", c.env, c.args, got, c.left)
		}
	}
}
