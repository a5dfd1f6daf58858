package lumen

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/ustar"
)

func check(t testing.TB, archive []byte) (Archive, []byte, error) {
	t.Helper()
	var out bytes.Buffer
	a, err := Check(bytes.NewReader(archive), &out, Limits{})
	return a, out.Bytes(), err
}

func TestCheck(t *testing.T) {
	plain := tarOf(t, demo(item{name: "README.txt", body: "text"}, item{name: "README.md", body: "# Utils"}, item{name: "README", body: "none"},
		item{name: "docs/", kind: '5'}, item{name: "docs/a.md", body: "a"})...)
	for name, sent := range map[string][]byte{"plain": plain, "gzip": gzipped(t, plain), "gzip in two members": join(gzipped(t, plain[:700]), gzipped(t, plain[700:]))} {
		a, out, err := check(t, sent)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !bytes.Equal(out, plain) || a.Tar.SHA256 != digest.Of(plain) || a.Size != int64(len(plain)) {
			t.Errorf("%s: the plain tar is another, or is described as another: %+v", name, a)
		}
		if a.Sent != digest.Of(sent) || a.SentSize != int64(len(sent)) || a.Gzipped != (name != "plain") {
			t.Errorf("%s: what was sent is described wrong: %+v", name, a)
		}
		if a.Manifest.Name != "@acme/utils" || a.Manifest.Version != "1.0.0" || a.Readme != "# Utils" || a.Files != 6 {
			t.Errorf("%s: archive = %+v", name, a)
		}
		if a.Integrity.ManifestHash != digest.Of([]byte(demoTOML)).String() {
			t.Errorf("%s: manifest hash = %s", name, a.Integrity.ManifestHash)
		}
	}
}

// TestContentHash: the hash is of what is documented, and depends neither on the order nor on how names are written.
func TestContentHash(t *testing.T) {
	a, _, err := check(t, tarOf(t, demo(item{name: "a", body: "x"})...))
	if err != nil {
		t.Fatal(err)
	}
	var lines strings.Builder
	for _, f := range []struct{ name, body string }{{"a", "x"}, {"lumen.toml", demoTOML}, {"src/main.lm", "cell main() end\n"}} {
		lines.WriteString(f.name + "\x00" + digest.Of([]byte(f.body)).Hex() + "\n")
	}
	if want := digest.Of([]byte(lines.String())).String(); a.Integrity.ContentHash != want {
		t.Errorf("content hash = %s, want %s", a.Integrity.ContentHash, want)
	}
	b, _, err := check(t, tarOf(t, item{name: "./", kind: '5'}, item{name: "./src/", kind: '5'}, item{name: "./src/main.lm", body: "cell main() end\n"},
		item{name: "./a", body: "x"}, item{name: "./lumen.toml", body: demoTOML}))
	if err != nil {
		t.Fatal(err)
	}
	if a.Integrity != b.Integrity {
		t.Errorf("the same files have the hashes %+v and %+v", a.Integrity, b.Integrity)
	}
}

