package manifest

import (
	"strings"

	"github.com/org/registry-action/internal/format/npm"
)

// pnpmOverrides are the publishConfig members that pnpm 12 moves into the manifest.
func pnpmOverrides() []string {
	return []string{
		"name", "bin", "engines", "type", "imports", "main", "module", "typings", "types", "exports", "browser", "esnext",
		"es2015", "unpkg", "umd:main", "os", "cpu", "libc", "typesVersions",
	}
}

// yarnOverrides are the publishConfig members that berry copies into the manifest.
func yarnOverrides() []string {
	return []string{"type", "main", "module", "browser", "exports", "imports", "types", "typings", "bin"}
}

// pnpm makes what pnpm 12 calls the exportable manifest.
func (w *rewriter) pnpm() {
	w.moveOverrides()
	w.root.remove("pnpm")
	w.root.remove("packageManager")
	if scripts := w.root.sub("scripts"); scripts != nil {
		for _, s := range []string{"prepublishOnly", "prepack", "prepare", "postpack", "publish", "postpublish"} {
			scripts.remove(s)
		}
	}
	if v := w.root.get("version"); v != nil && v.kind == stringKind {
		w.withoutBuild(unquote(v.raw))
	}
	if v := w.root.get("repository"); v != nil && v.kind == stringKind {
		w.root.set("repository", leaf(objectKind, `{"type": "git", "url": `+string(v.raw)+`}`))
	}
	if v, n := w.root.get("bin"), w.root.get("name"); v != nil && v.kind == stringKind && n != nil && n.kind == stringKind {
		_, base := npm.SplitName(unquote(n.raw))
		w.root.set("bin", leaf(objectKind, "{"+string(quote(base))+": "+string(v.raw)+"}"))
	}
	w.fillPeersMeta()
}

func (w *rewriter) moveOverrides() {
	config := w.root.sub("publishConfig")
	if config == nil {
		return
	}
	for _, key := range pnpmOverrides() {
		if v := config.get(key); v != nil {
			w.root.set(key, v.moved(config, w.root))
			config.remove(key)
		}
	}
	if len(config.members) == 0 {
		w.root.remove("publishConfig")
	}
}

// withoutBuild drops the build metadata, which a registry doesn't keep.
func (w *rewriter) withoutBuild(version string) {
	if v, _, ok := strings.Cut(version, "+"); ok {
		w.version(v)
	}
}

// fillPeersMeta states `optional` where it was left out.
func (w *rewriter) fillPeersMeta() {
	meta := w.root.sub("peerDependenciesMeta")
	if meta == nil {
		return
	}
	for _, m := range meta.members {
		if o := m.value.object; o != nil {
			if v := o.get("optional"); v == nil || v.kind == nullKind {
				o.set("optional", leaf(boolKind, "false"))
			}
		}
	}
}

func (w *rewriter) yarn() {
	config := w.root.sub("publishConfig")
	if config == nil {
		return
	}
	for _, key := range yarnOverrides() {
		if v := config.get(key); v != nil && v.truthy() {
			w.root.set(key, v.moved(config, w.root))
		}
	}
}

// truthy is JavaScript's idea of a value that is there.
func (v *value) truthy() bool {
	switch string(v.raw) {
	case "null", "false", "0", "-0", `""`:
		return false
	}
	return true
}
