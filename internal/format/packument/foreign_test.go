package packument

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/fault"
)

const registry = "https://npm.example.com/npm"

// documents are packuments of "@s/a" in every shape that JSON allows.
func documents() []string {
	return []string{
		`{"name":"@s/a"}`,
		`{"_id":"@s/a","name":"@s/a","dist-tags":{"latest":"1.0.0"},"versions":{"1.0.0":{"name":"@s/a","version":"1.0.0","dist":{"tarball":"https://other.example.org/a.tgz","shasum":"00","integrity":"sha512-x"}}},"time":{"created":"c","modified":"m","1.0.0":"t"}}`,
		// dist first, name last, spaces everywhere, escaped keys and slashes
		"\n{ \"versions\" : {\t\"1.0.0\" : { \"dist\" : { \"\\u0074arball\" : \"https:\\/\\/other.example.org\\/a.tgz\" , \"x\" : [ ] } , \"name\" : \"@s/a\" } } ,\r\n \"na\\u006de\" : \"@s\\/a\" } \n",
		// members of these names in other places
		`{"name":"@s/a","versions":{"1.0.0":{"dist":{"tarball":"x","dist":{"tarball":"y"},"versions":{"1":{"dist":{"tarball":"z"}}}},"versions":{"1.0.0":{"dist":{"tarball":"w"}}},"tarball":"v"},"versions":{"dist":{"tarball":"u"}},"dist":{"dist":{"tarball":"t"}}},"dist":{"tarball":"s"},"tarball":"r","x":{"versions":{"1":{"dist":{"tarball":"q"}}}}}`,
		// duplicate keys: the last counts
		`{"name":"b","name":"@s/a","versions":{"1":{"dist":{"tarball":"a"}}},"versions":{"2":{"dist":{"tarball":"a","tarball":"b"},"dist":{"tarball":"c"}},"2":{"dist":{}},"3":{"dist":{"tarball":"d"},"dist":7},"4":{},"4":{"dist":{"tarball":"e"}}}}`,
		`{"name":"@s/a","versions":{"1":{"dist":{"tarball":"a"}},"1":null,"2":3,"2":{"dist":{"tarball":"b"},"bin":"x.js"}}}`,
		`{"name":"@s/a","versions":{"1":{"dist":{"tarball":"a"}}},"versions":null}`,
		`{"name":"@s/a","versions":{"1":{"deprecated":"x","deprecated":false,"bin":{"a":"b"},"bin":"./c.js","hasInstallScript":true,"hasInstallScript":false}}}`,
		`{"name":"@s/a","dist-tags":{"latest":"1"},"versions":{"1":{"a":1},"2":{"b":2}},"dist-tags":{"latest":"2"}}`,
		`{"name":"@s/a","versions":{"1":{"a":1},"2":{"b":2},"latest":{"c":3}},"dist-tags":{"latest":"2","next":"2"},"versions":{"2":{"d":4}}}`,
		// other types
		`{"name":"@s/a","versions":{"1":{"dist":null},"2":{"dist":[{"tarball":"a"}]},"3":{"dist":{"tarball":null}},"4":{"dist":{"tarball":""}},"5":{"dist":"tarball"},"6":[],"7":"x","8":true,"9":{}}}`,
		`{"name":"@s/a","versions":[{"dist":{"tarball":"a"}}],"dist-tags":["a"],"time":"now"}`,
		`{"name":"@s/a","dist-tags":{"latest":1,"next":"2"},"time":{},"modified":"m"}`,
		`{"name":"@s/a","time":{"modified":1,"unpublished":{"name":"x","versions":["1.0.0"]}},"modified":"m"}`,
		`{"name":"@s/a","time":{"modified":"a"},"time":{"created":"b"},"versions":{}}`,
		// hostile versions
		`{"name":"@s/a","versions":{"1.0.0/../../evil":{"dist":{"tarball":"a"}},"\"},{":{"dist":{"tarball":"a"}},"1.0.0+b":{"dist":{"tarball":"a"}},"é\ud83d\ude00\u0000":{"dist":{"tarball":"a"}},"":{"dist":{"tarball":"a"}}}}`,
		// what the abbreviated form has and has not
		`{"name":"@s/a","readme":"long","versions":{"1.0.0":{"name":"evil","version":"9","description":"d","scripts":{"install":"x"},"bin":"./x.js","dependencies":{"b":"1"},"devDependencies":{},"optionalDependencies":{},"peerDependencies":{},"peerDependenciesMeta":{"b":{"optional":true}},"bundleDependencies":["b"],"bundledDependencies":["b"],"acceptDependencies":{},"directories":{"bin":"b"},"engines":{"node":"1"},"os":["linux"],"cpu":["x64"],"libc":["musl"],"funding":"f","_hasShrinkwrap":false,"_npmUser":{"name":"bob","email":"b","trustedPublisher":{"id":"github"}},"_npmVersion":"1","maintainers":[{"name":"x"}],"deprecated":"old","readme":"x","gitHead":"y","dist":{"tarball":"t","fileCount":3,"unpackedSize":1e3,"signatures":[{"keyid":"k","sig":"s"}],"npm-signature":"p","attestations":{"url":"u"}}}}}`,
		`{"name":"@s/a","versions":{"1":{"scripts":{"postinstall":"x"},"hasInstallScript":false},"2":{"gypfile":true},"3":{"scripts":{"preinstall":""}},"4":{"scripts":{"preinstall":7},"deprecated":true},"5":{"deprecated":""},"6":{"deprecated":null},"7":{"deprecated":{"a":1}},"8":{"deprecated":0}}}`,
		`{"name":"@s/a","versions":{"1":{"bin":[]},"2":{"bin":["./b/c.js"]},"3":{"bin":""},"4":{"bin":null},"5":{"bin":"../../x"},"6":{"bin":{}},"7":{"bin":{"../a":"../b"}}}}`,
		`{"name":"@s/a","versions":{"1":{"_npmUser":"bob","dist":{},"_hasShrinkwrap":true},"2":{"_npmUser":{},"dist":{"signatures":[{"keyid":"k"}],"fileCount":0,"shasum":7,"integrity":""}},"3":{"dist":{"signatures":"x","unpackedSize":-1,"fileCount":99999999999999999999,"attestations":null}}}}`,
		"{\"name\":\"@s/a\",\"versions\":{\"1\":{\"x\":\"\xff\xfe\",\"\xff\":1,\"dist\":{\"tarball\":\"\xff\"}}}}",
	}
}

