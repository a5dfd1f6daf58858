package clients

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/lockedfile"
)

// Install makes sure that a tool is in the cache folder and returns it. Calls
// from several processes at once install it once.
func Install(ctx context.Context, tool Tool) (Client, error) {
	env := environment()
	if tool.Name() == "npm" {
		if c, ok := fromPath(ctx, tool, env); ok {
			return c, nil
		}
	}
	folder, err := cached(ctx, tool)
	if err != nil {
		return Client{}, err
	}
	bin := filepath.Join(folder, "bin")
	env = withPath(env, bin)
	if tool.isZig() {
		cache := filepath.Join(filepath.Dir(folder), tool.Name()+"-cache-"+tool.Version())
		return Client{Tool: tool, Path: filepath.Join(bin, tool.Name()), Env: append(env, "ZIG_GLOBAL_CACHE_DIR="+cache), Cache: cache}, nil
	}
	if tool == NPM12 || tool == Verdaccio {
		node, err := cached(ctx, Node24)
		if err != nil {
			return Client{}, err
		}
		env = withPath(env, filepath.Join(node, "bin"), bin)
	}
	return Client{Tool: tool, Path: filepath.Join(bin, tool.Name()), Env: env}, nil
}

// fromPath is the npm on PATH, if it has the major version asked for.
func fromPath(ctx context.Context, tool Tool, env []string) (Client, bool) {
	path, err := exec.LookPath(tool.Name())
	if err != nil {
		return Client{}, false
	}
	out, err := exec.CommandContext(ctx, path, "--version").Output()
	major, _, _ := strings.Cut(tool.Version(), ".")
	if err != nil || !strings.HasPrefix(string(out), major+".") {
		return Client{}, false
	}
	return Client{Tool: tool, Path: path, Env: env}, true
}

// cached returns the tool's folder in the cache, installing it if it is missing.
func cached(ctx context.Context, tool Tool) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("finding the cache folder: %w", err)
	}
	root := filepath.Join(cache, "registry-action", "clients")
	if err := os.MkdirAll(root, 0o755); err != nil {
		return "", fmt.Errorf("making the cache folder: %w", err)
	}
	folder := filepath.Join(root, tool.Name()+"-"+tool.Version())
	if present(folder) {
		return folder, nil
	}
	unlock, err := lockedfile.MutexAt(folder + ".lock").Lock()
	if err != nil {
		return "", fmt.Errorf("locking the cache of %s: %w", tool, err)
	}
	defer unlock()
	if present(folder) {
		return folder, nil
	}
	return folder, install(ctx, tool, folder)
}

// present reports whether folder is complete: it gets its name by a rename at the end.
func present(folder string) bool {
	_, err := os.Stat(folder)
	return err == nil
}

// install builds the folder beside its final name, so that a killed install leaves nothing that counts.
func install(ctx context.Context, tool Tool, folder string) (err error) {
	tmp, err := os.MkdirTemp(filepath.Dir(folder), ".installing-*")
	if err != nil {
		return fmt.Errorf("installing %s: %w", tool, err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()

	fetch := fromNPM
	switch {
	case tool.isZig():
		fetch = fromPyPI
	case tool == Moto:
		fetch = moto
	case modules[tool] != "":
		fetch = linter
	case goTools[tool] != "":
		fetch = fromGo
	case tool == Wares:
		fetch = wares
	}
	if err := fetch(ctx, tool, tmp); err != nil {
		return err
	}
	if err := os.Rename(tmp, folder); err != nil {
		return fmt.Errorf("installing %s: %w", tool, err)
	}
	return nil
}

// fromNPM installs a tool into an empty folder, its executables in bin/.
func fromNPM(ctx context.Context, tool Tool, tmp string) error {
	// One of verdaccio's dependencies is named by a dist-tag, which mirrors may lack.
	const manifest = `{"name": "client", "version": "1.0.0", "private": true, "overrides": {"node-fetch": "2.7.0"}}`
	if err := os.WriteFile(filepath.Join(tmp, "package.json"), []byte(manifest), 0o644); err != nil {
		return fmt.Errorf("installing %s: %w", tool, err)
	}
	cmd := exec.CommandContext(ctx, "npm", "install", "--prefix", tmp, "--global=false", "--no-save",
		"--no-package-lock", "--ignore-scripts", "--include=optional", "--no-audit", "--no-fund", tool.spec())
	cmd.Dir = tmp
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("installing %s with npm: %w\n%s", tool, err, out)
	}
	return link(tool, tmp)
}

// link fills bin/ with the tool's executables and nothing else, so that it can go on PATH.
func link(tool Tool, folder string) error {
	bin := filepath.Join(folder, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		return fmt.Errorf("installing %s: %w", tool, err)
	}
	for name, pattern := range tool.executables() {
		found, err := filepath.Glob(filepath.Join(folder, "node_modules", filepath.FromSlash(pattern)))
		if err != nil || len(found) == 0 {
			return fmt.Errorf("installing %s: npm brought no node_modules/%s: %w", tool, pattern, fs.ErrNotExist)
		}
		target, err := filepath.Rel(bin, found[0])
		if err != nil {
			return fmt.Errorf("installing %s: %w", tool, err)
		}
		if err := os.Symlink(target, filepath.Join(bin, name)); err != nil {
			return fmt.Errorf("installing %s: %w", tool, err)
		}
	}
	return nil
}
