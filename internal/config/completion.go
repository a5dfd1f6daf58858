package config

import (
	"embed"
	"fmt"
	"slices"
	"strings"
	"text/template"

	"github.com/alecthomas/kong"
)

//go:embed completion/*.tmpl
var scripts embed.FS

// completion is the subcommand that prints a completion script.
type completion struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"The shell to complete in."`
}

// BeforeReset prints the script before anything required can be missed.
func (*completion) BeforeReset(k *kong.Kong, ctx *kong.Context) error {
	for _, path := range ctx.Path {
		if path.Positional == nil {
			continue
		}
		shell := ctx.Value(path).String()
		if !slices.Contains(path.Positional.EnumSlice(), shell) {
			return fmt.Errorf("%q is not a shell that can be completed in; give one of %s",
				shell, strings.Join(path.Positional.EnumSlice(), ", "))
		}
		defer k.Exit(0)
		return script(shell, k)
	}
	return nil // kong refuses the missing argument
}

// place is what can be completed after some subcommands have been typed.
type place struct {
	Path  string // "" for the program itself, then "/pack"
	Words []word // subcommands, and the values of an argument
	Flags []choice
}

type word struct{ Name, Help string }

type choice struct {
	Long, Short, Help string
	Takes             bool     // a value follows
	Values            []string // the values, if they are known
}

func script(shell string, k *kong.Kong) error {
	t, err := template.New(shell+".tmpl").Funcs(template.FuncMap{
		"quote": func(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" },
		"fish":  func(s string) string { return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'" },
		"join":  strings.Join,
	}).ParseFS(scripts, "completion/"+shell+".tmpl")
	if err != nil {
		return fmt.Errorf("completion for %s: %w", shell, err)
	}
	return t.Execute(k.Stdout, map[string]any{
		"Program": k.Model.Name,
		"Func":    "_" + strings.ReplaceAll(k.Model.Name, "-", "_"),
		"Places":  places(k.Model.Node, "", nil),
	})
}

// places walks the commands; inherited are the flags of the commands above.
func places(node *kong.Node, path string, inherited []choice) []place {
	own := slices.Clone(inherited)
	for _, flag := range node.Flags {
		own = append(own, choices(flag)...)
	}
	at := place{Path: path, Flags: own}
	if node.DefaultCmd != nil {
		for _, flag := range node.DefaultCmd.Flags {
			at.Flags = append(slices.Clip(at.Flags), choices(flag)...)
		}
	}
	for _, arg := range node.Positional {
		if arg.Enum != "" {
			for _, value := range arg.EnumSlice() {
				at.Words = append(at.Words, word{Name: value})
			}
		}
	}
	var below []place
	for _, child := range node.Children {
		if !child.Hidden {
			at.Words = append(at.Words, word{child.Name, child.Help})
			below = append(below, places(child, path+"/"+child.Name, own)...)
		}
	}
	return append([]place{at}, below...)
}

func choices(flag *kong.Flag) []choice {
	if flag.Hidden {
		return nil
	}
	c := choice{Long: flag.Name, Help: flag.Help, Takes: !flag.IsBool() && !flag.IsCounter()}
	if flag.Short != 0 {
		c.Short = string(flag.Short)
	}
	if flag.Enum != "" {
		c.Values = flag.EnumSlice()
	}
	if flag.Tag.Negatable == "" {
		return []choice{c}
	}
	return []choice{c, {Long: "no-" + flag.Name, Help: flag.Help}}
}
