package workspace

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/manifest"
)

const (
	packageJSON = "package.json"
	pnpmYAML    = "pnpm-workspace.yaml"
	yarnRC      = ".yarnrc.yml"

	maxFile = 4 << 20 // bytes of a manifest or settings file
)

// folder is a folder that may be a workspace's root, with what it says about that.
type folder struct {
	path     string
	root     *os.Root
	manifest *manifest.Manifest // nil without package.json
	manager  Manager
	patterns []string // of its members; nil if it declares none
	catalogs manifest.Catalogs
}

// settings are the parts of pnpm-workspace.yaml and .yarnrc.yml that matter here.
type settings struct {
	Packages []string                     `yaml:"packages"`
	Catalog  map[string]string            `yaml:"catalog"`
	Catalogs map[string]map[string]string `yaml:"catalogs"`
}

// openFolder reads what a folder declares. The caller closes it.
func openFolder(path string) (f *folder, err error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			root.Close()
		}
	}()
	f = &folder{path: path, root: root}
	if f.manifest, err = readManifest(root, packageJSON); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	f.manager = f.detect()
	return f, f.declare()
}

func (f *folder) close() { f.root.Close() }

// detect names the package manager: what packageManager says, else whose
// lockfile or settings file is there, else npm.
func (f *folder) detect() Manager {
	if f.manifest != nil {
		name, _, _ := strings.Cut(f.manifest.ManagerField, "@")
		switch m := Manager(name); m {
		case NPM, PNPM, Yarn, Bun:
			return m
		}
	}
	for _, sign := range []struct {
		file    string
		manager Manager
	}{
		{"pnpm-lock.yaml", PNPM}, {"yarn.lock", Yarn}, {"bun.lock", Bun}, {"bun.lockb", Bun},
		{"package-lock.json", NPM}, {"npm-shrinkwrap.json", NPM}, {pnpmYAML, PNPM}, {yarnRC, Yarn},
	} {
		if f.has(sign.file) {
			return sign.manager
		}
	}
	return NPM
}

func (f *folder) has(file string) bool {
	_, err := f.root.Stat(file)
	return err == nil
}

// declare reads the members' patterns and the catalogs from where the manager has them.
func (f *folder) declare() error {
	if f.manifest != nil {
		f.patterns = f.manifest.Workspaces
	}
	switch f.manager {
	case Bun:
		if f.manifest != nil {
			f.catalogs = f.manifest.Catalogs
		}
	case PNPM:
		s, err := readSettings(f.root, pnpmYAML)
		if err != nil {
			return err
		}
		if s.Packages != nil {
			f.patterns = s.Packages
		}
		f.catalogs = s.catalogs()
	case Yarn:
		s, err := readSettings(f.root, yarnRC)
		if err != nil {
			return err
		}
		f.catalogs = s.catalogs()
	}
	return nil
}

func (s settings) catalogs() manifest.Catalogs {
	all := manifest.Catalogs(s.Catalogs)
	if s.Catalog != nil {
		if all == nil {
			all = manifest.Catalogs{}
		}
		all["default"] = s.Catalog
	}
	return all
}

// readSettings reads a YAML file; one that isn't there says nothing.
func readSettings(root *os.Root, name string) (s settings, err error) {
	b, err := readFile(root, name)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	return parseSettings(name, b)
}

func parseSettings(name string, b []byte) (s settings, err error) {
	err = yaml.Unmarshal(b, &s)
	if e, ok := errors.AsType[yaml.Error](err); ok {
		p := e.GetToken().Position
		return s, fault.New(fault.Invalid, "%s:%d:%d: %s", name, p.Line, p.Column, e.GetMessage())
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return s, fault.Wrap(err, fault.Invalid, "%s is not the YAML that is expected", name)
	}
	return s, nil
}

// readManifest reads a package.json; name is slash-separated.
func readManifest(root *os.Root, name string) (*manifest.Manifest, error) {
	b, err := readFile(root, name)
	if err != nil {
		return nil, err
	}
	return manifest.Parse(name, b)
}

// readFile reads a regular file of at most maxFile bytes.
func readFile(root *os.Root, name string) ([]byte, error) {
	local := filepath.FromSlash(name)
	info, err := root.Stat(local)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fault.New(fault.Invalid, "%s is not a regular file", name)
	}
	f, err := root.Open(local)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxFile {
		return nil, fault.New(fault.Invalid, "%s is larger than %d MiB", name, maxFile>>20)
	}
	return b, nil
}
