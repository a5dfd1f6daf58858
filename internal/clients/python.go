package clients

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// pythonScript runs the main function of a module from where it is installed.
const pythonScript = `#!/bin/sh
PYTHONPATH="$(dirname "$(dirname "$0")")/lib"
export PYTHONPATH
exec python3 -c 'import sys; from %s import main; sys.argv[0] = "%s"; main()' "$@"
`

// modules are the Python modules whose main functions the linters are.
var modules = map[Tool]string{CfnLint: "cfnlint.runner", CheckJSONSchema: "check_jsonschema", KubernetesValidate: "kubernetes_validate.__main__"}

// linter installs a linter of PyPI into an empty folder.
func linter(ctx context.Context, tool Tool, tmp string) error {
	if err := pip(ctx, tool, tmp, tool.Name()+"=="+tool.Version()); err != nil {
		return err
	}
	bin := filepath.Join(tmp, "bin")
	err := errors.Join(os.RemoveAll(filepath.Join(tmp, "lib", "bin")), os.Mkdir(bin, 0o755))
	return errors.Join(err, os.WriteFile(filepath.Join(bin, tool.Name()), fmt.Appendf(nil, pythonScript, modules[tool], tool.Name()), 0o755))
}

// pip installs packages into lib/ of an empty folder, beside Python and not into it.
func pip(ctx context.Context, tool Tool, tmp string, packages ...string) error {
	python, err := exec.LookPath("python3")
	if err != nil {
		return fmt.Errorf("installing %s: python3 with pip is needed; install them (Debian: apt-get install python3-pip): %w", tool, err)
	}
	args := []string{"-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--no-cache-dir", "--target", filepath.Join(tmp, "lib")}
	cmd := exec.CommandContext(ctx, python, append(args, packages...)...)
	cmd.Dir = tmp
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("installing %s with pip (is it there? python3 -m pip --version; Debian: apt-get install python3-pip): %w\n%s", tool, err, out)
	}
	return nil
}
