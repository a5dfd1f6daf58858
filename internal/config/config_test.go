package config_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/config"
)

// cli has the shape of both programs: shared options, a default command with
// arguments, another command.
type cli struct {
	Verbose bool    `short:"v" env:"VERBOSE" help:"Say more."`
	Publish publish `cmd:"" default:"withargs" help:"Pack and upload."`
	Pack    pack    `cmd:"" help:"Only pack."`
}

type publish struct {
	RegistryURL string          `required:"" env:"REGISTRY_URL,PANTRY_REGISTRY_URL" placeholder:"URL" group:"Server:" help:"Where to publish."`
	Token       string          `secret:"" default:"fallback-secret" env:"REGISTRY_TOKEN,PANTRY_REGISTRY_TOKEN" group:"Server:" help:"What | proves it."`
	JSONFile    string          `help:"Write the result to a file."`
	Comment     string          `enum:"update,recreate,off" default:"update" help:"What becomes of the comment."`
	Exclude     []string        `help:"Globs to leave out."`
	DryRun      bool            `negatable:"" help:"Upload nothing."`
	Scripts     bool            `default:"true" negatable:"" env:"SCRIPTS" help:"Run lifecycle scripts."`
	MaxSize     config.Bytes    `default:"100MiB" env:"MAX_SIZE" help:"Largest package."`
	Expiry      config.Duration `default:"90d" help:"How long it stays."`
	Desk        string          `input:"-" help:"Not for the action."`
	Path        []string        `arg:"" optional:"" help:"Packages."`
}

type pack struct {
	Out  string   `required:"" short:"o" type:"path" help:"Folder for the tarballs."`
	Path []string `arg:"" optional:"" help:"Packages."`
}

func program(env map[string]string, out *bytes.Buffer) config.Program {
	return config.Program{
		Name:        "publish-commit",
		Description: "Publishes the packages of a commit.",
		Examples:    "  publish-commit --registry-url https://registry.example.com",
		Inputs:      true,
		Getenv:      func(name string) string { return env[name] },
		Stdout:      out,
	}
}

func parse(t *testing.T, env map[string]string, args ...string) (cli, *config.Parsed, error) {
	t.Helper()
	var c cli
	parsed, err := program(env, &bytes.Buffer{}).Parse(&c, args)
	return c, parsed, err
}

