package clients

import (
	"context"
	"errors"
	"os"
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

// moto installs moto with what its S3 and its CloudFormation need into an empty folder, beside Python and not into it.
func moto(ctx context.Context, tool Tool, tmp string) error {
	if err := pip(ctx, tool, tmp, "moto[s3]=="+tool.Version(), "flask", "flask-cors", "pyyaml"); err != nil {
		return err
	}
	bin := filepath.Join(tmp, "bin")
	return errors.Join(os.Mkdir(bin, 0o755), os.WriteFile(filepath.Join(bin, tool.Name()), []byte(motoScript), 0o755))
}
