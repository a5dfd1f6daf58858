package tarball

import (
	"bytes"
	"compress/flate"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/format/ustar"
)

const (
	commitA = "c0ffee0123456789abcdef0123456789abcdef01"
	commitB = "0d15ea5e9876543210fedcba9876543210fedcba"
	wideA   = commitA + "aaaaaaaaaaaaaaaaaaaaaaaa"
	wideB   = commitB + "0123456789abcdef01234567"
)

// mention writes a commit into a text: its SHA at each \x01, its preview
// version at each \x02.
func mention(text, commit string) string {
	return strings.NewReplacer("\x01", commit, "\x02", npm.PreviewVersion(commit)).Replace(text)
}

// writeHead returns what was written and what was said of it.
func writeHead(t testing.TB, p *Packer, manifest, commit string) ([]byte, Run) {
	t.Helper()
	var b bytes.Buffer
	run, err := p.WriteHead(&b, []byte(manifest), commit)
	if err != nil {
		t.Fatalf("WriteHead: %v", err)
	}
	sum := digest.NewHasher()
	sum.Write(b.Bytes())
	if run.Digest != sum.Sums().SHA256 || run.Size != int64(b.Len()) {
		t.Errorf("the run is %+v, what was written has %d bytes, %s", run.Part, b.Len(), sum.Sums().SHA256)
	}
	return b.Bytes(), run
}

// checkHead checks that a head is a run's, and the entry of a manifest, by Go's
// own decompressor and by ours.
func checkHead(t testing.TB, head []byte, run Run, manifest string) {
	t.Helper()
	want := entry('0', "package/package.json", manifest)
	got, err := io.ReadAll(flate.NewReader(io.MultiReader(bytes.NewReader(head), strings.NewReader("\x01\x00\x00\xff\xff"))))
	if err != nil || string(got) != want {
		t.Fatalf("Go reads %d bytes, %v; want %d (-want +got)\n%s", len(got), err, len(want), cmp.Diff(want, string(got)))
	}
	ours, err := readHead(bytes.NewReader(head), DefaultLimits())
	if err != nil || !bytes.Equal(ours, got) {
		t.Fatalf("we read %d bytes, %v; want %d", len(ours), err, len(want))
	}
	if crc := crc32.ChecksumIEEE(got); run.CRC32 != crc || run.RawSize != int64(len(got)) || run.Size != int64(len(head)) {
		t.Errorf("the run is %+v; the head has %d bytes of CRC %d, %d compressed", run, len(got), crc, len(head))
	}
}

// checkShared packs two commits' manifests of one text and checks that they
// share a template that makes the head of either; it reports whether there are holes.
func checkShared(t testing.TB, p *Packer, text, a, b string) bool {
	t.Helper()
	ma, mb := mention(text, a), mention(text, b)
	ta, ra := writeHead(t, p, ma, a)
	tb, rb := writeHead(t, p, mb, b)
	if ra.Holes != rb.Holes {
		t.Fatalf("one commit's head has holes, the other's has none: %+v, %+v", ra, rb)
	}
	if !ra.Holes {
		checkHead(t, ta, ra, ma)
		checkHead(t, tb, rb, mb)
		return false
	}
	if ra.Part != rb.Part || !bytes.Equal(ta, tb) {
		t.Fatalf("two commits have different templates: %+v, %+v", ra, rb)
	}
	checkHead(t, FillHead(ta, a), ra, ma)
	checkHead(t, FillHead(ta, b), rb, mb)
	return true
}

// noise is text in which a compressor finds nothing, no 0xFF and no mention of a commit.
func noise(n int) string {
	rnd := rand.New(rand.NewPCG(5, 6))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(3 + rnd.IntN(252))
	}
	return string(b)
}

func TestCommitsShareTemplates(t *testing.T) {
	var siblings strings.Builder
	for i := range 200 {
		fmt.Fprintf(&siblings, ",\n    \"@acme/package-%d\": %q", i, []string{"\x02", "https://r.example/commits/\x01/a/tarball"}[i%2])
	}
	var p Packer
	for name, text := range map[string]string{
		"version":                     `{"name":"@a/pkg","version":"` + "\x02" + `"}`,
		"many":                        "{\n  \"version\": \"\x02\"" + siblings.String() + "\n}\n",
		"at the start":                "\x01 is the commit",
		"at the end":                  "the commit is \x01",
		"at a block's end":            strings.Repeat("x", ustar.BlockSize-40) + "\x01",
		"nothing else":                "\x02",
		"adjacent":                    "\x01\x01\x02\x02\x01",
		"a SHA in a version":          "0.0.0-commit.g\x01",
		"far apart":                   "\x01" + strings.Repeat("some text ", 5_000) + "\x02" + noise(100_000) + "\x01" + noise(100_000),
		"same text around":            strings.Repeat("the same text again and again \x02 ", 30),
		"one byte between":            "\x01.\x01/\x01",
		"markers that get compressed": `{"<commit10>": "` + strings.Repeat("<commit>", 8) + `", "version": "` + "\x02" + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			if !checkShared(t, &p, text, commitA, commitB) {
				t.Error("no holes for a SHA-1")
			}
			if !checkShared(t, &p, text, wideA, wideB) {
				t.Error("no holes for a SHA-256")
			}
		})
	}
}

