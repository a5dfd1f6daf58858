package main

import (
	"crypto/sha1"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// pantryFolder has two good packages, and all that can go wrong with others.
func pantryFolder(t *testing.T) string {
	t.Helper()
	at := func(safe, version string) string {
		return fmt.Sprintf("tarballs/packages/pantry/%s/%s/%s-%s.tgz", safe, version, safe, version)
	}
	sum := func(file string) string { return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(file))) }
	core1, core2 := tgz(t, `{"name":"@acme/core","version":"1.0.0","description":"first"}`), tgz(t, `{"name":"@acme/core","version":"1.1.0"}`)
	plain, folded := tgz(t, `{"name":"plain","version":"0.1.0"}`), tgz(t, `{"name":"a-b","version":"1.0.0"}`)
	return tree(t, map[string]string{
		"metadata.json": fmt.Sprintf(`{"version":1,"packages":{
			"@acme/core":{"name":"@acme/core","latestVersion":"1.0.0","publishedBy":"ann@acme.example","versions":{
				"1.0.0":{"checksum":%q,"publishedAt":"2026-01-02T03:04:05.678Z"},"1.1.0":{"checksum":%q,"publishedAt":"2026-02-03T04:05:06.789Z"},
				"9.9.9":{"checksum":"sha256:00"},"latest":{}}},
			"plain":{"latestVersion":"0.1.0","versions":{"0.1.0":{"checksum":%q,"publishedAt":"2026-01-02T03:04:05.678Z"}}},
			"changed":{"latestVersion":"1.0.0","versions":{"1.0.0":{"checksum":%q}}},
			"@a/b":{"latestVersion":"1.0.0","versions":{"1.0.0":{"checksum":"sha256:11"}}},
			"a-b":{"latestVersion":"1.0.0","versions":{"1.0.0":{"checksum":%q}}},
			"../../evil":{"versions":{"1.0.0":{}}}, "\u001b[31mred":{"versions":{}}, "broken":7},"commits":{"abc":[]}}`,
			sum(core1), sum(core2), sum(plain), sum("what it was"), sum(folded)),
		at("acme-core", "1.0.0"): core1, at("acme-core", "1.1.0"): core2, at("plain", "0.1.0"): plain,
		at("changed", "1.0.0"): tgz(t, `{"name":"changed","version":"1.0.0"}`), at("a-b", "1.0.0"): folded,
	})
}

func TestImportPantry(t *testing.T) {
	onBoth(t, func(t *testing.T, dir string) {
		from := pantryFolder(t)
		first := cli(t, "", "import", "pantry", from, "--data", dir).want(1, "refused; the report says why")
		for _, want := range []string{
			"8 packages: 4 versions imported, 0 there already, 7 refused",
			"refused @acme/core@9.9.9: tarballs/packages/pantry/acme-core/9.9.9/acme-core-9.9.9.tgz is missing",
			`refused @acme/core@latest: "latest" is not a semantic version`,
			"refused changed@1.0.0: the tarball does not have the checksum",
			"Pantry keeps @a/b and a-b in one file",
			"refused ../../evil: ", `refused "\x1b[31mred": `, "refused broken: ",
			"upstream is no longer asked for @acme, a-b, plain", "note: packages of commits are not imported",
		} {
			if !strings.Contains(first.stdout, want) {
				t.Errorf("the report lacks %q:\n%s", want, first.stdout)
			}
		}
		if strings.ContainsRune(first.stdout+first.stderr, '\x1b') {
			t.Error("an escape sequence of the folder gets to the terminal")
		}
		if !strings.Contains(first.stderr, "@acme/core: 2 versions imported, 2 refused") {
			t.Errorf("progress: %s", first.stderr)
		}
		var again report
		cli(t, "", "import", "pantry", from, "--data", dir, "--json").want(1, "").json(&again)
		if again.Imported != 0 || again.Present != 4 || len(again.Refused) != 7 {
			t.Errorf("again: %+v", again)
		}
		checkCore(t, dir)
	})
}

