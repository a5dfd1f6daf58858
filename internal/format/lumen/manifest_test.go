package lumen

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/fault"
)

func TestParseManifest(t *testing.T) {
	m, err := ParseManifest([]byte(`
[package]
name = "@acme/http-utils"
version = "1.2.0"
description = "HTTP utilities"
authors = ["Alice <alice@acme.example>"]
license = "MIT"
repository = "https://github.com/acme/http-utils"
documentation = "https://docs.acme.example"
keywords = ["http", "network"]
categories = ["networking"]
include = ["assets/*.png"]
publish = true

[package.exports]
default = "client"

[toolchain]
lumen = ">=0.1.0 <0.2.0"

[features]
default = ["json", "tls"]
json = []
tls = ["@acme/tls", "dep:@acme/rand", "@acme/uri"]
extra = { enables = ["@acme/rand"], description = "more" }

[dependencies]
"@acme/uri" = "^1.0.0"
"@acme/json" = { version = ">=0.3.0 <0.4.0", features = ["streaming"] }
"@acme/tls" = { version = "1.x", optional = true }
"@acme/rand" = { version = "*", optional = true }
"@acme/log" = { version = "~2.0.0", optional = true, registry = "local" }
logging = "1.0.0"

[dev-dependencies]
"@acme/test" = { path = "../test" }
Anything = 5

[build-dependencies]
codegen = "^0.2"
`))
	if err != nil {
		t.Fatal(err)
	}
	want := Manifest{
		Name: "@acme/http-utils", Version: "1.2.0", Description: "HTTP utilities", License: "MIT",
		Repository: "https://github.com/acme/http-utils", Documentation: "https://docs.acme.example",
		Keywords: []string{"http", "network"}, Categories: []string{"networking"},
		Deps: map[string]string{"@acme/uri": "^1.0.0", "@acme/json": ">=0.3.0 <0.4.0", "logging": "1.0.0"},
		OptionalDeps: map[string][]string{
			"tls":       {"@acme/rand@*", "@acme/tls@1.x"},
			"extra":     {"@acme/rand@*"},
			"@acme/log": {"@acme/log@~2.0.0"},
		},
	}
	if diff := cmp.Diff(want, m); diff != "" {
		t.Error(diff)
	}
}

func TestPrivate(t *testing.T) {
	for text, want := range map[string]bool{
		"": false, "publish = true": false, "publish = false": true, "publish = []": true, `publish = ["local"]`: false,
	} {
		m, err := ParseManifest([]byte(demoTOML + text))
		if err != nil || m.Private != want {
			t.Errorf("%s: Private = %t, %v, want %t", text, m.Private, err, want)
		}
	}
}