func TestPrecedence(t *testing.T) {
	const url = "--registry-url=https://flag"
	tests := []struct {
		name string
		args []string
		env  map[string]string
		got  func(publish) any
		want any
	}{
		{"default", []string{url}, nil, func(p publish) any { return p.Comment }, "update"},
		{"input over default", []string{url}, map[string]string{"INPUT_COMMENT": "off"}, func(p publish) any { return p.Comment }, "off"},
		{"env over input", nil, map[string]string{"INPUT_REGISTRY-URL": "in", "REGISTRY_URL": "env"}, func(p publish) any { return p.RegistryURL }, "env"},
		{"first name first", nil, map[string]string{"PANTRY_REGISTRY_URL": "b", "REGISTRY_URL": "a"}, func(p publish) any { return p.RegistryURL }, "a"},
		{"second name", nil, map[string]string{"PANTRY_REGISTRY_URL": "b"}, func(p publish) any { return p.RegistryURL }, "b"},
		{"blank is absent", nil, map[string]string{"REGISTRY_URL": " \n", "PANTRY_REGISTRY_URL": "b\n"}, func(p publish) any { return p.RegistryURL }, "b"},
		{"flag over env", []string{url}, map[string]string{"REGISTRY_URL": "env"}, func(p publish) any { return p.RegistryURL }, "https://flag"},
		{"hyphen input", []string{url}, map[string]string{"INPUT_JSON-FILE": "a.json", "INPUT_JSON_FILE": "b"}, func(p publish) any { return p.JSONFile }, "a.json"},
		{"underscore input", []string{url}, map[string]string{"INPUT_JSON-FILE": "", "INPUT_JSON_FILE": "b"}, func(p publish) any { return p.JSONFile }, "b"},
		{"not an input", []string{url}, map[string]string{"INPUT_DESK": "x"}, func(p publish) any { return p.Desk }, ""},
		{"bool input", []string{url}, map[string]string{"INPUT_DRY-RUN": "YES"}, func(p publish) any { return p.DryRun }, true},
		{"bool off", []string{url}, map[string]string{"INPUT_SCRIPTS": "No"}, func(p publish) any { return p.Scripts }, false},
		{"bool flag over env", []string{url, "--scripts"}, map[string]string{"SCRIPTS": "false"}, func(p publish) any { return p.Scripts }, true},
		{"negated flag over env", []string{url, "--no-scripts"}, map[string]string{"SCRIPTS": "true"}, func(p publish) any { return p.Scripts }, false},
		{"list input", []string{url}, map[string]string{"INPUT_EXCLUDE": "a, b\nc,\n packages/{x,y}/*\n"}, func(p publish) any { return p.Exclude }, []string{"a", "b", "c", "packages/{x,y}/*"}},
		{"open brace ends with the line", []string{url}, map[string]string{"INPUT_EXCLUDE": "a{b,c\nd,e"}, func(p publish) any { return p.Exclude }, []string{"a{b,c", "d", "e"}},
		{"list flags add up", []string{url, "--exclude=a,b", "--exclude", "c"}, map[string]string{"INPUT_EXCLUDE": "z"}, func(p publish) any { return p.Exclude }, []string{"a", "b", "c"}},
		{"arguments are whole", []string{url, "a,b", "c"}, nil, func(p publish) any { return p.Path }, []string{"a,b", "c"}},
		{"bytes", []string{url}, map[string]string{"MAX_SIZE": "1GB"}, func(p publish) any { return p.MaxSize }, config.Bytes(1e9)},
		{"duration", []string{url, "--expiry=12h"}, nil, func(p publish) any { return p.Expiry.String() }, "12h"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, parsed, err := parse(t, tt.env, tt.args...)
			if err != nil {
				t.Fatalf("Parse(%q) = %v", tt.args, err)
			}
			if diff := cmp.Diff(tt.want, tt.got(c.Publish)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if parsed.Command != "publish" {
				t.Errorf("Command = %q, want publish", parsed.Command)
			}
		})
	}
}

func TestInputsAreOnlyForTheAction(t *testing.T) {
	p := program(map[string]string{"INPUT_REGISTRY-URL": "x"}, &bytes.Buffer{})
	p.Inputs = false
	_, err := p.Parse(&cli{}, nil)
	if _, ok := errors.AsType[*config.UsageError](err); !ok {
		t.Errorf("Parse = %v, want a UsageError: the input must not count", err)
	}
}

func TestRequiredOptionsOfAnotherCommandDoNotMatter(t *testing.T) {
	c, parsed, err := parse(t, nil, "pack", "-o", "/out", "a")
	if err != nil || parsed.Command != "pack" || c.Pack.Out != "/out" {
		t.Errorf("Parse(pack) = %+v, %+v, %v", c.Pack, parsed, err)
	}
}

