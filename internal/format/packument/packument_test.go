package packument

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "rewrite the expected documents in testdata/documents")

// TestDocuments compares both forms with the expected ones, byte for byte but
// for line breaks after commas.
func TestDocuments(t *testing.T) {
	files, err := filepath.Glob("testdata/documents/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			in := archive.Files[0].Data
			var named struct{ Name string }
			decode(t, in, &named)
			p := parsed(t, in, named.Name)
			got := []txtar.File{archive.Files[0], {Name: "full.json", Data: pretty(t, encoded(t, p, Full))}, {Name: "abbreviated.json", Data: pretty(t, encoded(t, p, Abbreviated))}}
			if *update {
				archive.Files = got
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if d := cmp.Diff(archive.Files, got); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

// pretty puts every member of the first three levels on a line of its own.
func pretty(t *testing.T, text []byte) []byte {
	t.Helper()
	if !json.Valid(text) {
		t.Fatalf("not JSON: %s", text)
	}
	var b bytes.Buffer
	depth, inString := 0, false
	for i, c := range text {
		if c == '"' && (i == 0 || text[i-1] != '\\') {
			inString = !inString
		}
		switch {
		case inString:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		}
		b.WriteByte(c)
		if !inString && depth <= 3 && (c == ',' || c == '{') {
			b.WriteString("\n" + strings.Repeat(" ", depth))
		}
	}
	b.WriteByte('\n')
	return b.Bytes()
}

func parsed(t testing.TB, text []byte, name string) *Packument {
	t.Helper()
	p, err := Parse(text, name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func encoded(t testing.TB, p *Packument, f Form) []byte {
	t.Helper()
	b, err := p.Encode(f)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func document(t *testing.T, file string) []byte {
	t.Helper()
	archive, err := txtar.ParseFile("testdata/documents/" + file)
	if err != nil {
		t.Fatal(err)
	}
	return archive.Files[0].Data
}

func TestNothingIsLost(t *testing.T) {
	in := document(t, "modern.txtar")
	p := parsed(t, in, "@acme/tool")
	want, _ := decodeAny(in)
	out := encoded(t, p, Full)
	got, err := decodeAny(out)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-given +encoded)\n%s", d)
	}
	if again := encoded(t, parsed(t, out, "@acme/tool"), Full); !bytes.Equal(again, out) {
		t.Errorf("a second round changes\n%s to\n%s", out, again)
	}
	for range 20 { // maps have no order
		if b := encoded(t, p, Full); !bytes.Equal(b, out) {
			t.Fatalf("encoded twice\n%s\n%s", out, b)
		}
	}
}

func TestParse(t *testing.T) {
	p := parsed(t, document(t, "modern.txtar"), "@acme/tool")
	if p.Name != "@acme/tool" || p.Rev != "12-0a1b" || p.DistTags["beta"] != "2.0.0-beta.1" || len(p.Versions) != 3 || p.Time["0.9.0"] == "" ||
		!maps.Equal(p.Users, map[string]bool{"zoe": true, "adam": true}) || !strings.HasPrefix(p.Readme, "# Tool\n") || p.Other.Text("license") != "MIT" {
		t.Errorf("packument %+v", p)
	}
	v, ok := p.Find("1.0.0")
	if !ok || v.Deprecated != "use 1.1.0" || v.Publisher == nil || v.Publisher.Email != "bob@example.org" || len(v.Publisher.Other) != 1 ||
		v.Dist.FileCount != 3 || v.Dist.UnpackedSize != 1234 || len(v.Dist.Signatures) != 1 || v.Dist.Signatures[0].Sig != "MEUC" ||
		v.Dist.Tarball != "https://npm.example.org/@acme/tool/-/tool-1.0.0.tgz" || v.InstallScript || v.Shrinkwrap {
		t.Errorf("1.0.0: %+v", v)
	}
	if v, ok = p.Find("latest"); !ok || v.Version != "1.1.0" || !v.InstallScript || !v.Shrinkwrap {
		t.Errorf("latest: %+v", v)
	}
	for _, absent := range []string{"", "9.9.9", "none"} {
		if v, ok := p.Find(absent); ok {
			t.Errorf("Find(%q) = %+v", absent, v)
		}
	}
}

func TestVersionJSON(t *testing.T) {
	p := parsed(t, document(t, "modern.txtar"), "@acme/tool")
	for _, v := range p.Versions {
		text := encodeJSON(t, v)
		if !bytes.Contains(encoded(t, p, Full), text) {
			t.Errorf("the manifest of %s is not that of the packument", v.Version)
		}
		var back struct{ V Version }
		wrapped, err := json.Marshal(struct{ V Version }{v})
		if err != nil {
			t.Fatal(err)
		}
		decode(t, wrapped, &back)
		want, _ := decodeAny(text)
		if got, _ := decodeAny(encodeJSON(t, back.V)); !cmp.Equal(want, got) {
			t.Errorf("stored and read (-before +after)\n%s", cmp.Diff(want, got))
		}
	}
	dist, want := parsed(t, document(t, "modern.txtar"), "@acme/tool").Versions[0].Dist, Dist{Tarball: "old"}
	decode(t, encodeJSON(t, dist), &want)
	if d := cmp.Diff(dist, want, cmp.Comparer(func(a, b json.RawMessage) bool { return bytes.Equal(a, b) })); d != "" {
		t.Errorf("dist (-before +after)\n%s", d)
	}
	if err := json.Unmarshal([]byte(`[]`), &dist); err == nil {
		t.Error("a list is a dist")
	}
	for _, bad := range []string{`null`, `[]`, `{}`, `{"name":"a"}`, `{"version":"1.0.0"}`, `{"name":1,"version":"1.0.0"}`} {
		var v Version
		if err := v.UnmarshalJSON([]byte(bad)); err == nil {
			t.Errorf("%s is a version: %+v", bad, v)
		}
	}
}

// TestFieldsWin has members in the manifest that fields stand for.
func TestFieldsWin(t *testing.T) {
	forged := func(keys ...string) (o Object) {
		for _, k := range keys {
			o = append(o, Member{k, []byte(`"forged"`)})
		}
		return o
	}
	v := Version{
		Name: "a", Version: "1.0.0", InstallScript: true, Shrinkwrap: true, Deprecated: "x", Publisher: &Person{Name: "bob", Email: "b", Other: forged("name", "email")}, Maintainers: []Person{{Name: "bob"}},
		Manifest: forged("name", "version", "_id", "dist", "deprecated", "hasInstallScript", "_hasShrinkwrap", "_npmUser", "maintainers"),
		Dist: Dist{Tarball: "t", Shasum: "s", Integrity: "i", FileCount: 1, UnpackedSize: 2, Attestations: []byte(`{}`),
			Other: forged("tarball", "shasum", "integrity", "fileCount", "unpackedSize", "attestations")},
	}
	p := &Packument{
		Name: "a", Rev: "1", DistTags: map[string]string{"latest": "1.0.0"}, Versions: []Version{v}, Time: map[string]string{"1.0.0": "t", "modified": "m"}, Readme: "r", Users: map[string]bool{"bob": true},
		Other: forged("_id", "_rev", "name", "dist-tags", "versions", "time", "maintainers", "readme", "users"),
	}
	for _, f := range []Form{Full, Abbreviated} {
		if b := encoded(t, p, f); bytes.Contains(b, []byte("forged")) {
			t.Errorf("form %d: %s", f, b)
		}
	}
	v = Version{Name: "a", Version: "1.0.0", Manifest: forged("deprecated")}
	if b := encodeJSON(t, v); bytes.Contains(b, []byte("forged")) {
		t.Errorf("a deprecation from the manifest: %s", b)
	}
}

// TestEncodeRefuses has what would make one version break a whole packument.
func TestEncodeRefuses(t *testing.T) {
	for _, value := range []string{``, `{`, `"a`, `1,"x":2`, `1}`, `undefined`} {
		v := Version{Name: "a", Version: "1.0.0", Manifest: Object{{"bin", []byte(value)}, {"x", []byte(value)}}}
		p := &Packument{Name: "a", Versions: []Version{v}}
		if b, err := p.Encode(Full); err == nil {
			t.Errorf("%q became %s", value, b)
		}
		if b, err := v.MarshalJSON(); err == nil {
			t.Errorf("%q became %s", value, b)
		}
	}
}

func TestEncodeEmpty(t *testing.T) {
	p := &Packument{Name: "a"}
	if b := encoded(t, p, Full); string(b) != `{"_id":"a","name":"a","dist-tags":{},"versions":{}}` {
		t.Errorf("full: %s", b)
	}
	if b := encoded(t, p, Abbreviated); string(b) != `{"name":"a","dist-tags":{},"versions":{}}` {
		t.Errorf("abbreviated: %s", b)
	}
}

func TestTexts(t *testing.T) {
	for _, s := range []string{"", "plain", "<script>&amp;</script>", "\"\\/\b\f\n\r\t\x00\x1f\x7f", "é\u2028\u2029😀", "\xff", "a\xc3", "\xed\xa0\x80", "\xf0\x9f\x98", "ends with \\"} {
		text := appendText(nil, s)
		var back string
		decode(t, text, &back)
		if want := strings.ToValidUTF8(s, "\ufffd"); strings.Count(back, "\ufffd") == 0 && back != want {
			t.Errorf("%q is written %s, which is %q", s, text, back)
		}
		if strings.ContainsAny(s, "<>&") && !strings.Contains(string(text), s) {
			t.Errorf("%q is escaped: %s", s, text)
		}
		var standard string
		b, _ := json.Marshal(s)
		decode(t, b, &standard)
		if back != standard {
			t.Errorf("%q is written %s; encoding/json writes %s", s, text, b)
		}
	}
}

// TestStrings reads every byte at every place of a word as encoding/json does.
func TestStrings(t *testing.T) {
	for _, size := range []int{1, 7, 8, 9, 17} {
		for at := range size {
			for c := range 256 {
				text := bytes.Repeat([]byte{'x'}, size)
				text[at] = byte(c)
				text = slices.Concat([]byte{'"'}, text, []byte{'"'})
				s := &scanner{src: text}
				got := string(s.text())
				var want string
				if err := json.Unmarshal(text, &want); (err == nil) != (s.end() == nil) || err == nil && got != want {
					t.Fatalf("%q is read as %q, %v, want %q, %v", text, got, s.err, want, err)
				}
			}
		}
	}
}

func TestTarballURL(t *testing.T) {
	for _, tc := range []struct{ name, version, file, url string }{
		{"a", "1.0.0", "a-1.0.0.tgz", "/a/-/a-1.0.0.tgz"},
		{"@acme/a", "1.0.0-rc.1", "a-1.0.0-rc.1.tgz", "/@acme/a/-/a-1.0.0-rc.1.tgz"},
		{"@acme/a.b_c", "1.0.0+build.5", "a.b_c-1.0.0+build.5.tgz", "/@acme/a.b_c/-/a.b_c-1.0.0+build.5.tgz"},
		{"a", "1/../../b", "a-1/../../b.tgz", "/a/-/a-1%2F..%2F..%2Fb.tgz"},
		{"a", "1?x#y\"%\\ \x00é", "a-1?x#y\"%\\ \x00é.tgz", "/a/-/a-1%3Fx%23y%22%25%5C%20%00%C3%A9.tgz"},
	} {
		if got := TarballFile(tc.name, tc.version); got != tc.file {
			t.Errorf("TarballFile(%q, %q) = %q, want %q", tc.name, tc.version, got, tc.file)
		}
		if got := TarballURL(registry, tc.name, tc.version); got != registry+tc.url {
			t.Errorf("TarballURL(%q, %q) = %q, want %q", tc.name, tc.version, got, registry+tc.url)
		}
	}
}
