// Package config is what the command lines of both programs share: one struct
// with tags declares every option, and help, environment, GitHub Actions
// inputs, shell completion and the tables in docs/ follow from it.
//
// The tags are those of github.com/alecthomas/kong, with these differences:
//
//   - `env:"A,B"` lists names in order of preference; an empty or blank variable counts as absent.
//   - `secret:""` keeps a value out of help, tables and Parsed.Attrs.
//   - `input:"-"` takes an option out of the inputs of the action.
//   - a []string splits at commas and newlines, but not inside braces, so that
//     a glob such as packages/{a,b} stays whole.
//   - `required:""` names all the ways to set the option when it is missing.
package config

import (
	"cmp"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/alecthomas/kong"
)

// Program describes a command line. Only Name is required.
type Program struct {
	Name        string
	Description string // one or two sentences on top of the help
	Examples    string // shown as it is below the help
	// Inputs also reads the INPUT_* variables by which GitHub Actions hands over
	// the inputs of an action: the flag json-file is INPUT_JSON-FILE or INPUT_JSON_FILE.
	Inputs bool
	Getenv func(string) string // nil means os.Getenv
	Stdout io.Writer           // help, version and completion scripts; nil means os.Stdout
}

// Parsed is what a command line asks for.
type Parsed struct {
	Command string      // the names of the chosen subcommand, joined by spaces; empty without subcommands
	Attrs   []slog.Attr // the options in effect, secrets redacted: fit for a log
}

// Parse fills cli, a pointer to a struct, from args (without the program's
// name), the environment, the action's inputs and the defaults, in this order
// of precedence.
//
// The error is ErrDone when help, the version or a completion script was asked
// for and printed, and a *UsageError when the user has to change something.
func (p Program) Parse(cli any, args []string) (*Parsed, error) {
	k, done, err := p.parser(cli)
	if err != nil {
		return nil, err
	}
	ctx, err := k.Parse(args)
	if *done {
		return nil, ErrDone
	}
	if err != nil {
		return nil, p.usageError(err)
	}
	return &Parsed{Command: command(ctx), Attrs: attrs(ctx)}, nil
}

// parser builds the kong parser of cli. done becomes true when parsing has
// printed all that was asked for.
func (p Program) parser(cli any) (k *kong.Kong, done *bool, err error) {
	done = new(bool)
	version := struct {
		Version kong.VersionFlag `help:"Print the version and exit." input:"-"`
	}{}
	k, err = kong.New(cli,
		kong.Name(p.Name),
		kong.Description(p.Description),
		kong.Vars{"version": p.Name + " " + longVersion()},
		kong.Writers(p.stdout(), io.Discard),
		kong.Exit(func(int) { *done = true }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, FlagsLast: true, WrapUpperBound: 100}),
		kong.Help(p.help),
		kong.ValueFormatter(p.describe),
		kong.Embed(&version),
		kong.DynamicCommand("completion", "Print a completion script for a shell.", "", &completion{}),
		kong.TypeMapper(listType, kong.MapperFunc(decodeList)),
		kong.Resolvers(kong.ResolverFunc(p.resolve)),
	)
	if err != nil {
		return nil, nil, fmt.Errorf("command line of %s: %w", p.Name, err)
	}
	return k, done, p.takeOver(k.Model.Node)
}

// takeOver hides the environment names from kong, which would read them by
// itself: kong.Flag.Envs still has them for resolve and the help.
func (p Program) takeOver(node *kong.Node) error {
	for _, arg := range node.Positional {
		if len(arg.Tag.Envs) > 0 {
			return fmt.Errorf("command line of %s: the argument <%s> cannot have an environment name", p.Name, arg.Name)
		}
	}
	for _, flag := range node.Flags {
		flag.Tag.Envs = nil
		if secret(flag) {
			flag.PlaceHolder = "SECRET"
		}
	}
	for _, child := range node.Children {
		if err := p.takeOver(child); err != nil {
			return err
		}
	}
	return nil
}

func (p Program) getenv(name string) string {
	if p.Getenv != nil {
		return p.Getenv(name)
	}
	return os.Getenv(name)
}

func (p Program) stdout() io.Writer { return cmp.Or[io.Writer](p.Stdout, os.Stdout) }

func command(ctx *kong.Context) string {
	var names []string
	for _, path := range ctx.Path {
		if path.Command != nil {
			names = append(names, path.Command.Name)
		}
	}
	return strings.Join(names, " ")
}

func attrs(ctx *kong.Context) []slog.Attr {
	var out []slog.Attr
	for _, flag := range ctx.Flags() {
		value := fmt.Sprint(flag.Target.Interface())
		switch {
		case builtin(flag):
			continue
		case secret(flag) && value != "":
			value = "[redacted]"
		}
		out = append(out, slog.String(flag.Name, value))
	}
	return out
}

func secret(flag *kong.Flag) bool  { return flag.Tag.Has("secret") }
func builtin(flag *kong.Flag) bool { return flag.Name == "help" || flag.Name == "version" }
