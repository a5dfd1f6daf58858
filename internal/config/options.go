package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// Option is one option of a program, for documentation.
type Option struct {
	Flag    string   // with its dashes
	Env     []string // in order of preference
	Input   string   // of the action; empty if it has none
	Default string   // empty for none, and for a secret
	Help    string
	Group   string
}

// Options lists the options of cli's type and all its commands, each once, in
// the order of the struct. cli itself is left as it is.
func (p Program) Options(cli any) ([]Option, error) {
	k, _, err := p.parser(reflect.New(reflect.TypeOf(cli).Elem()).Interface())
	if err != nil {
		return nil, err
	}
	return p.options(k.Model.Node, map[string]bool{}), nil
}

func (p Program) options(node *kong.Node, seen map[string]bool) (out []Option) {
	for _, flag := range node.Flags {
		if seen[flag.Name] || flag.Hidden || builtin(flag) {
			continue
		}
		seen[flag.Name] = true
		o := Option{Flag: "--" + flag.Name, Env: flag.Envs, Default: defaultOf(flag), Help: flag.Help}
		if len(p.inputs(flag)) > 0 {
			o.Input = flag.Name
		}
		if flag.Group != nil {
			o.Group = flag.Group.Title
		}
		out = append(out, o)
	}
	for _, child := range node.Children {
		out = append(out, p.options(child, seen)...)
	}
	return out
}

// Table renders options as Markdown: a table for each group, those without a
// group first. A column that would be empty throughout is left out.
func Table(options []Option) string {
	var groups []string
	for _, o := range options {
		if !slices.Contains(groups, o.Group) {
			groups = append(groups, o.Group)
		}
	}
	slices.SortStableFunc(groups, func(a, b string) int { return min(len(a), 1) - min(len(b), 1) })
	inputs := slices.ContainsFunc(options, func(o Option) bool { return o.Input != "" })
	var b strings.Builder
	for i, group := range groups {
		if i > 0 {
			b.WriteString("\n")
		}
		if group != "" {
			fmt.Fprintf(&b, "### %s\n\n", strings.TrimSuffix(group, ":"))
		}
		row(&b, inputs, "Flag", "Environment", "Input", "Default", "Meaning")
		row(&b, inputs, "---", "---", "---", "---", "---")
		for _, o := range options {
			if o.Group == group {
				row(&b, inputs, code(o.Flag), code(o.Env...), code(o.Input), code(o.Default), o.Help)
			}
		}
	}
	return b.String()
}

func row(b *strings.Builder, inputs bool, cells ...string) {
	if !inputs {
		cells = slices.Concat(cells[:2], cells[3:])
	}
	for _, cell := range cells {
		cell = strings.Join(strings.Fields(strings.ReplaceAll(cell, "|", `\|`)), " ")
		b.WriteString(strings.TrimRight("| "+cell, " ") + " ")
	}
	b.WriteString("|\n")
}

func code(words ...string) string {
	var out []string
	for _, w := range words {
		if w != "" {
			out = append(out, "`"+w+"`")
		}
	}
	return strings.Join(out, ", ")
}