func TestCheckLongNames(t *testing.T) {
	long := strings.Repeat("folder/", 40) + "datei-ü.lm"
	gnu := join(rawManifest(), raw('L', "././@LongLink", long+"\x00", nil), raw('0', long[:99], "x", nil), tail)
	pax := tarOf(t, demo(item{name: long, body: "x", pax: map[string]string{"LIBARCHIVE.xattr.a": "b\nc"}})...)
	git := tarOf(t, append([]item{{name: "pax_global_header", kind: 'g', pax: map[string]string{"comment": strings.Repeat("a", 40)}}}, demo()...)...)
	for name, b := range map[string][]byte{"gnu": gnu, "pax": pax, "git": git, "padded": join(tarOf(t, demo()...), make([]byte, 9000))} {
		if _, _, err := check(t, b); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCheckReadme(t *testing.T) {
	a, _, err := check(t, tarOf(t, demo(item{name: "readme.md", body: strings.Repeat("x", maxReadme-1) + "é\xff" + "rest"})...))
	if err != nil || len(a.Readme) != maxReadme-1 {
		t.Errorf("a long README has %d bytes, %v; want %d", len(a.Readme), err, maxReadme-1)
	}
}

func TestCheckNoPackage(t *testing.T) {
	for name, test := range map[string]struct {
		archive []byte
		code    string
		hint    string
	}{
		"empty":             {nil, "bad_archive", "empty"},
		"short":             {[]byte("x"), "bad_archive", "no tar"},
		"not a tar":         {bytes.Repeat([]byte("text "), 500), "bad_archive", "no tar"},
		"zip":               {append([]byte("PK\x03\x04"), make([]byte, 600)...), "bad_archive", "no tar"},
		"gzip of no tar":    {gzipped(t, []byte("hello")), "bad_archive", "no tar"},
		"gzip twice":        {gzipped(t, gzipped(t, tarOf(t, demo()...))), "bad_archive", "no tar"},
		"only zeros":        {make([]byte, 10240), "bad_archive", "no lumen.toml"},
		"no manifest":       {tarOf(t, item{name: "src/main.lm"}), "bad_archive", "no lumen.toml"},
		"wrapped":           {tarOf(t, item{name: "utils-1.0.0/lumen.toml", body: demoTOML}), "bad_archive", "-C utils-1.0.0/ ."},
		"manifest folder":   {tarOf(t, item{name: "lumen.toml/", kind: '5'}), "bad_archive", "exactly this name"},
		"other case":        {tarOf(t, demo(item{name: "Lumen.TOML", body: demoTOML})...), "bad_archive", "exactly this name"},
		"empty manifest":    {tarOf(t, item{name: "lumen.toml"}), "bad_manifest", "[package]"},
		"bad constraint":    {tarOf(t, item{name: "lumen.toml", body: demoTOML + "[dependencies]\na = \"^1,\"\n"}), "bad_constraint", "not a comma"},
		"gzip cut off":      {gzipped(t, tarOf(t, demo()...))[:100], "bad_archive", "cut off"},
		"gzip and more":     {append(gzipped(t, tarOf(t, demo()...)), "more than this"...), "bad_archive", "follows"},
		"tar cut off":       {tarOf(t, demo()...)[:1024+100], "bad_archive", "cut off"},
		"tar without end":   {rawManifest(), "bad_archive", "cut off"},
		"one zero block":    {join(rawManifest(), tail[:512]), "bad_archive", "cut off"},
		"a tar after a tar": {join(tarOf(t, demo()...), tarOf(t, demo()...)), "bad_archive", "after the zero block"},
	} {
		_, _, err := check(t, test.archive)
		wantFault(t, err, fault.Invalid, test.code)
		if err != nil && !strings.Contains(err.Error(), test.hint) {
			t.Errorf("%s: error = %v, want a hint with %s", name, err, test.hint)
		}
	}
}

func TestCheckGzipChecksum(t *testing.T) {
	b := gzipped(t, tarOf(t, demo()...))
	b[len(b)-6] ^= 1
	_, _, err := check(t, b)
	wantFault(t, err, fault.Invalid, "bad_archive")
}

// TestCheckHostile: nothing that would leave the folder, or that tar readers see differently, gets through.
func TestCheckHostile(t *testing.T) {
	with := func(items ...item) []byte { return tarOf(t, demo(items...)...) }
	rawly := func(parts ...[]byte) []byte { return join(rawManifest(), join(parts...), tail) }
	for _, test := range []struct {
		name, hint string
		archive    []byte
	}{
		{"absolute", "is absolute", with(item{name: "/etc/passwd"})},
		{"above", "a part \"..\"", with(item{name: "../x"})},
		{"above, inside", "a part \"..\"", with(item{name: "src/../../x"})},
		{"dot", "a part \".\"", with(item{name: "src/./x"})},
		{"two slashes", "an empty part", with(item{name: "src//x"})},
		{"backslash", "a backslash", with(item{name: `..\x`})},
		{"drive", "a drive letter", with(item{name: "C:/x"})},
		{"drive, relative", "a drive letter", with(item{name: "src/c:x"})},
		{"control", "control character", with(item{name: "a\nb"})},
		{"not UTF-8", "not UTF-8", rawly(raw('0', "a\xff", "", nil))},
		{"no name", "is empty", rawly(raw('0', "", "", nil))},
		{"file with slash", "an empty part", rawly(raw('0', "a/", "", nil))},
		{"V7 folder", "an empty part", rawly(raw(0, "a/", "", nil))},
		{"long name", "longer than 1024", with(item{name: strings.Repeat("a", 1025)})},
		{"deep", "128 folders", with(item{name: strings.Repeat("a/", 129) + "b"})},
		{"symlink", "is a link", with(item{name: "a", kind: '2', link: "/etc/passwd"})},
		{"symlink inside", "is a link", with(item{name: "a", kind: '2', link: "lumen.toml"})},
		{"hard link", "is a link", with(item{name: "a", kind: '1', link: "lumen.toml"})},
		{"device", "neither a file nor a folder", with(item{name: "a", kind: '3'})},
		{"fifo", "neither a file nor a folder", with(item{name: "a", kind: '6'})},
		{"sparse", "neither a file nor a folder", rawly(raw('S', "a", "", nil))},
		{"contiguous", "neither a file nor a folder", rawly(raw('7', "a", "", nil))},
		{"twice", "in the archive twice", with(item{name: "src/main.lm", body: "other"})},
		{"twice, by ./", "in the archive twice", with(item{name: "./lumen.toml", body: strings.Replace(demoTOML, "utils", "other", 1)})},
		{"below a file", "below a file", with(item{name: "lumen.toml/x"})},
		{"file over folder", "in the archive twice", with(item{name: "src"})},
		{"folder over file", "in the archive twice", with(item{name: "src/main.lm/", kind: '5'})},
		{"folder with content", "with content", rawly(raw('5', "a/", "content", nil))},
		{"checksum", "its checksum", rawly(func() []byte { b := raw('0', "a", "", nil); b[0] = 'b'; return b }())},
		{"size in base 256", "not an octal number", rawly(raw('0', "a", "", func(b *ustar.Block) { b[ustar.OffSize] = 0x80 }))},
		{"size negative", "not an octal number", rawly(raw('0', "a", "", func(b *ustar.Block) { copy(b[ustar.OffSize:], "-0000000001\x00") }))},
		{"text behind the name", "not ustar", rawly(raw('0', "a\x00../b", "", nil))},
		{"a link's target", "not ustar", rawly(raw('0', "a", "", func(b *ustar.Block) { b[ustar.OffLink] = 'x' }))},
		{"owner no number", "not ustar", rawly(raw('0', "a", "", func(b *ustar.Block) { b[ustar.OffUID] = 'x' }))},
		{"star's prefix", "not ustar", rawly(raw('0', "a", "", func(b *ustar.Block) { copy(b[ustar.OffTrailer:], ustar.TrailStar) }))},
		{"GNU with a prefix", "not ustar", rawly(raw('0', "a", "", func(b *ustar.Block) { copy(b[ustar.OffMagic:], ustar.MagicGNU); b[ustar.OffPrefix] = 'x' }))},
		{"prefix leaves", "a part \"..\"", rawly(raw('0', "x", "", func(b *ustar.Block) { copy(b[ustar.OffPrefix:], "..") }))},
		{"GNU long name leaves", "a part \"..\"", rawly(raw('L', "", "../x\x00", nil), raw('0', "a", "", nil))},
		{"GNU long name, NUL", "a NUL inside", rawly(raw('L', "", "a\x00../x", nil), raw('0', "a", "", nil))},
		{"GNU long link", "is a link", rawly(raw('K', "", "x\x00", nil), raw('0', "a", "", nil))},
		{"two long names", "more than one extension", rawly(raw('L', "", "b\x00", nil), raw('L', "", "c\x00", nil), raw('0', "a", "", nil))},
		{"long name and pax", "more than one extension", rawly(raw('L', "", "b\x00", nil), raw('x', "", "10 path=c\n", nil), raw('0', "a", "", nil))},
		{"long name of nothing", "belongs to no entry", rawly(raw('L', "", "b\x00", nil))},
		{"pax leaves", "a part \"..\"", rawly(raw('x', "", "13 path=../c\n", nil), raw('0', "a", "", nil))},
		{"pax path twice", "a pax record", rawly(raw('x', "", "10 path=c\n10 path=d\n", nil), raw('0', "a", "", nil))},
		{"pax size", "different sizes", rawly(raw('x', "", "12 size=512\n", nil), raw('0', "a", "x", nil))},
		{"pax size for more", "different sizes", rawly(raw('x', "", "10 size=0\n", nil), raw('0', "a", strings.Repeat("x", 1024), nil))},
		{"pax hides a record", "divide differently", rawly(raw('x', "", "29 comment=x\n16 path=../evil\n", nil), raw('0', "a", "", nil))},
		{"pax hides in xattr", "divide differently", rawly(raw('x', "", "29 A.b=x\n 18 path=../evil\nxx\n", nil), raw('0', "a", "", nil))},
		{"pax linkpath", "a pax record", rawly(raw('x', "", "14 linkpath=c\n", nil), raw('0', "a", "", nil))},
		{"pax sparse", "a pax record", rawly(raw('x', "", "22 GNU.sparse.major=1\n", nil), raw('0', "a", "", nil))},
		{"pax broken", "not made of", rawly(raw('x', "", "99 path=c\n", nil), raw('0', "a", "", nil))},
		{"pax empty", "an extension header", rawly(raw('x', "", "", nil), raw('0', "a", "", nil))},
		{"pax unknown", "a pax record", rawly(raw('x', "", "9 type=5\n", nil), raw('0', "a", "", nil))},
		{"global late", "not at its start", rawly(raw('g', "", "13 comment=x\n", nil), raw('0', "a", "", nil))},
		{"global path", "for all entries", join(raw('g', "", "10 path=c\n", nil), rawManifest(), tail)},
	} {
		_, _, err := check(t, test.archive)
		wantFault(t, err, fault.Invalid, "bad_archive")
		if err == nil || !strings.Contains(err.Error(), test.hint) {
			t.Errorf("%s: error = %v, want one with %s", test.name, err, test.hint)
		}
	}
}

func TestCheckLimits(t *testing.T) {
	for name, test := range map[string]struct {
		archive []byte
		lim     Limits
	}{
		"entries":          {tarOf(t, demo(item{name: "a"}, item{name: "b"})...), Limits{Entries: 4}},
		"implied folders":  {tarOf(t, demo(item{name: "a/b/c/d/e/f"})...), Limits{Entries: 6}},
		"unpacked":         {tarOf(t, demo(item{name: "a", body: strings.Repeat("x", 5000)})...), Limits{Unpacked: 5000}},
		"announced":        {join(rawManifest(), raw('0', "a", "", func(b *ustar.Block) { copy(b[ustar.OffSize:], "77777777777\x00") })), Limits{}},
		"zeros at the end": {gzipped(t, join(tarOf(t, demo()...), make([]byte, 4<<20))), Limits{Entries: 10, Unpacked: 1 << 10}},
		"ratio":            {gzipped(t, tarOf(t, demo(item{name: "a", body: strings.Repeat("x", 1<<20)})...)), Limits{Ratio: 10, ratioFrom: 1 << 16}},
		"manifest":         {tarOf(t, item{name: "lumen.toml", body: demoTOML + strings.Repeat("#", maxManifest)}), Limits{}},
	} {
		if _, err := Check(bytes.NewReader(test.archive), io.Discard, test.lim); !errors.Is(err, fault.TooLarge) {
			t.Errorf("%s: error = %v, want too large", name, err)
		}
	}
}

// TestCheckFaults: what fails on this side is not blamed on the archive.
func TestCheckFaults(t *testing.T) {
	archive := tarOf(t, demo()...)
	broken := errors.New("broken")
	for name, b := range map[string][]byte{"plain": archive, "gzip": gzipped(t, archive)} {
		for _, cause := range []error{broken, io.ErrUnexpectedEOF} {
			for _, at := range []int{0, 1, 100, len(b)} {
				_, err := Check(io.MultiReader(bytes.NewReader(b[:at]), iotest.ErrReader(cause)), io.Discard, Limits{})
				if _, public := fault.Public(err); public || !errors.Is(err, cause) {
					t.Errorf("%s, reading fails at %d: error = %v", name, at, err)
				}
			}
		}
		_, err := Check(bytes.NewReader(b), failingWriter{broken}, Limits{})
		if _, public := fault.Public(err); public || !errors.Is(err, broken) {
			t.Errorf("%s, writing fails: error = %v", name, err)
		}
		if _, err := Check(iotest.OneByteReader(bytes.NewReader(b)), io.Discard, Limits{}); err != nil {
			t.Errorf("%s, byte by byte: %v", name, err)
		}
	}
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }
