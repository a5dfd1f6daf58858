package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// help prints kong's help and the examples. A default command's options are
// those of the program itself, so its first page shows them.
func (p Program) help(options kong.HelpOptions, ctx *kong.Context) error {
	selected := ctx.Selected()
	if root := ctx.Model.Node; selected == nil && root.DefaultCmd != nil {
		root.Flags = slices.Concat(root.Flags, root.DefaultCmd.Flags)
	}
	if err := kong.DefaultHelpPrinter(options, ctx); err != nil {
		return err
	}
	if selected != nil || p.Examples == "" {
		return nil
	}
	_, err := fmt.Fprintf(ctx.Stdout, "\nExamples:\n%s\n", strings.Trim(p.Examples, "\n"))
	return err
}

// describe is the help text of a value with what it accepts and where else it
// is read from.
func (p Program) describe(v *kong.Value) string {
	var notes []string
	if v.Enum != "" && !kong.HasInterpolatedVar(v.OrigHelp, "enum") {
		notes = append(notes, "one of "+strings.Join(v.EnumSlice(), ", "))
	}
	if flag := v.Flag; flag != nil {
		// Without a placeholder, kong shows the default in its place.
		if d := defaultOf(flag); d != "" && (flag.PlaceHolder != "" || flag.IsBool()) {
			notes = append(notes, "default "+d)
		}
		for _, env := range flag.Envs {
			notes = append(notes, "$"+env)
		}
	}
	if len(notes) == 0 {
		return v.Help
	}
	return strings.TrimSpace(v.Help + " (" + strings.Join(notes, "; ") + ")")
}

// defaultOf is a flag's default as a user may see it.
func defaultOf(flag *kong.Flag) string {
	if secret(flag) || flag.IsBool() && flag.Default == "false" {
		return ""
	}
	return flag.Default
}
