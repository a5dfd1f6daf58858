package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/org/registry-action/internal/action/pack"
	"github.com/org/registry-action/internal/action/workspace"
	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/parity"
)

//go:embed packages.txt
var packageList string

// specifiers are the packages to measure.
func specifiers() []string {
	var specs []string
	for line := range strings.Lines(packageList) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			specs = append(specs, line)
		}
	}
	return specs
}

// monorepo is a workspace of the packages.
type monorepo struct {
	root string
	ws   *workspace.Workspace
}

// layOut makes a monorepo in dir. Archives that are missing in the cache are
// fetched with npm.
func (b *bench) layOut(ctx context.Context, dir string) (*monorepo, error) {
	client, err := parity.FindNPM(ctx)
	if err != nil {
		return nil, err
	}
	cache, err := parity.NewCache(client, "")
	if err != nil {
		return nil, err
	}
	specs := specifiers()
	if failed := cache.Fetch(ctx, specs); len(failed) > 0 {
		return nil, fmt.Errorf("%d packages could not be fetched: %w", len(failed), errors.Join(slices.Collect(maps.Values(failed))...))
	}
	root := filepath.Join(dir, "monorepo")
	if err := os.MkdirAll(filepath.Join(root, "packages"), 0o755); err != nil {
		return nil, err
	}
	for i, spec := range specs {
		if err := parity.Unpack(cache.Path(spec), filepath.Join(root, "packages", fmt.Sprintf("%03d", i))); err != nil {
			return nil, err
		}
	}
	manifest := []byte(`{"private": true, "workspaces": ["packages/*"]}` + "\n")
	if err := os.WriteFile(filepath.Join(root, "package.json"), manifest, 0o644); err != nil {
		return nil, err
	}
	ws, err := workspace.Open(root)
	if err != nil {
		return nil, err
	}
	if len(ws.Members) != len(specs) {
		return nil, fmt.Errorf("the workspace has %d packages, not %d", len(ws.Members), len(specs))
	}
	return &monorepo{root, ws}, nil
}

// packing are publish-commit's defaults for a commit; for none, those of its
// --keep-version. The bodies of the packages are in temp.
func packing(temp, commit string) pack.Options {
	o := pack.Options{
		Pin:           func(_, version string) string { return version },
		IgnoreScripts: true, TempDir: temp, Commit: commit,
	}
	if commit != "" {
		o.Version = npm.PreviewVersion(commit)
	}
	return o
}

// packAll packs all packages of the monorepo.
func (m *monorepo) packAll(ctx context.Context, o pack.Options) ([]*pack.Package, error) {
	return pack.Run(ctx, m.ws, m.ws.Members, o)
}

// touch changes a source file of a package: what becomes a comment at its end.
func (m *monorepo) touch(p *pack.Package, what string) (err error) {
	f, err := os.OpenFile(filepath.Join(m.root, filepath.FromSlash(p.Dir), filepath.FromSlash(sourceFile(p))), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return fmt.Errorf("changing %s: %w", p.Name, err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = fmt.Fprintf(f, "// %s\n", what)
	return err
}

// sourceFile is a program of the package, or else its last file.
func sourceFile(p *pack.Package) string {
	for _, f := range p.Files {
		if slices.Contains([]string{".js", ".mjs", ".cjs", ".ts"}, filepath.Ext(f.Path)) {
			return f.Path
		}
	}
	return p.Files[len(p.Files)-1].Path
}

// sum adds up a number of each package.
func sum(packages []*pack.Package, of func(*pack.Package) int64) (total int64) {
	for _, p := range packages {
		total += of(p)
	}
	return total
}
