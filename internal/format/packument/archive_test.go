package packument

import (
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/fault"
)

// differs lists, by case of testdata/npm, the members in which we differ from
// npm on purpose, with why.
var differs = map[string]struct {
	members []string
	why     string
}{
	"dependencies array":      {[]string{"dependencies"}, "npm reads @s/d@2 as a package without a name"},
	"dependencies odd values": {[]string{"optionalDependencies"}, "npm leaves ranges that are no text there"},
	"dependencies null":       {[]string{"peerDependencies", "optionalDependencies"}, "npm leaves null there"},
	"dependencies git":        {[]string{"dependencies"}, "user/repo is github:user/repo to every installer"},
	"scripts path":            {[]string{"scripts"}, "npm cuts node_modules/.bin from scripts"},
	"repository ssh":          {[]string{"repository"}, "npm writes it as a URL"},
	"repository tree":         {[]string{"repository"}, "npm knows the forge's pages"},
	"people":                  {[]string{"contributors", "maintainers"}, "npm renames web to url; maintainers are the registry's"},
	"platform":                {[]string{"bin"}, "npm lists the files of directories.bin"},
	"forged": {[]string{"deprecated", "hasInstallScript", "signatures", "maintainers", "readmeFilename", "attestations", "description"},
		"npm passes on what only a registry can say"},
}