// checkCore reads an imported package from a server.
func checkCore(t *testing.T, dir string) {
	t.Helper()
	url := ""
	if running, err := os.ReadFile(filepath.Join(dir, "running.json")); err == nil {
		_, rest, _ := strings.Cut(string(running), `"url":"`)
		url, _, _ = strings.Cut(rest, `"`)
	} else {
		url, _ = serving(t, dir)
	}
	m := get(t, url+"/packages/@acme/core")
	if m["version"] != "1.0.0" || m["description"] != "first" || m["publishedAt"] != "2026-01-02T03:04:05.678Z" {
		t.Errorf("latest = %v, want what Pantry called the latest version, with its time", m)
	}
	if versions := get(t, url+"/packages/@acme/core/versions")["versions"]; fmt.Sprint(versions) != "[1.1.0 1.0.0]" {
		t.Errorf("versions = %v", versions)
	}
}

func TestImportClean(t *testing.T) {
	file := tgz(t, `{"name":"plain","version":"0.1.0"}`)
	from := tree(t, map[string]string{
		"metadata.json": `{"plain":{"latestVersion":"0.1.0","versions":{"0.1.0":{}}}}`,
		"tarballs/packages/pantry/plain/0.1.0/plain-0.1.0.tgz": file,
	})
	dir := t.TempDir()
	cli(t, "", "import", "pantry", from, "--data", dir).want(0, "1 package: 1 version imported")
	cli(t, "", "import", "pantry", from, "--data", dir, "--max-package-size", "10B").want(0, "1 there already")
	cli(t, "", "import", "pantry", from, "--data", filepath.Join(t.TempDir(), "new"), "--max-package-size", "10B").want(1, "MAX_PACKAGE_SIZE")
	cli(t, "", "import", "pantry", t.TempDir(), "--data", dir).want(1, "metadata.json")
	cli(t, "", "import", "verdaccio", t.TempDir(), "--data", dir).want(1, "config.yaml")
}