func malformed() []string {
	return []string{
		``, ` `, `null`, `[]`, `"x"`, `7`, `{`, `{"name"`, `{"name":`, `{"name":"@s/a"`, `{"name":"@s/a",}`, `{"name":"@s/a"}}`, `{"name":"@s/a"} x`,
		`{"name" "@s/a"}`, `{name:"@s/a"}`, `{"name":'@s/a'}`, `{"name":"@s/a","x":01}`, `{"name":"@s/a","x":1.}`, `{"name":"@s/a","x":-}`, `{"name":"@s/a","x":1e}`, `{"name":"@s/a","x":+1}`,
		`{"name":"@s/a","x":tru}`, `{"name":"@s/a","x":nul}`, `{"name":"@s/a","x":falsy}`, `{"name":"@s/a","x":"\x"}`, `{"name":"@s/a","x":"\u12g4"}`, `{"name":"@s/a","x":"\u12`, "{\"name\":\"@s/a\",\"x\":\"a\nb\"}",
		"{\"name\":\"@s/a\",\"x\":\"12345678\x0112345678\"}", `{"name":"@s/a","x":"\`, `{"name":"@s/a","x":[1,]}`, `{"name":"@s/a","x":[1 2]}`, `{"name":"@s/a","x":[`, `{"name":"@s/a","versions":{"1":{"dist":{"tarball":"x}}}}`,
		`{"name":"@s/a","versions":{"1":{"dist":{"tarball":"x"`, "\ufeff" + `{"name":"@s/a"}`, "{\"name\":\"@s/a\",\"x\":\"\\u\x11\x12\x13\x14\"}",
		`{}`, `{"name":"b"}`, `{"name":null}`, `{"name":"@s/a","name":"b"}`, `{"error":"not found"}`, `{"Name":"@s/a"}`,
		`{"name":"@s/a","x":` + strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth) + `}`,
		`{"name":"@s/a","x":` + strings.Repeat(`{"":`, maxDepth) + "1" + strings.Repeat("}", maxDepth) + `}`,
		strings.Repeat("[", 1<<20), strings.Repeat(`{"a":`, 1<<18),
	}
}

func TestForeign(t *testing.T) {
	for _, doc := range documents() {
		if err := checkForeign(t, []byte(doc)); err != nil {
			t.Errorf("%s: %v", doc, err)
		}
	}
}

func TestForeignRefuses(t *testing.T) {
	for _, doc := range malformed() {
		for what, f := range functions() {
			if out, err := f([]byte(doc)); !errors.Is(err, fault.Upstream) {
				t.Errorf("%s(%.80q) = %.80q, %v, want fault.Upstream", what, doc, out, err)
			}
		}
		if _, err := Parse([]byte(doc), "@s/a"); !errors.Is(err, fault.Invalid) {
			t.Errorf("Parse(%.80q): %v, want fault.Invalid", doc, err)
		}
	}
}

// TestForeignCutAnywhere has a document that ends too early at each place.
func TestForeignCutAnywhere(t *testing.T) {
	doc := strings.TrimSpace(documents()[2])
	for n := range doc {
		for what, f := range functions() {
			if out, err := f([]byte(doc[:n])); !errors.Is(err, fault.Upstream) {
				t.Errorf("%s(%q) = %q, %v, want fault.Upstream", what, doc[:n], out, err)
			}
		}
	}
}

func functions() map[string]func([]byte) (any, error) {
	return map[string]func([]byte) (any, error){
		"Retarget":   func(b []byte) (any, error) { return Retarget(b, "@s/a", registry) },
		"Abbreviate": func(b []byte) (any, error) { return Abbreviate(b, "@s/a") },
		"Refs":       func(b []byte) (any, error) { return Refs(b, "@s/a") },
		"Pick":       func(b []byte) (any, error) { return Pick(b, "@s/a", "1.0.0") },
	}
}

func TestRetargetTouchesNothingElse(t *testing.T) {
	in := `{ "name":"@s/a", "x" : [1, 2.50, "<&>"],  "versions":{"1.0.0":{"dist":{"tarball": "https://other.example.org/a/-/a-1.0.0.tgz" ,"size":1}}}}`
	want := `{ "name":"@s/a", "x" : [1, 2.50, "<&>"],  "versions":{"1.0.0":{"dist":{"tarball": "` + registry + `/@s/a/-/a-1.0.0.tgz" ,"size":1}}}}`
	if got, err := Retarget([]byte(in), "@s/a", registry); err != nil || string(got) != want {
		t.Errorf("Retarget = %s, %v\nwant       %s", got, err, want)
	}
	if got, err := Retarget([]byte(want), "@s/a", registry); err != nil || string(got) != want {
		t.Errorf("again: %s, %v", got, err)
	}
}

func TestPick(t *testing.T) {
	doc := []byte(`{"versions":{"1.0.0":{"a":1},"1.1.0" : { "b" : 2 } ,"1.0.0":{"c":3},"2.0.0":7,"\u0033.0.0":{}},"name":"a","dist-tags":{"latest":"1.1.0","odd":"2.0.0","bad":5,"gone":"9.9.9","1.0.0":"1.1.0","":"1.0.0"}}`)
	for what, want := range map[string]string{
		"1.0.0": `{"c":3}`, "1.1.0": `{ "b" : 2 }`, "latest": `{ "b" : 2 }`, "3.0.0": `{}`,
		"2.0.0": "", "odd": "", "bad": "", "gone": "", "none": "", "versions": "",
	} {
		got, err := Pick(doc, "a", what)
		if string(got) != want || (want == "") != errors.Is(err, fault.NotFound) {
			t.Errorf("Pick(%q) = %s, %v, want %s", what, got, err, want)
		}
	}
}

func FuzzForeign(f *testing.F) {
	for _, doc := range slices.Concat(documents(), malformed()) {
		if len(doc) < 4096 {
			f.Add([]byte(doc))
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := checkForeign(t, text); err != nil {
			t.Error(err)
		}
	})
}