// TestNPM compares with what the real npm published for the same packages.
func TestNPM(t *testing.T) {
	var cases map[string]struct {
		Manifest json.RawMessage
		Files    map[string]string
	}
	var published map[string]map[string]any
	readJSON(t, "testdata/npm/cases.json", &cases)
	readJSON(t, "testdata/npm/published.json", &published)
	if len(cases) != len(published) {
		t.Fatalf("%d cases, %d answers of npm", len(cases), len(published))
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, gyp := c.Files["binding.gyp"]
			v, err := FromArchive(Archive{Manifest: c.Manifest, Gyp: gyp})
			want := published[name]
			if want == nil {
				if !errors.Is(err, fault.Invalid) {
					t.Errorf("npm refuses it; FromArchive = %+v, %v", v, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var got map[string]any
			decode(t, encodeJSON(t, v), &got)
			delete(got, "_id")
			delete(got, "hasInstallScript") // the server says that; see TestInstallScript
			// Derived from the README, or from the host of the repository.
			for _, key := range []string{"readme", "bugs", "homepage"} {
				delete(got, key)
				delete(want, key)
			}
			for _, key := range differs[name].members {
				_, inOurs := got[key]
				if _, inNPMs := want[key]; inOurs == inNPMs && cmp.Equal(got[key], want[key]) {
					t.Errorf("%s is listed as a difference (%s), but npm says the same", key, differs[name].why)
				}
				delete(got, key)
				delete(want, key)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("(-npm +ours)\n%s", d)
			}
		})
	}
}

func fromText(t *testing.T, manifest string) Version {
	t.Helper()
	v, err := FromArchive(Archive{Manifest: []byte(manifest)})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestForged has every way in which a package.json might speak for the registry.
func TestForged(t *testing.T) {
	v := fromText(t, `{"name":"a","dist":{"tarball":"https://evil.example.org/a.tgz"},"version":"1.0.0","_id":"b@9.9.9",
		"\u005fnpmUser":{"name":"root"},"_hasShrinkwrap":true,"deprecated":"x","hasInstallScript":true,"maintainers":["x"],"signatures":[{}],
		"attestations":{},"Dist":{"tarball":"https://evil.example.org/a.tgz"},"DEPRECATED":true,"HasInstallScript":true,"d\u0069st":{"shasum":"0"},
		"readme":"x","readmeFilename":"y","gypfile":true,"scripts":{"test":"t"},"_":1,"":2,"z":3}`)
	want := `{"name":"a","version":"1.0.0","scripts":{"test":"t"},"":2,"z":3,"_id":"a@1.0.0"}`
	if got := string(encodeJSON(t, v)); got != want {
		t.Errorf("published %s\nwant      %s", got, want)
	}
	if v.InstallScript || v.Shrinkwrap || v.Deprecated != "" || v.Publisher != nil || v.Maintainers != nil || !v.Dist.isZero() {
		t.Errorf("the version has what the archive can't say: %+v", v)
	}
}

func TestInstallScript(t *testing.T) {
	for manifest, want := range map[string]bool{
		`{"name":"a","version":"1.0.0"}`:                                                    false,
		`{"name":"a","version":"1.0.0","scripts":{"preinstall":"x"}}`:                       true,
		`{"name":"a","version":"1.0.0","scripts":{"install":"x"}}`:                          true,
		`{"name":"a","version":"1.0.0","scripts":{"postinstall":"x"}}`:                      true,
		`{"name":"a","version":"1.0.0","scripts":{"\u0069nstall":"x"}}`:                     true,
		`{"name":"a","version":"1.0.0","scripts":{"prepare":"x"}}`:                          false,
		`{"name":"a","version":"1.0.0","scripts":{"install":""}}`:                           false,
		`{"name":"a","version":"1.0.0","scripts":{"install":"x","install":7}}`:              false,
		`{"name":"a","version":"1.0.0","scripts":["install"]}`:                              false,
		`{"name":"a","version":"1.0.0","hasInstallScript":true,"scripts":{}}`:               false,
		`{"name":"a","version":"1.0.0","hasInstallScript":false,"scripts":{"install":"x"}}`: true,
	} {
		if v := fromText(t, manifest); v.InstallScript != want {
			t.Errorf("%s: install script %t, want %t", manifest, v.InstallScript, want)
		}
	}
	for manifest, want := range map[string]bool{
		`{"name":"a","version":"1.0.0"}`:                 true,
		`{"name":"a","version":"1.0.0","gypfile":true}`:  true,
		`{"name":"a","version":"1.0.0","gypfile":false}`: false,
	} {
		if v, err := FromArchive(Archive{Manifest: []byte(manifest), Gyp: true}); err != nil || v.InstallScript != want {
			t.Errorf("%s with binding.gyp: install script %t, %v, want %t", manifest, v.InstallScript, err, want)
		}
	}
}

func TestFromArchiveKeepsTheOrder(t *testing.T) {
	v := fromText(t, "\ufeff"+`{"zeta":1,"version":"v1.0.0","bin":"./x.js","alpha":{ "z" : 1,
		"a":"<  2 >" },"name":"@s/a","bundledDependencies":["m"],"mid":3}`)
	var keys []string
	for _, m := range v.Manifest {
		keys = append(keys, m.Key)
	}
	if want := []string{"zeta", "bin", "alpha", "bundleDependencies", "mid", "dependencies"}; !slices.Equal(keys, want) {
		t.Errorf("members %q, want %q", keys, want)
	}
	if v.Name != "@s/a" || v.Version != "1.0.0" || string(v.Manifest.Get("alpha")) != `{"z":1,"a":"<  2 >"}` || string(v.Manifest.Get("bin")) != `{"a":"x.js"}` {
		t.Errorf("version %+v", v)
	}
	if v, err := FromArchive(Archive{Manifest: []byte(`{"name":"a","version":"1.0.0"}`), Shrinkwrap: true}); err != nil || !v.Shrinkwrap {
		t.Errorf("with a shrinkwrap: %+v, %v", v, err)
	}
}

// One version that is not UTF-8 must not make the documents of all unreadable.
func TestFromArchiveIsUTF8(t *testing.T) {
	v, err := FromArchive(Archive{Manifest: []byte("{\"name\":\"a\",\"version\":\"1.0.0\",\"description\":\"caf\xe9\",\"k\xff\":{\"x\":\"\xed\xa0\x80\"}}")})
	if err != nil {
		t.Fatal(err)
	}
	text, err := v.MarshalJSON()
	if err != nil || !utf8.Valid(text) || v.Manifest.Text("description") != "caf\ufffd" {
		t.Errorf("%q, %v", text, err)
	}
}

func TestFromArchiveRefuses(t *testing.T) {
	for manifest, want := range map[string]string{
		``:                                       "not a JSON object",
		`[]`:                                     "not a JSON object",
		`null`:                                   "not a JSON object",
		`{"name":"a","version":"1.0.0"`:          "not JSON",
		`{"name":"a","version":"1.0.0"}}`:        "not JSON",
		`{"version":"1.0.0"}`:                    `no "name"`,
		`{"name":"","version":"1.0.0"}`:          `no "name"`,
		`{"name":7,"version":"1.0.0"}`:           `no "name"`,
		`{"name":"../a","version":"1"}`:          "not valid",
		`{"name":"a"}`:                           `no "version"`,
		`{"name":"a","version":1}`:               `no "version"`,
		`{"name":"a","version":"1.0"}`:           "no semantic version",
		`{"name":"a","version":"1.0.0/../../b"}`: "no semantic version",
		`{"name":"a","version":"1.0.0","version":"x"}`:                                                     "no semantic version",
		`{"name":"a","version":"1.0.0","x":` + strings.Repeat("[", 2000) + strings.Repeat("]", 2000) + `}`: "deep",
	} {
		_, err := FromArchive(Archive{Manifest: []byte(manifest)})
		if !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("FromArchive(%.60s) = %v, want fault.Invalid with %q", manifest, err, want)
		}
	}
}

// TestFromArchiveIsLinear has manifests of a megabyte that would take minutes
// if each member were compared with each.
func TestFromArchiveIsLinear(t *testing.T) {
	var names []string
	for i := range 30_000 {
		names = append(names, `"p`+string(appendHex(nil, i))+`"`)
	}
	list, object := strings.Join(names, ","), strings.Join(names, `:"1",`)+`:"1"`
	for _, member := range []string{
		`"bundleDependencies":[` + list + `]`, `"dependencies":[` + list + `]`, `"dependencies":{` + object + `},"bundleDependencies":true`,
		`"bin":{` + object + `}`, `"bin":[` + list + `]`, object, `"keywords":[` + list + `]`,
	} {
		v := fromText(t, `{"name":"a","version":"1.0.0",`+member+`}`)
		if len(encodeJSON(t, v)) < 200_000 {
			t.Errorf("%.30s was lost", member)
		}
	}
}

func appendHex(b []byte, n int) []byte {
	for range 5 {
		b = append(b, hexDigits[n&15])
		n >>= 4
	}
	return b
}

func FuzzFromArchive(f *testing.F) {
	var cases map[string]struct{ Manifest json.RawMessage }
	readJSON(f, "testdata/npm/cases.json", &cases)
	for _, c := range cases {
		f.Add([]byte(c.Manifest), true)
	}
	f.Fuzz(func(t *testing.T, manifest []byte, gyp bool) {
		v, err := FromArchive(Archive{Manifest: manifest, Gyp: gyp})
		if err != nil {
			if !errors.Is(err, fault.Invalid) {
				t.Fatal(err)
			}
			return
		}
		text := encodeJSON(t, v)
		var back Version
		decode(t, text, &back)
		if back.InstallScript != v.InstallScript || back.Publisher != nil || back.Deprecated != "" || !back.Dist.isZero() {
			t.Errorf("%s says %+v", text, back)
		}
		// What was published once is normal.
		again, err := FromArchive(Archive{Manifest: text, Gyp: gyp})
		if err != nil {
			t.Fatal(err)
		}
		if second := encodeJSON(t, again); string(second) != string(text) {
			t.Errorf("a second round makes\n%s of\n%s", second, text)
		}
	})
}

func readJSON(t testing.TB, path string, into any) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	decode(t, b, into)
}

func decode(t testing.TB, b []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(b, into); err != nil {
		t.Fatalf("%v in %.200s", err, b)
	}
}

// encodeJSON calls MarshalJSON as the registry does, without json.Marshal's escapes.
func encodeJSON(t testing.TB, v json.Marshaler) []byte {
	t.Helper()
	b, err := v.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return b
}