func TestHeadsWithoutHoles(t *testing.T) {
	var p Packer
	stored := noise(2000) // nothing else gets a marker past the compressor
	some, more := stored[:1000], stored[1000:]
	for name, tc := range map[string]struct{ text, a, b string }{
		"no mention":        {testManifest, commitA, commitB},
		"marker":            {"\x02" + some + "<commit10>" + more + "\x02", commitA, commitB},
		"long marker":       {"\x02" + some + strings.Repeat("<commit>", 5) + more + "\x02", commitA, commitB},
		"marker at a hole":  {"\x02" + some + "<commit10>\x02" + more, commitA, commitB},
		"mask":              {"\xff\x02", commitA, commitB},
		"too many":          {strings.Repeat("\x02,", maxHoles+1), commitA, commitB},
		"a short SHA":       {"\x01", commitA[:12], commitB[:12]},
		"a SHA in capitals": {"\x01", strings.ToUpper(commitA), strings.ToUpper(commitB)},
		"39 digits":         {"\x01", commitA[1:], commitB[1:]},
		"other digits":      {"\x01", "g" + commitA[1:], "x" + commitB[1:]},
	} {
		t.Run(name, func(t *testing.T) {
			if checkShared(t, &p, tc.text, tc.a, tc.b) {
				t.Error("the heads have holes")
			}
			manifest := mention(tc.text, tc.a)
			got, _ := writeHead(t, &p, manifest, tc.a)
			if want, _ := writeHead(t, &p, manifest, ""); !bytes.Equal(got, want) {
				t.Error("the head is not that of a package without a commit")
			}
		})
	}
}

func TestFindHoles(t *testing.T) {
	short := commitA[:10]
	for text, want := range map[string][]hole{
		"": nil, short: nil, commitA[:39]: nil, "commit.g" + short: nil, commitB: nil,
		commitA:                            {{0, 40}},
		commitA + commitA[:39]:             {{0, 40}},
		"0.0.0-commit.g" + commitA[:12]:    {{14, 10}},
		"c0ffee" + commitA:                 {{6, 40}},
		short + "0.0.0-commit.g" + commitA: {{24, 40}},
	} {
		if diff := cmp.Diff(want, findHoles([]byte(text), commitA), cmp.AllowUnexported(hole{})); diff != "" {
			t.Errorf("findHoles(%q) (-want +got):\n%s", text, diff)
		}
	}
	same := strings.Repeat("a", 40)
	if got := findHoles([]byte(same+same+same[:39]), same); !slices.Equal(got, []hole{{0, 40}, {40, 40}}) {
		t.Errorf("a SHA of one digit: %v", got)
	}
}

func TestFillHead(t *testing.T) {
	five, eight := strings.Repeat("<commit>", 5), strings.Repeat("<commit>", 8)
	for _, tc := range []struct{ head, commit, want string }{
		{"a <commit10> b <commit10>", commitA, "a c0ffee0123 b c0ffee0123"},
		{five + "<commit10>" + five, commitA, commitA + commitA[:10] + commitA},
		{eight, wideA, wideA},
		{five, wideA, five},
		{"<commit10>", "", "<commit10>"},
		{"<commit10>", commitA[:10], "<commit10>"},
		{"<commit10> <commit>", strings.ToUpper(commitA), "<commit10> <commit>"},
	} {
		head := []byte(tc.head)
		got := FillHead(head, tc.commit)
		if string(got) != tc.want {
			t.Errorf("FillHead(%q, %q) = %q, want %q", tc.head, tc.commit, got, tc.want)
		}
		if string(head) != tc.head {
			t.Errorf("FillHead(%q, %q) changed its argument", tc.head, tc.commit)
		}
		if same := &got[0] == &head[0]; same != (tc.want == tc.head) {
			t.Errorf("FillHead(%q, %q) gives the same slice: %v", tc.head, tc.commit, same)
		}
	}
}

// The digests are written down so that a compressor that makes other bytes is noticed.
func TestHeadsAreRepeatable(t *testing.T) {
	var list strings.Builder
	list.WriteString(`{"name":"@a/pkg","version":"1.2.3","dependencies":{`)
	for i := range 3000 {
		fmt.Fprintf(&list, "\"@acme/package-%d\": \"^%d.%d.0\",\n", i, i%7, i%13)
	}
	list.WriteString(`"x":"1.0.0"}}`)
	holes := mention("{\"version\":\"\x02\",\"dependencies\":{\"a\":\"https://r.example/\x01/a.tgz\",\"b\":\"\x02\"}}", commitA)
	var p Packer
	for range 2 {
		for _, tc := range []struct{ manifest, commit, want string }{
			{testManifest, "", "sha256:a1ece9a5d80d1a7e2e630ce25c173e0dc397e26fe7f4cb54fd377f9bbe4c717f"},
			{list.String(), "", "sha256:33ec363476baaa54cafc22f3bf6657cc75e191b9b38985abf4205378f5a55406"},
			{list.String(), commitA, "sha256:33ec363476baaa54cafc22f3bf6657cc75e191b9b38985abf4205378f5a55406"},
			{holes, commitA, "sha256:7f64cdd66c7849bdf228150b57d0824a1112c760ec37e09816246b40951bb710"},
		} {
			if _, run := writeHead(t, &p, tc.manifest, tc.commit); run.Digest.String() != tc.want {
				t.Errorf("the digest of %.60s… is %s, want %s", tc.manifest, run.Digest, tc.want)
			}
		}
	}
}