// verdaccioFolder has a scoped package with a deprecation and tags, one that is
// mixed with upstream's, and one that is upstream's alone.
func verdaccioFolder(t *testing.T) string {
	t.Helper()
	version := func(name, version, file, host, more string) string {
		base := name[strings.LastIndexByte(name, '/')+1:]
		return fmt.Sprintf(`%q:{"name":%q,"version":%q,%s"dist":{"shasum":"%x","tarball":"http://%s/%s/-/%s-%s.tgz"}}`,
			version, name, version, more, sha1.Sum([]byte(file)), host, name, base, version)
	}
	old, beta := tgz(t, `{"name":"@acme/a","version":"1.0.0"}`), tgz(t, `{"name":"@acme/a","version":"2.0.0-beta.1"}`)
	ours, theirs := tgz(t, `{"name":"mixed","version":"1.5.0"}`), tgz(t, `{"name":"mixed","version":"1.0.0"}`)
	odd, tampered := tgz(t, `{"name":"is-odd","version":"3.0.1"}`), tgz(t, `{"name":"tampered","version":"1.0.0"}`)
	return tree(t, map[string]string{
		".verdaccio-db.json": `{"list":["@acme/a","mixed"],"secret":"x"}`,
		"@acme/a/package.json": `{"name":"@acme/a","versions":{` + version("@acme/a", "1.0.0", old, "localhost:4873", `"deprecated":"use 2","_npmUser":{"name":"alice"},`) + `,` +
			version("@acme/a", "2.0.0-beta.1", beta, "localhost:4873", "") + `},"time":{"1.0.0":"2025-01-02T03:04:05.678Z","2.0.0-beta.1":"2025-02-03T04:05:06.789Z"},
			"dist-tags":{"latest":"1.0.0","beta":"2.0.0-beta.1"},"_distfiles":{},"_attachments":{"a-1.0.0.tgz":{"version":"1.0.0"},"a-2.0.0-beta.1.tgz":{"version":"2.0.0-beta.1"}}}`,
		"@acme/a/a-1.0.0.tgz": old, "@acme/a/a-2.0.0-beta.1.tgz": beta,
		"mixed/package.json": `{"name":"mixed","versions":{` + version("mixed", "1.0.0", theirs, "upstream.example", "") + `,` + version("mixed", "1.5.0", ours, "localhost:4873", "") + `},
			"time":{"1.0.0":"2020-01-01T00:00:00.000Z","1.5.0":"2025-01-02T03:04:05.678Z"},"dist-tags":{"latest":"1.5.0"},
			"_distfiles":{"mixed-1.0.0.tgz":{"url":"x"}},"_attachments":{"mixed-1.0.0.tgz":{},"mixed-1.5.0.tgz":{"version":"1.5.0"}}}`,
		"mixed/mixed-1.0.0.tgz": theirs, "mixed/mixed-1.5.0.tgz": ours,
		"is-odd/package.json": `{"name":"is-odd","versions":{` + version("is-odd", "3.0.1", odd, "upstream.example", "") + `},"time":{"3.0.1":"2018-05-31T19:58:12.511Z"},
			"dist-tags":{"latest":"3.0.1"},"_distfiles":{"is-odd-3.0.1.tgz":{"url":"x"}},"_attachments":{"is-odd-3.0.1.tgz":{}}}`,
		"is-odd/is-odd-3.0.1.tgz": odd,
		"tampered/package.json": `{"name":"tampered","versions":{` + version("tampered", "1.0.0", "what it was", "localhost:4873", "") + `},"time":{},
			"dist-tags":{"latest":"1.0.0"},"_distfiles":{},"_attachments":{"tampered-1.0.0.tgz":{"version":"1.0.0"}}}`,
		"tampered/tampered-1.0.0.tgz": tampered,
	})
}

func TestImportVerdaccio(t *testing.T) {
	from, dir := verdaccioFolder(t), t.TempDir()
	first := cli(t, "", "import", "verdaccio", from, "--data", dir).want(1, "3 packages: 3 versions imported, 0 there already, 1 refused")
	for _, want := range []string{"refused tampered@1.0.0: the tarball of tampered@1.0.0 does not have the shasum", "only fetched from an uplink, left out: 1", "users are not imported"} {
		if !strings.Contains(first.stdout, want) {
			t.Errorf("the report lacks %q:\n%s", want, first.stdout)
		}
	}
	url, _ := serving(t, dir)
	m := get(t, url+"/@acme%2fa")
	versions, tags, times := m["versions"].(map[string]any), m["dist-tags"].(map[string]any), m["time"].(map[string]any)
	old := versions["1.0.0"].(map[string]any)
	if old["deprecated"] != "use 2" || old["_npmUser"].(map[string]any)["name"] != "alice" {
		t.Errorf("1.0.0 = %v", old)
	}
	if tags["latest"] != "1.0.0" || tags["beta"] != "2.0.0-beta.1" || times["1.0.0"] != "2025-01-02T03:04:05.678Z" {
		t.Errorf("dist-tags %v, times %v", tags, times)
	}
	if mixed := get(t, url+"/mixed")["versions"].(map[string]any); len(mixed) != 1 || mixed["1.5.0"] == nil {
		t.Errorf("mixed has %v, want what was published alone", mixed)
	}
	var all report
	cli(t, "", "import", "verdaccio", from, "--all", "--json", "--data", dir).want(1, "").json(&all)
	if all.Imported != 2 || all.Present != 3 || !slices.Equal(all.Ours, []string{"is-odd"}) {
		t.Errorf("with --all: %+v", all)
	}
	if latest := get(t, url+"/packages/mixed")["version"]; latest != "1.5.0" {
		t.Errorf("an older version that came later made itself latest: %v", latest)
	}
}
