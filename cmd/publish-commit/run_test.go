package main

import (
	"os"
	"slices"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/org/registry-action/internal/config"
	"github.com/org/registry-action/internal/config/configtest"
)

func options(t *testing.T) []config.Option {
	t.Helper()
	var c commands
	all, err := config.Program{Name: "publish-commit", Inputs: true}.Options(&c)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestDocs(t *testing.T) {
	configtest.CheckDoc(t, "../../docs/action.md", config.Table(options(t)))
}

// The inputs of pack/action.yml are those of action.yml that are about packing, and the folder.
func TestPackInputs(t *testing.T) {
	type input struct{ Description, Default string }
	read := func(path string) map[string]input {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var action struct{ Inputs map[string]input }
		if err := yaml.Unmarshal(text, &action); err != nil {
			t.Fatal(err)
		}
		return action.Inputs
	}
	publish, pack := read("../../action.yml"), read("../../pack/action.yml")
	if len(pack) < 10 {
		t.Fatalf("pack/action.yml has %d inputs", len(pack))
	}
	delete(pack, "out")          // its own
	delete(pack, "registry-url") // is required only where something is published
	for name, in := range pack {
		if publish[name] != in {
			t.Errorf("the input %s is %+v, in action.yml %+v", name, in, publish[name])
		}
	}
}

// Every input of action.yml is an option of the program, with the same default,
// and every option that has an input is in action.yml: the runner warns of others.
func TestInputsAreOptions(t *testing.T) {
	text, err := os.ReadFile("../../action.yml")
	if err != nil {
		t.Fatal(err)
	}
	var action struct {
		Inputs map[string]struct{ Default string }
	}
	if err := yaml.Unmarshal(text, &action); err != nil {
		t.Fatal(err)
	}
	if len(action.Inputs) < 15 {
		t.Fatalf("action.yml has %d inputs", len(action.Inputs))
	}
	for _, o := range options(t) {
		if _, ok := action.Inputs[o.Input]; o.Input != "" && !ok {
			t.Errorf("option %s has the input %s, which action.yml lacks", o.Flag, o.Input)
		}
	}
	for name, input := range action.Inputs {
		if name == "binary-path" || name == "download-base-url" { // the shim reads them
			continue
		}
		i := slices.IndexFunc(options(t), func(o config.Option) bool { return o.Flag == "--"+name || o.Flag == name })
		if i < 0 {
			t.Errorf("input %s is no option of publish-commit", name)
			continue
		}
		own := options(t)[i].Default
		if input.Default != "" && input.Default != "false" && name != "github-token" && input.Default != own {
			t.Errorf("input %s has default %q, the option %q", name, input.Default, own)
		}
	}
}
