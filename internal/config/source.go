package config

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/alecthomas/kong"
)

// resolve finds the value of a flag that the command line does not have. It is
// tried on a scratch value first, so that a mistake names its variable.
func (p Program) resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if builtin(flag) {
		return nil, nil
	}
	for _, name := range append(flag.Envs[:len(flag.Envs):len(flag.Envs)], p.inputs(flag)...) {
		value := strings.TrimSpace(p.getenv(name))
		if value == "" {
			continue
		}
		if err := try(flag, value); err != nil {
			if secret(flag) {
				err = errors.New("not valid")
			}
			return nil, fmt.Errorf("from %s: %w", name, err)
		}
		return value, nil
	}
	if flag.Required {
		return nil, fmt.Errorf("required: set %s", strings.Join(p.ways(flag), ", "))
	}
	return nil, nil
}

func try(flag *kong.Flag, value string) error {
	scan := kong.Scan().PushTyped(value, kong.FlagValueToken)
	scratch := reflect.New(flag.Target.Type()).Elem()
	return flag.Mapper.Decode(&kong.DecodeContext{Value: flag.Value, Scan: scan}, scratch)
}

// inputs are the INPUT_ names of a flag: the runner keeps hyphens, which a
// POSIX shell cannot export, so the underscore form is read as well.
func (p Program) inputs(flag *kong.Flag) []string {
	if !p.Inputs || flag.Tag.Get("input") == "-" || builtin(flag) {
		return nil
	}
	name := "INPUT_" + strings.ToUpper(flag.Name)
	if under := strings.ReplaceAll(name, "-", "_"); under != name {
		return []string{name, under}
	}
	return []string{name}
}

// ways lists how to set a flag.
func (p Program) ways(flag *kong.Flag) []string {
	ways := []string{"the flag --" + flag.Name}
	for _, env := range flag.Envs {
		ways = append(ways, "the variable "+env)
	}
	if len(p.inputs(flag)) > 0 {
		ways = append(ways, "the action's input "+flag.Name)
	}
	if n := len(ways) - 1; n > 0 {
		ways[n] = "or " + ways[n]
	}
	return ways
}

var listType = reflect.TypeFor[[]string]()

// decodeList reads a []string: a flag's value is split and added to what
// earlier flags gave; arguments are taken as they are.
func decodeList(ctx *kong.DecodeContext, target reflect.Value) error {
	var add []string
	if ctx.Value.Flag == nil {
		for _, t := range ctx.Scan.PopWhile(func(t kong.Token) bool { return t.IsValue() }) {
			add = append(add, t.String())
		}
	} else {
		t, err := ctx.Scan.PopValue("list")
		if err != nil {
			return err
		}
		add = split(t.String())
	}
	target.Set(reflect.AppendSlice(target, reflect.ValueOf(add)))
	return nil
}

// split cuts a list at commas outside braces and at newlines; blank items are dropped.
func split(s string) (items []string) {
	depth := 0
	cut := func(r rune) bool {
		switch r {
		case '{':
			depth++
		case '}':
			depth = max(0, depth-1)
		case '\n':
			depth = 0
			return true
		}
		return r == ',' && depth == 0
	}
	for item := range strings.FieldsFuncSeq(s, cut) {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}