// A filled head and its body are a file that everybody reads.
func TestToolsReadFilledHeads(t *testing.T) {
	const text = "{\"name\":\"@a/pkg\",\"version\":\"\x02\",\"homepage\":\"https://r.example/\x01/\x01\",\n\"config\":{\"sha\":\"\x01\"}}"
	var p Packer
	template, first := writeHead(t, &p, mention(text, commitA), commitA)
	head := FillHead(template, commitA)
	rest := pack(t, &p, "", textFile("index.js", "module.exports = 42\n", 0o644))
	sum, recipe, err := CheckSplit(bytes.NewReader(head), bytes.NewReader(rest.body), Limits{})
	if err != nil || string(sum.Manifest) != mention(text, commitA) {
		t.Fatalf("CheckSplit = %s, %v", sum.Manifest, err)
	}
	joined := Join(first, Run{Part: rest.recipe.Body, CRC32: crc32.ChecksumIEEE(gunzip(t, rest.whole)[ustar.BlockSize:]), RawSize: rest.recipe.Raw - ustar.BlockSize})
	recipe.Head, recipe.Holes = first.Part, true
	if diff := cmp.Diff(joined, recipe); diff != "" {
		t.Errorf("the recipe of the template (-Join +CheckSplit):\n%s", diff)
	}
	whole, err := io.ReadAll(NewReader(joined, bytes.NewReader(head), bytes.NewReader(rest.body)))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	tgz := filepath.Join(dir, "a.tgz")
	if err := os.WriteFile(tgz, whole, 0o644); err != nil {
		t.Fatal(err)
	}
	run(t, dir, "gzip", "-t", tgz)
	run(t, dir, "tar", "-xzf", tgz)
	run(t, dir, "npm", "install", "--offline", "--ignore-scripts", "--no-audit", "--no-fund", "--silent",
		"--cache", t.TempDir(), "--prefix", dir, tgz)
	for _, root := range []string{"package", "node_modules/@a/pkg"} {
		got, err := os.ReadFile(filepath.Join(dir, root, "package.json"))
		if err != nil || string(got) != mention(text, commitA) {
			t.Errorf("%s/package.json: %s, %v", root, got, err)
		}
	}
}

// The longest head that we write is accepted, a longer one is not. An eighth of
// the holes has an eighth of the room.
func TestMaxHead(t *testing.T) {
	const holes = maxHoles / 8
	const each = defaultManifest/holes - 24
	var text strings.Builder
	for part := range slices.Chunk([]byte(noise(each*holes)), each) {
		text.Write(part)
		text.WriteString("\x02")
	}
	manifest := mention(text.String(), commitA)
	if len(manifest) != defaultManifest {
		t.Fatalf("the manifest has %d bytes", len(manifest))
	}
	template, run := writeHead(t, new(Packer), manifest, commitA)
	if !run.Holes || run.Size < defaultManifest || run.Size > defaultManifest+headSlack/8 {
		t.Errorf("the largest head: %+v", run)
	}
	checkHead(t, FillHead(template, commitA), run, manifest)

	small, _ := writeHead(t, new(Packer), testManifest, "")
	const emptyBlock = "\x00\x00\x00\xff\xff"
	for n, want := range map[int]bool{MaxHead - len(small): true, MaxHead: false, 2 * MaxHead: false} {
		long := append(bytes.Clone(small), strings.Repeat(emptyBlock, n/len(emptyBlock))...)
		_, err := readHead(bytes.NewReader(long), DefaultLimits())
		if want && err != nil {
			t.Errorf("a head of %d bytes: %v", len(long), err)
		} else if !want {
			wantRefusal(t, err, fault.TooLarge, "1114112 bytes")
		}
	}
}

// Whatever a manifest says, commits share what is stored, or each has its own right head.
func FuzzHoles(f *testing.F) {
	for _, text := range []string{
		"{\"version\":\"\x02\",\"dependencies\":{\"a\":\"https://r.example/\x01/a\",\"b\":\"\x02\"}}",
		"\x01\x01\x02", "<commit10>\x02<commit>", "\xff\x01", "0.0.0-commit.g\x01",
	} {
		f.Add(text, false)
		f.Add(text, true)
	}
	var p Packer
	f.Fuzz(func(t *testing.T, text string, wide bool) {
		a, b := commitA, commitB
		if wide {
			a, b = wideA, wideB
		}
		// A text that spells one of the commits itself has other holes for it.
		if !slices.Equal(findHoles([]byte(mention(text, a)), a), findHoles([]byte(mention(text, b)), b)) {
			return
		}
		checkShared(t, &p, text, a, b)
	})
}
