// Package layering holds the laws of the house: which package may import which.
package layering

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/org/registry-action/"

// allowed lists, for every package, the packages of this module it may import.
// "dir/*" stands for every package directly below dir. A package without a row fails.
var allowed = map[string][]string{
	"internal/fault":  nil,
	"internal/config": nil,
	"internal/wire":   {"internal/format/*"},
	"internal/npmrc":  nil,

	// what domains share beside formats and stores.
	"internal/egress": nil,
	"internal/memo":   nil,

	// the client of GitHub, of the action and of the server.
	"internal/pause":      nil,
	"internal/background": {"internal/fault"},
	"internal/forge":      {"internal/fault", "internal/pause"},
	// what a server needs beside: GitHub Apps. The action links no JWTs.
	"internal/forge/connector": {"internal/fault", "internal/forge", "internal/memo", "internal/pause"},

	"internal/filelock": nil,

	// metrics: what Prometheus is told; only registry knows it.
	"internal/metrics": nil,

	// format: bytes and rules.
	"internal/format/archivepath":   nil,
	"internal/format/digest":        nil,
	"internal/format/ustar":         nil,
	"internal/format/semver":        nil,
	"internal/format/npm":           {"internal/fault"},
	"internal/format/jsonstream":    {"internal/fault"},
	"internal/format/textdiff":      nil,
	"internal/format/filelist":      {"internal/format/digest"},
	"internal/format/entrypoints":   {"internal/format/npm", "internal/format/packument"},
	"internal/format/manifestdiff":  {"internal/format/entrypoints", "internal/format/filelist", "internal/format/npm", "internal/format/packument"},
	"internal/format/manifest":      {"internal/fault", "internal/format/semver", "internal/format/npm"},
	"internal/format/packlist":      {"internal/fault", "internal/format/packlist/glob"},
	"internal/format/packlist/glob": nil,
	"internal/format/kind":          nil,
	"internal/format/pattern":       {"internal/fault", "internal/format/kind", "internal/format/npm"},
	"internal/format/provenance":    nil,
	"internal/format/signature":     {"internal/fault"},
	"internal/format/packument":     {"internal/fault", "internal/format/npm", "internal/format/semver", "internal/format/signature"},
	"internal/format/lumen":         {"internal/fault", "internal/format/archivepath", "internal/format/digest", "internal/format/provenance", "internal/format/semver", "internal/format/ustar"},
	"internal/format/zig":           {"internal/fault", "internal/format/digest", "internal/format/semver", "internal/format/ustar"},
	"internal/format/tarball":       {"internal/fault", "internal/format/archivepath", "internal/format/digest", "internal/format/npm", "internal/format/ustar"},

	// store: two contracts and their drivers, which never know each other.
	"internal/store/blob":            {"internal/format/digest"},
	"internal/store/blob/fsblob":     {"internal/store/blob", "internal/format/digest"},
	"internal/store/blob/s3blob":     {"internal/fault", "internal/store/awsconfig", "internal/store/blob", "internal/store/spool", "internal/format/digest"},
	"internal/store/blob/cachedblob": {"internal/store/blob", "internal/store/cache", "internal/format/digest"},
	"internal/store/awsconfig":       {"internal/fault"},
	"internal/store/kv":              nil,
	"internal/store/kv/boltkv":       {"internal/store/kv"},
	"internal/store/kv/dynamokv":     {"internal/fault", "internal/store/awsconfig", "internal/store/kv"},
	"internal/store/feed":            {"internal/store/kv"},
	"internal/store/lifetime":        {"internal/fault", "internal/format/digest", "internal/store/blob", "internal/store/kv"},
	"internal/store/spool":           {"internal/fault", "internal/format/tarball"},
	"internal/store/turns":           {"internal/fault", "internal/store/kv"},
	"internal/store/scrub":           {"internal/fault", "internal/format/*", "internal/store/blob", "internal/store/kv", "internal/store/lifetime", "internal/store/spool", "internal/store/turns"},
	"internal/store/transfer":        {"internal/fault", "internal/format/digest", "internal/store/blob", "internal/store/kv"},

	"internal/store/cache":   nil,
	"internal/store/metered": {"internal/format/digest", "internal/store/blob", "internal/store/kv"},

	// domain: no package knows another; contracts of stores only.
	"internal/domain/auth":          {"internal/fault", "internal/format/pattern", "internal/format/provenance", "internal/store/kv", "internal/store/scrub", "internal/store/turns"},
	"internal/domain/trust":         {"internal/fault", "internal/memo", "internal/format/pattern", "internal/format/provenance", "internal/store/kv", "internal/store/scrub", "internal/store/turns"},
	"internal/domain/packages":      {"internal/fault", "internal/format/*", "internal/store/*"},
	"internal/domain/pkgprnew":      {"internal/fault", "internal/forge", "internal/memo", "internal/pause", "internal/format/*", "internal/store/*"},
	"internal/domain/lumenpackages": {"internal/fault", "internal/format/*", "internal/store/*"},
	"internal/domain/zigpackages":   {"internal/fault", "internal/format/*", "internal/store/*"},
	"internal/domain/programs":      {"internal/fault"},
	"internal/domain/signing":       {"internal/fault", "internal/format/signature", "internal/store/kv", "internal/store/scrub", "internal/store/turns"},
	"internal/domain/search":        {"internal/fault", "internal/store/feed", "internal/store/kv"},
	"internal/domain/stats":         {"internal/background", "internal/fault", "internal/store/kv"},
	"internal/domain/changes":       {"internal/fault", "internal/memo", "internal/format/*"},
	"internal/domain/files":         {"internal/format/filelist", "internal/fault", "internal/store/cache", "internal/store/turns"},
	"internal/domain/upstream":      {"internal/background", "internal/fault", "internal/egress", "internal/memo", "internal/format/*", "internal/store/cache"},
	"internal/domain/zigmirror":     {"internal/background", "internal/fault", "internal/egress", "internal/memo", "internal/format/*", "internal/store/*"},
	"internal/domain/catalog":       {"internal/fault", "internal/format/*", "internal/store/cache"},
	"internal/domain/commits":       {"internal/fault", "internal/format/*", "internal/store/*"},
	"internal/domain/forks":         {"internal/fault", "internal/forge", "internal/format/*", "internal/store/kv", "internal/store/turns"},

	// web: never a store.
	"internal/web/httpkit":   {"internal/fault", "internal/format/jsonstream", "internal/format/kind"},
	"internal/web/access":    {"internal/domain/auth", "internal/web/httpkit"},
	"internal/web/changeset": {"internal/wire", "internal/format/digest", "internal/domain/changes", "internal/domain/commits", "internal/domain/files"},
	"internal/web/commitapi": {"internal/fault", "internal/wire", "internal/format/*", "internal/domain/auth", "internal/domain/commits", "internal/web/changeset", "internal/web/access", "internal/web/httpkit"},
	"internal/web/ciapi":     {"internal/fault", "internal/wire", "internal/format/*", "internal/domain/auth", "internal/domain/trust", "internal/web/access", "internal/web/httpkit"},
	"internal/web/npmapi":    {"internal/fault", "internal/format/*", "internal/domain/auth", "internal/domain/trust", "internal/domain/catalog", "internal/domain/packages", "internal/web/access", "internal/web/httpkit"},
	"internal/web/markup":    nil,
	"internal/web/lumenapi":  {"internal/fault", "internal/format/*", "internal/domain/auth", "internal/domain/lumenpackages", "internal/web/access", "internal/web/httpkit"},
	"internal/web/webui":     {"internal/fault", "internal/format/*", "internal/domain/auth", "internal/domain/trust", "internal/domain/catalog", "internal/domain/changes", "internal/domain/commits", "internal/domain/lumenpackages", "internal/domain/packages", "internal/domain/zigpackages", "internal/domain/files", "internal/domain/stats", "internal/memo", "internal/web/changeset", "internal/web/markup", "internal/web/httpkit"},
	"internal/web/zigapi":    {"internal/fault", "internal/format/*", "internal/domain/auth", "internal/domain/zigpackages", "internal/domain/zigmirror", "internal/web/access", "internal/web/httpkit"},
	"internal/web/opsapi":    {"internal/fault", "internal/domain/auth", "internal/web/access", "internal/web/httpkit"},
	"internal/web/statsapi":  {"internal/fault", "internal/domain/auth", "internal/domain/stats", "internal/web/access", "internal/web/httpkit"},
	"internal/web/restapi":   {"internal/fault", "internal/format/*", "internal/domain/auth", "internal/domain/packages", "internal/domain/catalog", "internal/domain/search", "internal/web/access", "internal/web/httpkit"},
	"internal/web/cliapi":    {"internal/fault", "internal/domain/programs", "internal/web/httpkit"},
	"internal/web/adminapi": {"internal/fault", "internal/wire", "internal/format/*", "internal/domain/auth", "internal/domain/trust", "internal/domain/packages",
		"internal/domain/lumenpackages", "internal/domain/signing", "internal/web/access", "internal/web/httpkit"},
	"internal/web/pkgprnewapi": {"internal/fault", "internal/format/*", "internal/domain/auth", "internal/domain/commits", "internal/domain/pkgprnew",
		"internal/web/access", "internal/web/httpkit"},
	"internal/web/forkapi": {"internal/fault", "internal/wire", "internal/format/provenance", "internal/domain/forks", "internal/web/httpkit"},
	"internal/web/server":  {"internal/fault", "internal/web/*"},

	// action: what the CI step does; no domain, no store, no web.
	"internal/action/workspace": {"internal/fault", "internal/format/*"},
	"internal/action/pack":      {"internal/fault", "internal/format/*", "internal/action/workspace"},
	"internal/action/regclient": {"internal/fault", "internal/wire", "internal/format/*", "internal/pause"},
	"internal/action/runner":    {"internal/fault", "internal/pause"},
	"internal/action/artifact":  {"internal/fault", "internal/pause"},
	"internal/action/publish":   {"internal/fault", "internal/report", "internal/pause", "internal/forge", "internal/wire", "internal/format/*", "internal/action/*"},

	// what comments say, of the action's and of the server's.
	"internal/report": {"internal/fault", "internal/wire", "internal/format/*"},

	// foreign: the folders of other registries, which registry-server imports.
	"internal/foreign":             {"internal/format/*"},
	"internal/foreign/lumenfolder": {"internal/foreign", "internal/format/*"},
	"internal/foreign/pantry":      {"internal/foreign", "internal/format/*", "internal/store/awsconfig"},
	"internal/foreign/verdaccio":   {"internal/foreign", "internal/format/*"},

	"registry": {"internal/fault", "internal/filelock", "internal/forge", "internal/forge/connector", "internal/metrics", "internal/npmrc", "internal/pause", "internal/report", "internal/wire", "internal/format/*", "internal/store/*", "internal/store/blob/fsblob", "internal/store/blob/s3blob", "internal/store/blob/cachedblob", "internal/store/kv/boltkv", "internal/store/kv/dynamokv",
		"internal/domain/*", "internal/web/*"},

	"internal/lumentree":        {"internal/fault", "internal/filelock", "internal/egress", "internal/format/*"},
	"internal/lumentree/s3tree": {"internal/fault", "internal/format/*", "internal/lumentree", "internal/store/awsconfig"},
	"internal/adminclient":      {"internal/fault", "internal/wire"},
	"cmd/registry-server": {"registry", "internal/config", "internal/fault", "internal/wire", "internal/format/*", "internal/adminclient", "internal/foreign", "internal/foreign/*",
		"internal/lumentree", "internal/lumentree/s3tree"},
	"cmd/publish-commit": {"internal/config", "internal/fault", "internal/action/publish", "internal/action/regclient", "internal/action/workspace", "internal/action/pack"},
}

