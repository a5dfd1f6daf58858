// Package npmtest asks the npm on this machine: tests run JavaScript against
// the libraries that npm ships, so that our reading of its rules is checked
// against the thing itself.
package npmtest

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const prelude = `
const { createRequire } = require("node:module");
const npmRequire = createRequire(process.argv[1]);
const input = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
(async () => {`

const coda = `
})().then((answer) => process.stdout.write(JSON.stringify(answer)))`

// Run executes the body of an async JavaScript function in one node process and
// decodes what it returns into out. It sees `input`, which is in as JSON, and
// `npmRequire`, which loads modules as npm's own code does.
func Run(t testing.TB, body string, in, out any) {
	t.Helper()
	stdin, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "-e", prelude+body+coda, cli(t))
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(stdin), &stderr
	stdout, err := cmd.Output()
	if err != nil {
		t.Fatalf("node: %v\n%s", err, &stderr)
	}
	if err := json.Unmarshal(stdout, out); err != nil {
		t.Fatalf("node answered %.200q: %v", stdout, err)
	}
}

// cli finds npm's own program file: behind the link in PATH, or, where that is
// a shim, in npm's global folder.
func cli(t testing.TB) string {
	t.Helper()
	if p, err := exec.LookPath("npm"); err == nil {
		if p, err = filepath.EvalSymlinks(p); err == nil && filepath.Base(p) == "npm-cli.js" {
			return p
		}
	}
	root, err := exec.CommandContext(t.Context(), "npm", "root", "--global").Output()
	if err != nil {
		t.Fatalf("npm is needed for this test: %v", err)
	}
	p := filepath.Join(strings.TrimSpace(string(root)), "npm", "bin", "npm-cli.js")
	if _, err := os.Stat(p); err != nil {
		t.Fatalf("npm is not in its own global folder: %v", err)
	}
	return p
}
