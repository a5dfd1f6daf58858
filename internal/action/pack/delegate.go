package pack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/org/registry-action/internal/action/workspace"
	"github.com/org/registry-action/internal/fault"
)

// delegate packs a member with a manager's own pack command, and takes the
// archive apart to pin versions in its manifest and to split it.
func (p *packer) delegate(ctx context.Context, m *workspace.Member) (_ *Package, err error) {
	dst, err := os.MkdirTemp(p.TempDir, "delegated-*")
	if err != nil {
		return nil, fmt.Errorf("packing %s: %w", m.Manifest.Name, err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dst)) }()

	c := command{pkg: m.Manifest.Name, dir: m.Path, tool: string(p.With)}
	if c.args, err = p.packArgs(ctx, m, dst); err != nil {
		return nil, err
	}
	p.Log.InfoContext(ctx, "packing with another tool", "package", c.pkg, "tool", c.tool)
	if err := p.execute(ctx, c); err != nil {
		return nil, err
	}
	// What a tool prints about its archive differs by version and settings: the folder says it.
	made, err := filepath.Glob(filepath.Join(dst, "*.tgz"))
	if err != nil || len(made) != 1 {
		return nil, fault.New(fault.Invalid, "%s: %s %s left %d archives where one was expected; "+
			"pack natively by leaving --pack-with out", c.pkg, c.tool, strings.Join(c.args, " "), len(made))
	}
	return p.repack(ctx, m, made[0])
}

// packArgs are the arguments with which a manager packs into a folder.
func (p *packer) packArgs(ctx context.Context, m *workspace.Member, dst string) ([]string, error) {
	var args []string
	switch p.With {
	case workspace.NPM, workspace.PNPM:
		args = []string{"pack", "--pack-destination", dst}
	case workspace.Bun:
		args = []string{"pm", "pack", "--destination", dst}
	case workspace.Yarn:
		classic, err := p.yarnClassic(ctx, m)
		if err != nil {
			return nil, err
		}
		if !classic {
			return p.berryArgs(m, dst)
		}
		args = []string{"pack", "--filename", filepath.Join(dst, "package.tgz")}
	default:
		return nil, fault.New(fault.Invalid, "--pack-with %q: the choices are npm, pnpm, yarn and bun", p.With)
	}
	if p.IgnoreScripts {
		args = append(args, "--ignore-scripts")
	}
	return args, nil
}

// berryArgs are those of yarn 2 and later, which knows no way to leave out the scripts of a pack.
func (p *packer) berryArgs(m *workspace.Member, dst string) ([]string, error) {
	if p.IgnoreScripts {
		for _, script := range lifecycle(workspace.Yarn) {
			if m.Manifest.Scripts[script] != "" {
				return nil, fault.New(fault.Invalid, "%s: yarn pack always runs the %s script; "+
					"use --ignore-scripts without --pack-with yarn", m.Manifest.Name, script)
			}
		}
	}
	return []string{"pack", "--out", filepath.Join(dst, "package.tgz")}, nil
}

// yarnClassic asks the yarn that would run in the member's folder, since
// .yarnrc.yml and Corepack may put another in place of the one on PATH.
func (p *packer) yarnClassic(ctx context.Context, m *workspace.Member) (bool, error) {
	var version bytes.Buffer
	c := command{pkg: m.Manifest.Name, dir: m.Path, tool: string(workspace.Yarn), args: []string{"--version"}, stdout: &version}
	if err := p.execute(ctx, c); err != nil {
		return false, err
	}
	return strings.HasPrefix(strings.TrimSpace(version.String()), "1."), nil
}
