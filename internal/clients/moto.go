package clients

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// motoScript runs the server of moto from where it is installed.
const motoScript = `#!/bin/sh
PYTHONPATH="$(dirname "$(dirname "$0")")/lib"
export PYTHONPATH
if [ "$1" = --version ]; then
	exec python3 -c 'import moto; print(moto.__version__)'
fi
exec python3 -m moto.server "$@"
`

// moto installs moto with what its S3 needs into an empty folder, beside Python and not into it.
func moto(ctx context.Context, tool Tool, tmp string) error {
	python, err := exec.LookPath("python3")
	if err != nil {
		return fmt.Errorf("installing %s: python3 with pip is needed; install them (Debian: apt-get install python3-pip): %w", tool, err)
	}
	cmd := exec.CommandContext(ctx, python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--no-cache-dir",
		"--target", filepath.Join(tmp, "lib"), "moto[s3]=="+tool.Version(), "flask", "flask-cors")
	cmd.Dir = tmp
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("installing %s with pip (is it there? python3 -m pip --version; Debian: apt-get install python3-pip): %w\n%s", tool, err, out)
	}
	bin := filepath.Join(tmp, "bin")
	return errors.Join(os.Mkdir(bin, 0o755), os.WriteFile(filepath.Join(bin, tool.Name()), []byte(motoScript), 0o755))
}
