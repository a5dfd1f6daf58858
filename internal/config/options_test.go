package config_test

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/config"
	"github.com/org/registry-action/internal/config/configtest"
)

func TestOptions(t *testing.T) {
	c := cli{Verbose: true}
	options, err := program(nil, &bytes.Buffer{}).Options(&c)
	if err != nil {
		t.Fatal(err)
	}
	if !c.Verbose {
		t.Error("Options touched its argument")
	}
	byFlag := map[string]config.Option{}
	for _, o := range options {
		byFlag[o.Flag] = o
	}
	want := map[string]config.Option{
		"--registry-url": {Flag: "--registry-url", Env: []string{"REGISTRY_URL", "PANTRY_REGISTRY_URL"}, Input: "registry-url", Help: "Where to publish.", Group: "Server:"},
		"--token":        {Flag: "--token", Env: []string{"REGISTRY_TOKEN", "PANTRY_REGISTRY_TOKEN"}, Input: "token", Help: "What | proves it.", Group: "Server:"},
		"--max-size":     {Flag: "--max-size", Env: []string{"MAX_SIZE"}, Input: "max-size", Default: "100MiB", Help: "Largest package."},
		"--desk":         {Flag: "--desk", Help: "Not for the action."},
	}
	for flag, o := range want {
		if diff := cmp.Diff(o, byFlag[flag]); diff != "" {
			t.Errorf("%s -want +got:\n%s", flag, diff)
		}
	}
	if len(options) != 12 {
		t.Errorf("%d options, want the 12 of the struct without help and version: %v", len(options), options)
	}
}

func TestTable(t *testing.T) {
	options := []config.Option{
		{Flag: "--url", Env: []string{"A", "B"}, Help: "Where\nto.", Group: "Server:"},
		{Flag: "--size", Input: "size", Default: "100MiB", Help: "a|b"},
	}
	want := "| Flag | Environment | Input | Default | Meaning |\n| --- | --- | --- | --- | --- |\n" +
		"| `--size` | | `size` | `100MiB` | a\\|b |\n" +
		"\n### Server\n\n| Flag | Environment | Input | Default | Meaning |\n| --- | --- | --- | --- | --- |\n" +
		"| `--url` | `A`, `B` | | | Where to. |\n"
	if diff := cmp.Diff(want, config.Table(options)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if table := config.Table(options[:1]); strings.Contains(table, "Input") {
		t.Errorf("a program without inputs has the column:\n%s", table)
	}
}

// recorder notes a failure and ends its goroutine instead of the test.
type recorder struct {
	testing.TB
	failed bool
}

func (r *recorder) Helper() {}
func (r *recorder) Fatalf(string, ...any) {
	r.failed = true
	runtime.Goexit()
}

func TestCheckDoc(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.md")
	const doc = "# Options\n<!-- options:begin -->\nold\n<!-- options:end -->\nmore\n"
	if err := os.WriteFile(file, []byte(doc), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("UPDATE_DOCS", "")
	r := &recorder{TB: t}
	var wg sync.WaitGroup
	wg.Go(func() { configtest.CheckDoc(r, file, "| new |\n") })
	wg.Wait()
	if got, err := os.ReadFile(file); err != nil || !r.failed || string(got) != doc {
		t.Errorf("an old table: failed = %t, file = %q, %v", r.failed, got, err)
	}
	t.Setenv("UPDATE_DOCS", "1")
	configtest.CheckDoc(t, file, "| new |\n")
	t.Setenv("UPDATE_DOCS", "")
	configtest.CheckDoc(t, file, "| new |\n")
	got, err := os.ReadFile(file)
	if err != nil || string(got) != "# Options\n<!-- options:begin -->\n| new |\n<!-- options:end -->\nmore\n" {
		t.Errorf("file = %q, %v", got, err)
	}
}
