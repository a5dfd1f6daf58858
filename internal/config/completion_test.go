package config_test

import (
	"bytes"
	"errors"
	"os/exec"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/config"
)

func completion(t *testing.T, shell string) string {
	t.Helper()
	var out bytes.Buffer
	if _, err := program(nil, &out).Parse(&cli{}, []string{"completion", shell}); !errors.Is(err, config.ErrDone) {
		t.Fatalf("Parse(completion %s) = %v, want ErrDone", shell, err)
	}
	return out.String()
}

func TestBashCompletes(t *testing.T) {
	script := completion(t, "bash") + `
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _publish_commit; echo "${COMPREPLY[*]}"`
	tests := []struct {
		typed []string
		want  string
	}{
		{[]string{""}, "publish pack completion"},
		{[]string{"pa"}, "pack"},
		{[]string{"--reg"}, "--registry-url"},
		{[]string{"pack", "--o"}, "--out"},
		{[]string{"pack", "-"}, "--help -h --verbose -v --version --out -o"},
		{[]string{"pack", "--reg"}, ""},
		{[]string{"-v", "pack", "--out", ""}, ""},
		{[]string{"publish", "--comment", ""}, "update recreate off"},
		{[]string{"publish", "--comment", "="}, "update recreate off"},
		{[]string{"publish", "--comment", "=", "re"}, "recreate"},
		{[]string{"publish", "--no-s"}, "--no-scripts"},
		{[]string{"completion", ""}, "bash zsh fish"},
		{[]string{"completion", "f"}, "fish"},
	}
	for _, tt := range tests {
		args := append([]string{"--noprofile", "--norc", "-c", script, "bash", "publish-commit"}, tt.typed...)
		out, err := exec.CommandContext(t.Context(), "bash", args...).CombinedOutput()
		if got := strings.TrimSpace(string(out)); err != nil || got != tt.want {
			t.Errorf("%q completes to %q, %v, want %q", tt.typed, got, err, tt.want)
		}
	}
}

// zsh and fish are on few machines: here only what the scripts must say, and
// their syntax where the shell exists.
func TestOtherShells(t *testing.T) {
	wants := map[string][]string{
		"zsh":  {"#compdef publish-commit", "'/pack') at='/pack' ;;", "compadd -- update recreate off", "'--out:Folder for the tarballs.' '-o:Folder"},
		"fish": {"complete -c publish-commit -n \"__publish_commit_at '/pack'\" -l out -s o -r -d 'Folder for the tarballs.'", "-x -a 'update recreate off'"},
	}
	for shell, parts := range wants {
		script := completion(t, shell)
		for _, part := range parts {
			if !strings.Contains(script, part) {
				t.Errorf("%s lacks %q:\n%s", shell, part, script)
			}
		}
		if path, err := exec.LookPath(shell); err == nil {
			cmd := exec.CommandContext(t.Context(), path, "--no-exec")
			cmd.Stdin = strings.NewReader(script)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s --no-exec: %v\n%s", shell, err, out)
			}
		}
	}
}
