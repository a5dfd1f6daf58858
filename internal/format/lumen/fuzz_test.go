package lumen

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/ustar"
)

// mustBePublic: bytes in memory can be read, so all errors are the sender's.
func mustBePublic(t *testing.T, err error) {
	t.Helper()
	if _, ok := fault.Public(err); !ok {
		t.Fatalf("error = %v, want a fault that tells the sender", err)
	}
}

// FuzzConstraint: what is read is read alike with other spaces, and never matches what is no version.
func FuzzConstraint(f *testing.F) {
	for _, s := range []string{"^1.2.3", "~0.2.0 || 1.x", ">=1.0.0-a <2.0.0 !=1.5.0", "*", "1.2.*", "= 1.0.0+b", "^1.0", ">=1.0.0, <2.0.0"} {
		f.Add(s, "1.2.3-a+b")
	}
	f.Fuzz(func(t *testing.T, text, version string) {
		c, err := ParseConstraint(text)
		if err != nil {
			mustBePublic(t, err)
			return
		}
		match := c.Match(version)
		if match && len(version) <= maxVersion && ValidVersion(version) != nil {
			t.Fatalf("%q matches %q, which is no version", text, version)
		}
		spaced, err := ParseConstraint(strings.ReplaceAll(text, "||", " || "))
		if err != nil && len(text) < 100 || err == nil && spaced.Match(version) != match {
			t.Fatalf("%q is read otherwise with more spaces: %v", text, err)
		}
	})
}

// FuzzManifest: what is read is within the rules of names, versions and constraints.
func FuzzManifest(f *testing.F) {
	f.Add([]byte(demoTOML + "keywords = [\"a\"]\n[dependencies]\n\"@a/b\" = \"^1.0.0\"\nc = { version = \"*\", optional = true }\n[features]\nx = [\"c\"]\n"))
	f.Add([]byte("[package]\nname = 'a'\nversion = '''1.0.0'''\npublish = []\n"))
	f.Add([]byte("[dependencies]\n@a/b = \"1\"\n"))
	f.Add([]byte("x = [[[[{a={}}]]]]\ny = 1979-05-27T07:32:00Z\n[[z]]\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := ParseManifest(text)
		if err != nil {
			mustBePublic(t, err)
			return
		}
		if ValidName(m.Name, true) != nil || ValidVersion(m.Version) != nil {
			t.Fatalf("manifest = %+v", m)
		}
		for name, constraint := range m.Deps {
			if _, err := ParseConstraint(constraint); err != nil || ValidName(name, true) != nil {
				t.Fatalf("dependency %q %q", name, constraint)
			}
		}
		again, err := ParseManifest(text)
		if err != nil || !cmp.Equal(m, again) {
			t.Fatalf("read twice it differs: %s", cmp.Diff(m, again))
		}
	})
}

// FuzzCheck: whatever comes, it is refused, or the plain tar that came out is accepted too and says the same of itself.
func FuzzCheck(f *testing.F) {
	f.Add(tarOf(f, demo(item{name: "docs/", kind: '5'}, item{name: "README.md", body: "x"})...))
	f.Add(gzipped(f, tarOf(f, demo()...)))
	f.Add(join(rawManifest(), raw('L', "", "long\x00", nil), raw('0', "a", "", nil), tail))
	f.Add(join(raw('g', "", "13 comment=x\n", nil), rawManifest(), raw('x', "", "10 path=c\n", nil), raw(0, "a", "x", nil), tail))
	f.Add(join(rawManifest(), raw('0', "a", "", func(b *ustar.Block) { b[ustar.OffUID] = 'x' }), tail))
	lim := Limits{Entries: 50, Unpacked: 1 << 20}
	f.Fuzz(func(t *testing.T, b []byte) {
		b = sealed(b)
		var plain bytes.Buffer
		a, err := Check(bytes.NewReader(b), &plain, lim)
		if int64(plain.Len()) > lim.tarBytes() {
			t.Fatalf("%d bytes came out, want at most %d", plain.Len(), lim.tarBytes())
		}
		if err != nil {
			mustBePublic(t, err)
			return
		}
		if a.Files > lim.Entries || a.Unpacked > lim.Unpacked || int64(plain.Len()) != a.Size {
			t.Fatalf("archive = %+v, beyond the limits", a)
		}
		again, err := Check(bytes.NewReader(plain.Bytes()), &bytes.Buffer{}, lim)
		if err != nil || again.Tar != a.Tar || again.Integrity != a.Integrity {
			t.Fatalf("the plain tar = %+v, %v, want %+v", again, err, a)
		}
		compareWithGo(t, plain.Bytes(), a)
	})
}

// sealed repairs the checksums of a tar's headers, without which the fuzzer would hardly get past one.
func sealed(b []byte) []byte {
	b = bytes.Clone(b)
	for at := 0; at+ustar.BlockSize <= len(b); at += ustar.BlockSize {
		if h := (*ustar.Block)(b[at:]); string(h[ustar.OffMagic:ustar.OffMagic+5]) == "ustar" {
			seal(h)
		}
	}
	return b
}

// FuzzDecode: what is read is read alike once it was written.
func FuzzDecode(f *testing.F) {
	for _, name := range []string{"index.json", "minimal.json", "package.json", "metadata.json"} {
		b, err := os.ReadFile("testdata/guide/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"name":null,"yanked":{"1.0.0":""},"deps":null,"packages":[null],"other":[{"a":[1]}],"Versions":[]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		checkRoundTrip(t, text, DecodeIndex)
		checkRoundTrip(t, text, DecodePackageIndex)
		checkRoundTrip(t, text, DecodeMetadata)
		checkRoundTrip(t, text, DecodeKeys)
	})
}

func checkRoundTrip[T any](t *testing.T, text []byte, decode func([]byte) (T, error)) {
	t.Helper()
	x, err := decode(text)
	if err != nil {
		mustBePublic(t, err)
		return
	}
	first := Encode(x)
	y, err := decode(first)
	if err != nil || !bytes.Equal(first, Encode(y)) {
		t.Fatalf("%s is read as %+v, %v", first, y, err)
	}
}

// FuzzEnvelope: nothing but what was sealed can be opened.
func FuzzEnvelope(f *testing.F) {
	keys := Keys{Keys: []Key{public("a", nil)}}
	genuine := Seal(keyOf("a"), StatementType, []byte(`{"name":"@a/b"}`), day1)
	f.Add(Encode(genuine))
	f.Add([]byte(`{"payloadType":"` + StatementType + `","payload":"e30=","signatures":[{"algorithm":"ed25519","key_id":"` + keys.Keys[0].KeyID + `"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		e, err := DecodeEnvelope(text)
		if err != nil {
			mustBePublic(t, err)
			return
		}
		payload, by, err := e.Open(StatementType, keys)
		if err != nil {
			mustBePublic(t, err)
			return
		}
		if string(payload) != `{"name":"@a/b"}` || by != keys.Keys[0] {
			t.Fatalf("opened %q by %+v", payload, by)
		}
	})
}
