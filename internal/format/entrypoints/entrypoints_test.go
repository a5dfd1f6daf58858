package entrypoints_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/format/entrypoints"
	"github.com/org/registry-action/internal/format/packument"
)

func parse(t testing.TB, text string) packument.Object {
	t.Helper()
	o, err := packument.ParseObject([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func lines(entries []entrypoints.Entry) []string {
	var all []string
	for _, e := range entries {
		all = append(all, e.Field+" -> "+e.Target)
	}
	return all
}

func TestFlatten(t *testing.T) {
	for _, tt := range []struct {
		manifest string
		want     []string
	}{
		{`{"name":"@acme/core","version":"1.0.0","files":["x"]}`, nil},
		{`{"name":"@acme/core","main":"m.js","module":"./m.mjs","types":"m.d.ts","typings":"t.d.ts","browser":"b.js","bin":"cli.js","exports":"./e.js"}`,
			[]string{"main -> m.js", "module -> ./m.mjs", "browser -> b.js", "types -> m.d.ts", "typings -> t.d.ts", "bin.core -> cli.js", `exports["."] -> ./e.js`}},
		{`{"browser":{"./a.js":"./b.js","fs":false},"bin":{"acme":"./cli.js","acme-x":"./x.js"},"typesVersions":{">=4":{"*":["ts4/*"]}}}`,
			[]string{`browser["./a.js"] -> ./b.js`, "browser.fs -> false", `typesVersions[">=4"]["*"][0] -> ts4/*`, "bin.acme -> ./cli.js", `bin["acme-x"] -> ./x.js`}},
		{`{"exports":{"import":"./a.mjs","node-addons":null,"require":{"types":"./a.d.cts","default":["./a.cjs","./b.cjs"]}}}`,
			[]string{`exports["."].import -> ./a.mjs`, `exports["."]["node-addons"] -> null`, `exports["."].require.types -> ./a.d.cts`,
				`exports["."].require.default[0] -> ./a.cjs`, `exports["."].require.default[1] -> ./b.cjs`}},
		{`{"exports":{".":"./a.js","./x\"y":{"import":"./x.js"},"./internal/*":null}}`,
			[]string{`exports["."] -> ./a.js`, `exports["./x\"y"].import -> ./x.js`, `exports["./internal/*"] -> null`}},
	} {
		got, more := entrypoints.Flatten(parse(t, tt.manifest))
		if diff := cmp.Diff(tt.want, lines(got)); diff != "" || more {
			t.Errorf("%s, more %t: -want +got:\n%s", tt.manifest, more, diff)
		}
	}
}

// TestBroken has what Node and TypeScript were not asked: other fields, and what is left alone.
func TestBroken(t *testing.T) {
	const files = "package.json index.d.mts dist/index.js dist/index.d.ts dist/util.mjs dist/esm/index.mjs bin/cli.js data/x.json src/only.ts"
	for _, tt := range []struct {
		name, manifest string
		want           []string
	}{
		{"all there", `{"main":"dist","module":"dist/util","types":"dist/index.js","bin":{"a":"bin/cli.js","b":"/bin/cli.js","c":"..\\bin/cli.js"},"browser":{"./dist/index.js":"./dist/util"}}`, nil},
		{"main and module", `{"main":"./dist/index.cjs","module":"./dist/index.mjs"}`, []string{"main -> ./dist/index.cjs", "module -> ./dist/index.mjs"}},
		{"declarations do not run", `{"main":"src/only.js","exports":"./src/only.js"}`, []string{"main -> src/only.js", `exports["."] -> ./src/only.js`}},
		{"module as a folder", `{"module":"./dist/esm"}`, nil},
		{"types", `{"types":"./dist/none.d.ts","typings":"none"}`, []string{"types -> ./dist/none.d.ts", "typings -> none"}},
		{"typesVersions", `{"types":"./dist/none.d.ts","typesVersions":{"*":{"*":["x/*"]}}}`, nil},
		{"bin guesses nothing", `{"bin":{"a":"bin/cli","b":"./bin","c":"dist/none.js"}}`, []string{"bin.a -> bin/cli", "bin.b -> ./bin", "bin.c -> dist/none.js"}},
		{"bin of the package's name", `{"name":"@acme/core","bin":"./cli.js"}`, []string{"bin.core -> ./cli.js"}},
		{"bin under no name", `{"bin":{"":"x","./":"x","/":"x"}}`, nil},
		{"bin without a package's name", `{"bin":"x"}`, nil},
		{"bin as a list", `{"bin":["bin/cli.js","bin/none.js"]}`, []string{`bin["none.js"] -> bin/none.js`}},
		{"browser", `{"browser":{"./a.js":"./none.js","fs":"browserify-fs","path":false,"./b.js":"../out.js"}}`, []string{`browser["./a.js"] -> ./none.js`, `browser["./b.js"] -> ../out.js`}},
		{"nested conditions", `{"exports":{".":{"import":{"types":"./dist/index.d.mts","default":"./dist/none.mjs"},"require":"./dist/index.js"}}}`,
			[]string{`exports["."].import.types -> ./dist/index.d.mts`, `exports["."].import.default -> ./dist/none.mjs`}},
		{"types of a version, of code", `{"exports":{".":{"types@>=4.7":"./dist/index.js","types":{"import":"./none.d.ts"}}}}`, []string{`exports["."].types.import -> ./none.d.ts`}},
		{"conditions of the repository", `{"exports":{".":{"source":"./src/index.ts","@acme/source":"./src/index.ts","default":"./dist/index.js"}}}`, nil},
		{"null and false", `{"main":null,"types":false,"bin":null,"browser":null,"exports":{"./internal/*":null,".":{"node":null,"default":"./dist/index.js"}}}`, nil},
		{"no guess in exports", `{"exports":{"./a":"./dist/index","./b":"./dist","./c":"dist/index.js","./d":"./dist/../dist/index.js"}}`,
			[]string{`exports["./a"] -> ./dist/index`, `exports["./b"] -> ./dist`, `exports["./c"] -> dist/index.js`, `exports["./d"] -> ./dist/../dist/index.js`}},
		{"patterns", `{"exports":{"./*":"./dist/*.js","./x/*":"./none/*.js","./y/*.css":"./dist/*.css","./z/*":{"types":"./dist/*.js"},"./w/*":"./*/*.js","./v/*":"./dist/index.js","./u":"./dist/*.js"}}`,
			[]string{`exports["./x/*"] -> ./none/*.js`, `exports["./y/*.css"] -> ./dist/*.css`, `exports["./w/*"] -> ./*/*.js`, `exports["./u"] -> ./dist/*.js`}},
		{"what Node matches nothing with", `{"exports":{"./*/*":"./none/*/*.js"}}`, nil},
		{"folders of old", `{"exports":{"./dist/":"./dist/","./":"./","./lib/":"./lib/"}}`, []string{`exports["./lib/"] -> ./lib/`}},
		{"one of a list", `{"exports":["./none.js","./dist/index.js"]}`, nil},
		{"none of a list", `{"exports":{"./a":["./none.js",{"import":"./gone.js"}]}}`, []string{`exports["./a"][0] -> ./none.js`, `exports["./a"][1].import -> ./gone.js`}},
		{"what Node refuses as a whole", `{"exports":{".":"./none.js","import":"./none.js"}}`, nil},
		{"other forms", `{"main":7,"module":["x"],"types":{},"bin":7,"browser":[],"exports":7}`, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := entrypoints.Broken(entrypoints.Package{Manifest: parse(t, tt.manifest), Files: entrypoints.FilesOf(strings.Fields(files))})
			if diff := cmp.Diff(tt.want, lines(got)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestDeclarationsOnly: nobody but TypeScript reads a package without code.
func TestDeclarationsOnly(t *testing.T) {
	for _, manifest := range []string{`{"main":"a.js"}`, `{"module":"./a.js"}`, `{"exports":{".":"./a.js","./x":{"default":"./lib/b.mjs"},"./y/*":"./*.js"}}`} {
		got := entrypoints.Broken(entrypoints.Package{Manifest: parse(t, manifest), Files: entrypoints.FilesOf([]string{"a.d.ts", "lib/b.d.mts", "package.json"})})
		if len(got) > 0 {
			t.Errorf("%s: %v", manifest, got)
		}
	}
}

// TestMany: the work is bounded whatever a package.json says.
func TestMany(t *testing.T) {
	var exports, paths []string
	for i := range 2_000 {
		exports = append(exports, fmt.Sprintf(`"./%d/*":"./dist/*/*/x.js"`, i))
		paths = append(paths, fmt.Sprintf("dist/%d/%d/x.js", i, i+1))
	}
	deep := strings.Repeat(`{"import":[`, 400) + `"./none.js"` + strings.Repeat(`]}`, 400)
	manifest := parse(t, `{"main":`+deep+`,"exports":{"./deep":`+deep+`,`+strings.Join(exports, ",")+`}}`)
	if got := entrypoints.Broken(entrypoints.Package{Manifest: manifest, Files: entrypoints.FilesOf(paths)}); len(got) == 0 || len(got) > 1000 {
		t.Errorf("%d broken entries", len(got))
	}
	if got, more := entrypoints.Flatten(manifest); len(got) > 1000 || !more {
		t.Errorf("%d entries, more %t", len(got), more)
	}
}

func FuzzBroken(f *testing.F) {
	f.Add(`{"main":"./a","exports":{"./*":["./a/*",null,{"types":"./a"}]}}`, "a.js b/c.d.ts")
	f.Add(`{"bin":{"":""},"browser":{"./a":"./%zz"},"types":"..","exports":{"./":"./","./*":"*"}}`, "* **/*")
	f.Fuzz(func(t *testing.T, manifest, paths string) {
		o, err := packument.ParseObject([]byte(manifest))
		if err != nil {
			return
		}
		files := strings.Fields(paths)
		all, more := entrypoints.Flatten(o)
		broken := entrypoints.Broken(entrypoints.Package{Manifest: o, Files: entrypoints.FilesOf(files)})
		if len(broken) > len(all) && !more {
			t.Errorf("%d of %d entries are broken: %v of %v", len(broken), len(all), broken, all)
		}
	})
}
