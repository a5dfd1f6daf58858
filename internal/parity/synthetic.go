package parity

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Synthetic makes a package in dir that tries packing rules at random: files
// arrays, nested ignore files, bundled dependencies, links, modes and names of
// all kinds, now and then within a workspace. The same seed makes the same package.
func Synthetic(dir string, seed uint64) (Tree, error) {
	g := newGenerator(seed)
	tree := Tree{Name: fmt.Sprintf("synthetic package %d", seed), Dir: dir}
	if g.chance(3) {
		return g.workspace(tree)
	}
	return tree, g.pack(dir, "synthetic")
}

// workspace makes a workspace and chooses its root or a member to be packed.
func (g *generator) workspace(tree Tree) (Tree, error) {
	top := tree.Dir
	tree.Workspace = top
	tree.Members = []string{filepath.Join(top, "packages", "a"), filepath.Join(top, "packages", "b")}
	for i, dir := range tree.Members {
		if err := newGenerator(g.rand.Uint64()).pack(dir, fmt.Sprintf("member-%d", i)); err != nil {
			return tree, err
		}
	}
	for _, dir := range []string{"", "packages"} {
		for _, name := range []string{".npmignore", ".gitignore"} {
			if g.chance(2) {
				g.files[path.Join(dir, name)] = file{content: g.ignoreFile(), mode: 0o644}
			}
		}
	}
	m := g.manifest("workspace-root")
	m["workspaces"] = []string{"packages/*"}
	g.addManifest("", m)
	tree.Dir = pick(g, top, tree.Members[0], tree.Members[1])
	return tree, g.write(top)
}

func newGenerator(seed uint64) *generator {
	return &generator{rand: rand.New(rand.NewPCG(seed, 7)), files: map[string]file{}, links: map[string]string{}}
}

// pack makes a package.
func (g *generator) pack(dir, name string) error {
	g.fill("", 3, 12)
	m := g.manifest(name)
	for _, name := range []string{"one.js", "two.js", "deep/one.js", ".hidden/three.js"} {
		g.files["commands/"+name] = file{content: name, mode: 0o644}
	}
	if g.chance(3) {
		g.bundle(m)
	}
	if g.chance(6) {
		m["workspaces"] = []string{pick(g, "lib", "./lib/", "./src", "l*b")}
		g.addManifest("lib", map[string]any{"name": "lib-member", "version": "1.0.0"})
	}
	g.addManifest("", m)
	return g.write(dir)
}

type file struct {
	content string
	mode    fs.FileMode
}

type generator struct {
	rand  *rand.Rand
	files map[string]file
	links map[string]string // target by path
	// locked says that npm's hidden lockfile is written, newer than all else.
	locked []string
}

func (g *generator) chance(n int) bool { return g.rand.IntN(n) == 0 }

func pick[T any](g *generator, of ...T) T { return of[g.rand.IntN(len(of))] }

// fill makes up to n entries in a folder, and folders in it.
func (g *generator) fill(dir string, depth, n int) {
	for range 1 + g.rand.IntN(n) {
		name := path.Join(dir, g.fileName())
		if path.Base(dir) == "node_modules" && path.Base(name)[0] == '@' {
			continue // npm takes it for a scope's folder, and then for a reason to see no package at all
		}
		mode := pick[fs.FileMode](g, 0o644, 0o644, 0o644, 0o755, 0o600, 0o777, 0o664, 0o440)
		g.files[name] = file{content: strings.Repeat(name+"\n", g.rand.IntN(40)), mode: mode}
	}
	if g.chance(4) {
		g.links[path.Join(dir, pick(g, "link.js", "link", "README"))] = pick(g, "index.js", "lib", "../lib", "nowhere")
	}
	for _, name := range []string{".npmignore", ".gitignore"} {
		if g.chance(3) {
			g.files[path.Join(dir, name)] = file{content: g.ignoreFile(), mode: 0o644}
		}
	}
	if dir != "" && g.chance(8) {
		g.addManifest(dir, g.manifest("nested"))
	}
	if depth == 0 {
		return
	}
	for range g.rand.IntN(4) {
		g.fill(path.Join(dir, g.folderName()), depth-1, n/2+1)
	}
}

func (g *generator) fileName() string {
	return pick(g, "index.js", "main.js", "a.js", "A.js", "b.ts", "a.d.ts", "a.test.js", "a-b.js", "a_b.js", "1.js", "10.js", "2.js",
		"README", "readme.md", "README.md~", "ReadMe.txt", "LICENSE", "licence.md", "license-mit", "COPYING", "CHANGELOG.md",
		".npmrc", ".env", ".DS_Store", "._x", "x.orig", "npm-debug.log", ".lock-wscript", ".wafpickle-3", "config.gypi", ".x.swp",
		"package-lock.json", "yarn.lock", "pnpm-lock.yaml", "bun.lockb", "npm-shrinkwrap.json",
		"日本.txt", "é.js", "É.md", "Ωmega", "ß.js", "😀.md", "[a].js", "{b}.js", "with space.txt", "#hash", "!bang", "@at.js", "+plus.js",
		"(c).js", "a,b.js", "star*.js", "noext", "a.b.c", ".hidden", "trailing.", "it's.js", "100%.js", "~tilde", "$dollar.js", "lib")
}

func (g *generator) folderName() string {
	return pick(g, "lib", "lib", "src", "dist", "test", "build", "docs", ".git", ".svn", "CVS", "archived-packages", ".DS_Store", "._y",
		"node_modules", "Ünï", "日本", "bin", ".hidden-folder", "@scope", "a.js", "[x]", "deep", "packages")
}

