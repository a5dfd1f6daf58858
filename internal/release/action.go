package release

import (
	"errors"
	"os"
	"path/filepath"
)

// CopyAction copies the files of the action from the root of a checkout to a folder,
// which is then the action at the release that cli says.
func CopyAction(source, folder string, cli CLI) error {
	text, err := cli.JSON()
	for _, dir := range []string{"shim", "pack"} {
		err = errors.Join(err, os.CopyFS(filepath.Join(folder, dir), os.DirFS(filepath.Join(source, dir))))
	}
	for _, name := range []string{"action.yml", "main.js", "post.js"} {
		script, rerr := os.ReadFile(filepath.Join(source, name))
		err = errors.Join(err, rerr, os.WriteFile(filepath.Join(folder, name), script, 0o644))
	}
	return errors.Join(err, os.WriteFile(filepath.Join(folder, "cli.json"), text, 0o644))
}

// Place puts a built publish-commit into a folder of releases, as a server hands them
// out, under a version, and returns the cli.json of that release, which has no other
// platform than t.
func Place(program, folder, version string, t Target) (CLI, error) {
	bytes, err := os.ReadFile(program)
	if err != nil {
		return CLI{}, err
	}
	dir, name := filepath.Join(folder, version), FileName("publish-commit", t)
	if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(filepath.Join(dir, name), bytes, 0o755)); err != nil {
		return CLI{}, err
	}
	file, err := describe(dir, name)
	if err != nil {
		return CLI{}, err
	}
	cli := CLI{Version: version, Files: map[string]File{t.String(): file}}
	return cli, os.WriteFile(filepath.Join(dir, Checksums), []byte(file.line()), 0o644)
}