func TestUsageErrors(t *testing.T) {
	tests := []struct {
		name string
		args []string
		env  map[string]string
		want string
	}{
		{"unknown flag", []string{"pack", "--otu=x"}, nil, `unknown flag --otu, did you mean "--out"? (run "publish-commit pack --help")`},
		{"missing", []string{"publish"}, nil, `--registry-url: required: set the flag --registry-url, the variable REGISTRY_URL, the variable PANTRY_REGISTRY_URL, or the action's input registry-url (run "publish-commit publish --help")`},
		{"bad variable", []string{"--registry-url=x"}, map[string]string{"MAX_SIZE": "100M"}, `--max-size: from MAX_SIZE: "100M": "M" is not a unit of bytes; write MB for 1000², MiB for 1024², and so on (run "publish-commit publish --help")`},
		{"bad flag", []string{"--registry-url=x", "--expiry=90days"}, nil, `--expiry: "90days" is not a duration such as 90d, 12h or 1m30s`},
		{"bad boolean", []string{"--registry-url=x"}, map[string]string{"INPUT_DRY-RUN": "maybe"}, `--dry-run: from INPUT_DRY-RUN: bool value must be`},
		{"bad enum", []string{"--registry-url=x"}, map[string]string{"INPUT_COMMENT": "never"}, `--comment must be one of "update","recreate","off" but got "never"`},
		{"unknown shell", []string{"completion", "tcsh"}, nil, `"tcsh" is not a shell that can be completed in; give one of bash, zsh, fish`},
		{"no shell", []string{"completion"}, nil, `expected "<shell>"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := parse(t, tt.env, tt.args...)
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Fatalf("Parse(%q) = %v\nwant it to begin with %s", tt.args, err, tt.want)
			}
			if code := config.ExitCode(fmt.Errorf("parsing: %w", err)); code != 2 {
				t.Errorf("ExitCode = %d, want 2", code)
			}
		})
	}
}

func TestExitCodes(t *testing.T) {
	for want, err := range map[int]error{0: config.ErrDone, 1: errors.New("disk full"), 2: config.Usagef("%s and %s", "a", "b")} {
		if got := config.ExitCode(err); got != want {
			t.Errorf("ExitCode(%v) = %d, want %d", err, got, want)
		}
	}
	if got := config.ExitCode(nil); got != 0 {
		t.Errorf("ExitCode(nil) = %d", got)
	}
}

func TestHelpTeaches(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"publish", "--help"}} {
		var out bytes.Buffer
		_, err := program(map[string]string{"MAX_SIZE": "nonsense"}, &out).Parse(&cli{}, args)
		if !errors.Is(err, config.ErrDone) {
			t.Fatalf("Parse(%q) = %v, want ErrDone", args, err)
		}
		for _, want := range []string{
			"Server:", "--registry-url=URL", "$REGISTRY_URL; $PANTRY_REGISTRY_URL", "one of update, recreate, off",
			"--max-size=100MiB", "$MAX_SIZE", "--[no-]scripts", "default true", "--token=SECRET",
		} {
			if !strings.Contains(words(out.String()), want) {
				t.Errorf("%q lacks %q:\n%s", args, want, &out)
			}
		}
		if strings.Contains(out.String(), "fallback-secret") {
			t.Errorf("%q shows the default of a secret:\n%s", args, &out)
		}
		if root := args[0] == "--help"; root != strings.Contains(out.String(), "Examples:\n  publish-commit --registry-url") {
			t.Errorf("%q: examples belong on the first page only:\n%s", args, &out)
		}
	}
}

func words(s string) string { return strings.Join(strings.Fields(s), " ") }

func TestVersionNeedsNothingElse(t *testing.T) {
	var out bytes.Buffer
	if _, err := program(nil, &out).Parse(&cli{}, []string{"--version"}); !errors.Is(err, config.ErrDone) {
		t.Fatalf("Parse = %v, want ErrDone", err)
	}
	if !strings.HasPrefix(out.String(), "publish-commit ") || !strings.Contains(out.String(), "go1.") {
		t.Errorf("--version prints %q", &out)
	}
}

func TestSecretsStayOutOfAttrs(t *testing.T) {
	_, parsed, err := parse(t, map[string]string{"REGISTRY_TOKEN": "hunter2"}, "--registry-url=https://x")
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).LogAttrs(t.Context(), slog.LevelInfo, "options", parsed.Attrs...)
	if text := log.String(); strings.Contains(text, "hunter2") || !strings.Contains(text, "token=[redacted]") || !strings.Contains(text, "max-size=100MiB") {
		t.Errorf("log = %s", text)
	}
}