func TestManifestRefused(t *testing.T) {
	dep := func(s string) string { return demoTOML + "[dependencies]\n" + s + "\n" }
	for _, test := range []struct{ text, code, hint string }{
		{"", "bad_manifest", "no [package]"},
		{"package = 1", "bad_manifest", "package must be a table"},
		{"[Package]\nname = \"@a/b\"", "bad_manifest", "no [package]"},
		{"[package]\nversion = \"1.0.0\"", "bad_manifest", "name is missing"},
		{"[package]\nname = \"@a/b\"", "bad_manifest", "version is missing"},
		{"[package]\nname = 5", "bad_manifest", "package.name must be a string"},
		{"[package]\nname = \"@A/b\"\nversion = \"1.0.0\"", "bad_name", "lower-case"},
		{"[package]\nname = \"../b\"\nversion = \"1.0.0\"", "bad_name", "lower-case"},
		{"[package]\nname = \"@a/b\"\nversion = \"1.0\"", "bad_version", "three numbers"},
		{"[package]\nname = \"@a/b\"\nversion = ", "bad_manifest", "line 3"},
		{demoTOML + "keywords = [1]", "bad_manifest", "package.keywords"},
		{demoTOML + `keywords = ["` + strings.Repeat("x", 65) + `"]`, "bad_manifest", "shorten"},
		{demoTOML + "keywords = [" + strings.Repeat(`"x",`, 33) + "]", "bad_manifest", "more than 32"},
		{demoTOML + `description = "` + strings.Repeat("x", 5000) + `"`, "bad_manifest", "shorten"},
		{demoTOML + "publish = 5", "bad_manifest", "package.publish"},
		{dep("@acme/uri = \"^1.0.0\""), "bad_manifest", `line 5, column 1: it is not valid TOML; a name with "@"`},
		{dep(`"@acme/uri" = "^1.0, <2"`), "bad_constraint", `dependency "@acme/uri"`},
		{dep(`"@acme/uri" = "!=1.0"`), "bad_constraint", `"!=1.0.0"`},
		{dep(`"@acme/uri" = ">=1.0.0, <2.0.0"`), "bad_constraint", "not a comma"},
		{dep(`"@acme/uri" = { path = "../uri" }`), "bad_manifest", `by "path"`},
		{dep(`"@acme/uri" = { version = "1.0.0", path = "../uri" }`), "bad_manifest", `by "path"`},
		{dep(`"@acme/uri" = { git = "https://x.example/y" }`), "bad_manifest", `by "git"`},
		{dep(`"@acme/uri" = { workspace = true }`), "bad_manifest", `by "workspace"`},
		{dep(`"@acme/uri" = {}`), "bad_manifest", "no version"},
		{dep(`"@acme/uri" = { version = 1 }`), "bad_manifest", "no version"},
		{dep(`"@acme/uri" = { version = "*", optional = 1 }`), "bad_manifest", "optional"},
		{dep(`"@acme/uri" = 1.0`), "bad_manifest", "string"},
		{dep(`Acme = "*"`), "bad_name", `dependency "Acme"`},
		{dep(`acme.uri = "*"`), "bad_manifest", "no version"},
		{demoTOML + "dependencies = []", "", ""},
		{"dependencies = []\n" + demoTOML, "bad_manifest", "dependencies must be a table"},
		{dep(`a = { version = "*", optional = true }`) + "[features]\nx = 5", "bad_manifest", `feature "x"`},
	} {
		_, err := ParseManifest([]byte(test.text))
		if test.code == "" {
			if err != nil {
				t.Errorf("%s: %v", test.text, err)
			}
			continue
		}
		wantFault(t, err, fault.Invalid, test.code)
		if err != nil && !strings.Contains(err.Error(), test.hint) {
			t.Errorf("%s: error = %v, want a hint with %s", test.text, err, test.hint)
		}
	}
	_, err := ParseManifest(make([]byte, maxManifest+1))
	wantFault(t, err, fault.TooLarge, "")
}

// TestManifestBounded: a small file can't ask for large metadata.
func TestManifestBounded(t *testing.T) {
	var many, wide strings.Builder
	for i := range maxDependencies + 1 {
		many.WriteString("a" + strings.Repeat("b", i%50) + string(rune('a'+i%26)) + string(rune('a'+i/26%26)) + string(rune('a'+i/676)) + " = \"*\"\n")
	}
	_, err := ParseManifest([]byte(demoTOML + "[dependencies]\n" + many.String()))
	wantFault(t, err, fault.Invalid, "bad_manifest")

	wide.WriteString(demoTOML + "[dependencies]\na = { version = \"" + strings.Repeat("1.0.0 || ", 25) + "1.0.0\", optional = true }\n[features]\n")
	for i := range 900 {
		wide.WriteString("f" + octal(i, 6)[:6] + " = [" + strings.Repeat(`"a",`, 10) + "]\n")
	}
	_, err = ParseManifest([]byte(wide.String()))
	wantFault(t, err, fault.Invalid, "bad_manifest")

	_, err = ParseManifest([]byte("x = " + strings.Repeat("[", maxManifest-4)))
	wantFault(t, err, fault.Invalid, "bad_manifest")
}
