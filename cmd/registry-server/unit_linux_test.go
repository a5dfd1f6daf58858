package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/org/registry-action/internal/config"
)

// unit is the systemd unit with an ExecStart that is on this machine, and its text.
func unit(t *testing.T) (path, text string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "infrastructure", "registry-server.service"))
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text = strings.Replace(string(b), "ExecStart=/usr/local/bin/registry-server", "ExecStart="+self, 1)
	path = filepath.Join(t.TempDir(), "registry-server.service")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path, text
}

// systemd-analyze is fetched by `make tools` (package systemd).
func TestUnit(t *testing.T) {
	path, _ := unit(t)
	for _, args := range [][]string{
		{"verify", "--man=no", path},
		{"security", "--offline=true", "--no-pager", "--threshold=15", path}, // 1.5 of 10
	} {
		out, err := exec.CommandContext(t.Context(), "systemd-analyze", args...).CombinedOutput()
		if err != nil || args[0] == "verify" && len(out) > 0 {
			t.Errorf("systemd-analyze %s: %v\n%s", args[0], err, out)
		}
	}
}

// What the unit sets are options, and systemd waits as long as they say.
func TestUnitOptions(t *testing.T) {
	_, text := unit(t)
	set := map[string]string{}
	env := map[string]string{}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		set[name] = value
	}
	for assignment := range strings.FieldsSeq(set["Environment"]) {
		name, value, _ := strings.Cut(assignment, "=")
		env[name] = value
	}
	asked := map[string]bool{}
	var c commands
	program := config.Program{Name: "registry-server", Getenv: func(name string) string { asked[name] = true; return env[name] }}
	if _, err := program.Parse(&c, nil); err != nil {
		t.Fatal(err)
	}
	for name := range env {
		if !asked[name] {
			t.Errorf("%s is no option", name)
		}
	}
	if want := "/var/lib/" + set["StateDirectory"]; c.Serve.Data != want {
		t.Errorf("the data folder is %s, want %s", c.Serve.Data, want)
	}
	wait, err := time.ParseDuration(strings.TrimSuffix(set["TimeoutStopSec"], "in"))
	if stop := time.Duration(c.Serve.ShutdownDelay) + time.Duration(c.Serve.ShutdownTimeout); err != nil || wait <= stop {
		t.Errorf("systemd kills the server after %s (%v), which may take %s", wait, err, stop)
	}
}