// kits serve tests and measurements; no row lets a program import one. What is
// below them counts too.
var kits = []string{
	"internal/layering", "internal/config/configtest", "internal/egress/egresstest", "internal/store/kv/kvtest", "internal/store/blob/blobtest", "internal/store/crashtest", "internal/store/storetest", "internal/domain/domaintest", "internal/action/artifact/resultstest",
	"internal/format/npm/npmtest", "internal/forge/forgetest", "internal/foreign/foreigntest", "internal/clients", "internal/domain/trust/issuertest", "internal/domain/zigmirror/mirrortest", "internal/web/webtest", "internal/parity", "internal/bench", "internal/e2e", "internal/infra", "internal/release", "tools/openapi", "tools/release",
}

func isKit(name string) bool {
	return slices.ContainsFunc(kits, func(kit string) bool { return name == kit || strings.HasPrefix(name, kit+"/") })
}

type pkg struct {
	ImportPath string
	Imports    []string
	Deps       []string
}

func list(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps=false", "-json=ImportPath,Imports,Deps", module+"...")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var all []pkg
	for dec := json.NewDecoder(out); ; {
		var p pkg
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestImports(t *testing.T) {
	for _, p := range list(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		if isKit(name) {
			continue
		}
		rules, ok := allowed[name]
		if !ok {
			t.Errorf("%s has no row in the table of layers", name)
			continue
		}
		for _, imp := range p.Imports {
			short, ours := strings.CutPrefix(imp, module)
			if ours && !permits(rules, short) {
				t.Errorf("%s imports %s, which its layer may not", name, short)
			}
		}
	}
}

func permits(rules []string, name string) bool {
	return slices.Contains(rules, name) || slices.Contains(rules, path.Dir(name)+"/*")
}

// TestActionIsLight: the step's binary links no database, no cloud SDK, no server.
func TestActionIsLight(t *testing.T) {
	for _, p := range list(t) {
		if p.ImportPath != module+"cmd/publish-commit" {
			continue
		}
		for _, dep := range p.Deps {
			for _, heavy := range []string{"go.etcd.io/bbolt", "github.com/aws/", module + "internal/store", module + "internal/domain", module + "internal/web"} {
				if strings.HasPrefix(dep, heavy) {
					t.Errorf("publish-commit links %s", dep)
				}
			}
		}
		return
	}
	t.Error("cmd/publish-commit is not in the module")
}

// TestPureFormats: formats know no network and no clock; only the packing side reads files.
func TestPureFormats(t *testing.T) {
	for _, p := range list(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		if !strings.HasPrefix(name, "internal/format/") || isKit(name) {
			continue
		}
		for _, imp := range []string{"net", "net/http", "os/exec"} {
			if slices.Contains(p.Imports, imp) {
				t.Errorf("%s imports %s", p.ImportPath, imp)
			}
		}
	}
}
