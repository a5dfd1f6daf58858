package manifest

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/org/registry-action/internal/fault"
)

func TestParse(t *testing.T) {
	src := "\ufeff" + `{
  "name": "first", "name": "@acme/a", "version": "1.0.0", "private": true, "packageManager": "pnpm@12.21.0",
  "scripts": {"prepack": "make"}, "files": ["dist"],
  "dependencies": {"b": "^1", "b": "^2"}, "peerDependencies": [], "devDependencies": null,
  "workspaces": {"packages": ["packages/*"], "nohoist": ["x"], "catalog": {"react": "^19"}, "catalogs": {"old": {"react": "^18"}}},
  "bin": {"x": "./bin/x.js", "y": "..\\..\\y.js"}, "directories": {"bin": "ignored"},
  "publishConfig": {"directory": "dist", "executableFiles": ["a.sh"], "name": "@pub/a"}
}`
	got, err := Parse("package.json", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	want := &Manifest{
		Path: "package.json", Source: []byte(strings.TrimPrefix(src, "\ufeff")), Name: "@acme/a", Version: "1.0.0", Private: true,
		Scripts: map[string]string{"prepack": "make"}, Dependencies: map[string]map[string]string{"dependencies": {"b": "^2"}},
		Workspaces: []string{"packages/*"}, ManagerField: "pnpm@12.21.0", Bins: []string{"bin/x.js", "y.js"},
		Catalogs:      Catalogs{"default": {"react": "^19"}, "old": {"react": "^18"}},
		PublishConfig: PublishConfig{Directory: "dist", ExecutableFiles: []string{"a.sh"}, Name: "@pub/a"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

func TestParseForms(t *testing.T) {
	for src, want := range map[string]Manifest{
		`{"bin": "x.js", "workspaces": ["a", "!b"]}`:        {Bins: []string{"x.js"}, Workspaces: []string{"a", "!b"}},
		`{"directories": {"bin": "./bin/"}}`:                {Bins: []string{"bin"}},
		`{"catalog": {"a": "1", "b": 2}, "catalogs": "no"}`: {Catalogs: Catalogs{"default": {"a": "1"}}},
		`{"n\u0061me": "a\"b"}`:                             {Name: `a"b`},
	} {
		got, err := Parse("p", []byte(src))
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		want.Path, want.Source, want.Dependencies = "p", []byte(src), map[string]map[string]string{}
		if d := cmp.Diff(&want, got); d != "" {
			t.Errorf("%s (-want +got)\n%s", src, d)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for src, want := range map[string]string{
		"":                                   `p:1:1: expected a value, found the end of the file`,
		"{\n  \"name\": \"a\",\n}":           `p:3:1: expected a member name in double quotes, found '}'`,
		"{\r\n  \"é\": tru}":                 `p:2:8: expected a value, found 't'`,
		`{"name" "a"}`:                       `p:1:9: expected ":" after the member name, found '"'`,
		`{"a": 1 "b": 2}`:                    `p:1:9: expected "," or "}" after the member, found '"'`,
		`{"a": [1, 2`:                        `p:1:12: expected "," or "]" after the element, found the end of the file`,
		`{"a": "\x"}`:                        `p:1:9: expected an escape (one of "\/bfnrtu), found 'x'`,
		"{\"a\": \"b\nc\"}":                  `p:1:9: expected the closing quote of the string, found '\n'`,
		`{"a": 01}`:                          `p:1:8: expected "," or "}" after the member, found '1'`,
		`{"a": 1.}`:                          `p:1:9: expected a digit, found '}'`,
		`{} // x`:                            `p:1:4: expected the end of the file, found '/'`,
		strings.Repeat("[", 10001):           `p:1:10001: expected at most 10000 nested values, found '['`,
		`[]`:                                 `p:1:1: a package.json must be an object, it is an array`,
		` null`:                              `p:1:2: a package.json must be an object, it is null`,
		`{"name": 5}`:                        `p:1:10: name must be a string, it is a number`,
		`{"private": "yes"}`:                 `p:1:13: private must be true or false, it is a string`,
		`{"files": "dist"}`:                  `p:1:11: files must be an array of strings, it is a string`,
		`{"files": ["a", {}]}`:               `p:1:17: files[1] must be a string, it is an object`,
		`{"dependencies": ["a"]}`:            `p:1:18: dependencies must be an object, it is an array`,
		"{\"dependencies\":\n {\"b\": 1}}":   `p:2:8: dependencies of "b" must be a string, it is a number`,
		`{"bin": ["x"]}`:                     `p:1:9: bin must be an object, it is an array`,
		`{"workspaces": {"packages": "x"}}`:  `p:1:29: workspaces.packages must be an array of strings, it is a string`,
		`{"publishConfig": "x"}`:             `p:1:19: publishConfig must be an object, it is a string`,
		`{"publishConfig":{"directory":[]}}`: `p:1:31: publishConfig.directory must be a string, it is an array`,
	} {
		_, err := Parse("p", []byte(src))
		if err == nil || err.Error() != want {
			t.Errorf("Parse(%.40q) = %v, want %s", src, err, want)
		}
		if !errors.Is(err, fault.Invalid) {
			t.Errorf("Parse(%.40q): %v is not fault.Invalid", src, err)
		}
	}
}