func (g *generator) ignoreFile() string {
	var b strings.Builder
	b.WriteString(pick(g, "", "", "\uFEFF", "# comment\n", "\n"))
	for range 1 + g.rand.IntN(4) {
		b.WriteString(pick(g, "", "", "!", "  ") + g.pattern() + pick(g, "\n", "\r\n", " \n"))
	}
	return b.String()
}

// pattern is a glob as people write them, or nearly so.
func (g *generator) pattern() string {
	part := func() string {
		if g.chance(2) {
			return pick(g, "*", "**", "*.js", "*.ts", "a*", "?.js", "[ab].js", "{a,b}.*", "!(a).js", "@(a|b).*", "*.+(js|ts)", "*.test.*", ".*", "*.*")
		}
		if g.chance(2) {
			return g.folderName()
		}
		return g.fileName()
	}
	var p strings.Builder
	p.WriteString(part())
	for range g.rand.IntN(3) {
		p.WriteString("/" + part())
	}
	return pick(g, "", "", "", "/", "./", "**/") + p.String() + pick(g, "", "", "", "", "/", "/*", "/**", "/**/*.js")
}

func (g *generator) manifest(name string) map[string]any {
	m := map[string]any{"name": name, "version": "1.0.0"}
	if g.chance(2) {
		files := []string{}
		for range g.rand.IntN(5) {
			files = append(files, pick(g, "", "", "", "!")+g.pattern())
		}
		m["files"] = files
	}
	if g.chance(3) {
		m["main"] = pick(g, "index.js", "./index.js", "lib/index.js", "lib", "main.js", "dist/a")
	}
	if g.chance(5) {
		m["browser"] = pick[any](g, "a.js", map[string]any{"a": "b"}, false)
	}
	if g.chance(3) {
		m["bin"] = pick[any](g, "a.js", "./bin/index.js", "main.js", map[string]any{"x": "lib/a.js", "y": "./index.js"}, map[string]any{"z": "../main.js"})
	} else if g.chance(5) {
		m["directories"] = map[string]any{"bin": pick(g, "commands", "./commands/", "nowhere")}
	}
	return m
}

// bundle adds bundled dependencies: installed, nested, linked and missing ones.
func (g *generator) bundle(m map[string]any) {
	all := map[string]string{"dep": "1", "@s/scoped": "1", "linked": "1", "missing": "1"}
	m["dependencies"] = all
	m["bundleDependencies"] = pick[any](g, true, slices.Sorted(maps.Keys(all)), []string{"dep"}, []string{"linked"})
	install := func(dir, name string, deps map[string]string) {
		g.fill(dir, 1, 5)
		dep := g.manifest(name)
		dep["dependencies"] = deps
		g.addManifest(dir, dep)
	}
	install("node_modules/dep", "dep", map[string]string{"transitive": "1", "nested": "1", "dep": "1"})
	install("node_modules/transitive", "transitive", map[string]string{"dep": "1"})
	install("node_modules/dep/node_modules/nested", "nested", nil)
	install("node_modules/@s/scoped", "@s/scoped", map[string]string{"transitive": "1"})
	install("packages/linked", "linked", map[string]string{"transitive": "1"})
	g.links["node_modules/linked"] = "../packages/linked"
	g.locked = nil
	if all := m["bundleDependencies"]; g.chance(3) && fmt.Sprint(all) == "[dep]" {
		g.locked = []string{"node_modules/dep", "node_modules/transitive", "node_modules/dep/node_modules/nested", "node_modules/@s/scoped"}
		delete(g.links, "node_modules/linked")
	}
}

func (g *generator) addManifest(dir string, m map[string]any) {
	text, err := json.Marshal(m)
	if err != nil {
		panic(err) // maps of strings always marshal
	}
	g.files[path.Join(dir, manifestName)] = file{content: string(text), mode: 0o644}
}

// write lays the package out. A path that is in the way of another is left out.
func (g *generator) write(dir string) error {
	for _, name := range slices.Sorted(maps.Keys(g.files)) {
		p := filepath.Join(dir, filepath.FromSlash(name))
		if os.MkdirAll(filepath.Dir(p), 0o755) != nil {
			continue // a file has the name of one of the folders
		}
		if info, err := os.Lstat(p); err == nil && info.IsDir() {
			continue
		}
		f := g.files[name]
		if err := os.WriteFile(p, []byte(f.content), 0o600); err != nil {
			return err
		}
		if err := os.Chmod(p, f.mode); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(g.links)) {
		p := filepath.Join(dir, filepath.FromSlash(name))
		if _, err := os.Lstat(p); err == nil || os.MkdirAll(filepath.Dir(p), 0o755) != nil {
			continue
		}
		if err := os.Symlink(g.links[name], p); err != nil {
			return err
		}
	}
	return g.writeLockfile(dir)
}

// writeLockfile writes the lockfile that npm hides in node_modules.
func (g *generator) writeLockfile(dir string) error {
	if g.locked == nil {
		return nil
	}
	packages := map[string]any{}
	for _, p := range g.locked {
		var m map[string]any
		if err := json.Unmarshal([]byte(g.files[path.Join(p, manifestName)].content), &m); err != nil {
			return err
		}
		packages[p] = map[string]any{"version": "1.0.0", "dependencies": m["dependencies"]}
	}
	text, err := json.Marshal(map[string]any{"name": "synthetic", "version": "1.0.0", "lockfileVersion": 3, "requires": true, "packages": packages})
	if err != nil {
		return err
	}
	p := filepath.Join(dir, "node_modules", ".package-lock.json")
	if err := os.WriteFile(p, text, 0o644); err != nil {
		return err
	}
	later := time.Now().Add(time.Minute)
	return os.Chtimes(p, later, later)
}
