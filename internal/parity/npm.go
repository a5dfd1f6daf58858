package parity

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/org/registry-action/internal/clients"
)

// packlistVersion is the version of npm-packlist whose rules are ours.
const packlistVersion = "10.0.4"

//go:embed pack.cjs
var packScript string

// NPM is the npm that we are compared with.
type NPM struct {
	client clients.Client
	folder string // of its package
}

// FindNPM returns the pinned npm. It is an error if its rules are not those of
// npm-packlist 10.0.4.
func FindNPM(ctx context.Context) (*NPM, error) {
	client, err := clients.Install(ctx, clients.NPM11)
	if err != nil {
		return nil, fmt.Errorf("finding npm: %w", err)
	}
	cli, err := filepath.EvalSymlinks(client.Path)
	if err != nil {
		return nil, fmt.Errorf("finding npm's folder: %w", err)
	}
	n := &NPM{client: client, folder: filepath.Dir(filepath.Dir(cli))}
	var packlist struct{ Version string }
	text, err := os.ReadFile(filepath.Join(n.Module("npm-packlist"), "package.json"))
	if err == nil {
		err = json.Unmarshal(text, &packlist)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the version of npm-packlist in %s: %w", n.folder, err)
	}
	if packlist.Version != packlistVersion {
		return nil, fmt.Errorf("npm in %s has npm-packlist %s, want %s: put npm %s on PATH", n.folder, packlist.Version, packlistVersion, clients.NPM11.Version())
	}
	return n, nil
}

// Module is the folder of a package that npm brings along.
func (n *NPM) Module(name string) string {
	return filepath.Join(n.folder, "node_modules", filepath.FromSlash(name))
}

// job is a folder for npm to pack, and the file for the uncompressed tar.
type job struct {
	Dir        string   `json:"dir"`
	Out        string   `json:"out"`
	Prefix     string   `json:"prefix"` // the workspace's root, or the folder itself
	Workspaces []string `json:"workspaces,omitempty"`
}

// pack packs folders as `npm pack --ignore-scripts` does, by its libraries, in
// one process: npm's start takes longer than its work.
func (n *NPM) pack(ctx context.Context, jobs []job) error {
	var input bytes.Buffer
	enc := json.NewEncoder(&input)
	for _, j := range jobs {
		if err := enc.Encode(j); err != nil {
			return err
		}
	}
	_, err := n.Node(ctx, packScript, &input)
	return err
}

// Node runs a CommonJS script in Node with npm's folder as its argument, and
// returns what it prints.
func (n *NPM) Node(ctx context.Context, script string, input io.Reader) ([]byte, error) {
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, "node", "-e", script, n.folder)
	cmd.Env, cmd.Stdin, cmd.Stderr = n.client.Env, input, &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("running npm's libraries: %w: %s", err, tail(stderr.Bytes()))
	}
	return out, nil
}

// PackCLI is Pack of one folder by the command itself. The result is the path
// of the .tgz in dest.
func (n *NPM) PackCLI(ctx context.Context, dir, dest string) (string, error) {
	files, err := n.run(ctx, dir, dest, ".")
	if err != nil {
		return "", err
	}
	return files[0], nil
}

// run runs `npm pack` for specifiers in dir. The results are the paths of the
// files in dest, in the order of the specifiers.
func (n *NPM) run(ctx context.Context, dir, dest string, specs ...string) ([]string, error) {
	var stderr bytes.Buffer
	args := append([]string{"pack", "--ignore-scripts", "--json", "--silent", "--pack-destination", dest, "--"}, specs...)
	cmd := exec.CommandContext(ctx, n.client.Path, args...)
	cmd.Dir, cmd.Env, cmd.Stderr = dir, n.client.Env, &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("npm pack: %w: %s %s", err, tail(stderr.Bytes()), tail(out))
	}
	var packed []struct{ Filename string }
	if err := json.Unmarshal(out, &packed); err != nil || len(packed) != len(specs) {
		return nil, fmt.Errorf("npm pack printed %d results for %d packages: %w", len(packed), len(specs), err)
	}
	paths := make([]string, len(packed))
	for i, p := range packed {
		paths[i] = filepath.Join(dest, filepath.Base(p.Filename))
	}
	return paths, nil
}

// tail is the end of a command's output, for an error.
func tail(out []byte) []byte {
	out = bytes.TrimSpace(out)
	return out[max(0, len(out)-1000):]
}
