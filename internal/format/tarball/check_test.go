package tarball

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/flate"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/ustar"
)

func TestCheckAccepts(t *testing.T) {
	reg := func(name string) *tar.Header {
		return &tar.Header{Name: name, Typeflag: tar.TypeReg, Size: 3, Mode: 0o644}
	}
	manifest := reg("package/package.json")
	pax := reg("package/" + strings.Repeat("ü", 200))
	pax.PAXRecords = map[string]string{"LIBARCHIVE.xattr.a": "eA==", "SCHILY.xattr.b": "a\nb\x00c", "comment": "x"}
	gnu := reg("package/" + strings.Repeat("g", 200))
	gnu.Format = tar.FormatGNU
	gnuLink := &tar.Header{Name: "package/" + strings.Repeat("l", 200), Typeflag: tar.TypeSymlink, Linkname: strings.Repeat("t", 200), Format: tar.FormatGNU}
	global := &tar.Header{Typeflag: tar.TypeXGlobalHeader, PAXRecords: map[string]string{"comment": strings.Repeat("a", 40)}}
	for name, raw := range map[string][]byte{
		"npm's form":          rawTar(manifestEntry(), entry('0', "package/index.js", "x")),
		"large owner":         rawTar(entry('0', "package/package.json", testManifest, set(ustar.OffUID, "\x80\x00\x00\x00\x00\x30\x00\x00"))),
		"V7 typeflag":         rawTar(manifestEntry(), entry(0, "package/index.js", "x")),
		"manifest last":       goTar(t, reg("package/a"), reg("package/b/c"), manifest),
		"another top folder":  goTar(t, reg("left-pad-1.0/package.json"), reg("left-pad-1.0/x")),
		"folders, also twice": goTar(t, &tar.Header{Name: "package/", Typeflag: tar.TypeDir}, manifest, &tar.Header{Name: "package/lib/", Typeflag: tar.TypeDir}, &tar.Header{Name: "package/lib/", Typeflag: tar.TypeDir}, reg("package/lib/a")),
		"git's global header": goTar(t, global, manifest),
		"pax names":           goTar(t, manifest, pax),
		"GNU names":           goTar(t, manifest, gnu, gnuLink),
		"padded to 10 KiB":    append(goTar(t, manifest), make([]byte, 8<<10)...),
		"padded unevenly":     append(goTar(t, manifest), make([]byte, 700)...),
		"links inside": rawTar(manifestEntry(), symlink("package/a", "b/c"), symlink("package/d/e", "../f"), symlink("package/g/h/i", "../.."),
			symlink("package/j", "./k/"), symlink("package/self", "."), linkEntry('1', "package/hard", "package/package.json")),
	} {
		t.Run(name, func(t *testing.T) {
			sum, err := Check(bytes.NewReader(gzipped(t, raw)), Limits{})
			if err != nil || sum.Name != "@a/pkg" || string(sum.Manifest) != testManifest {
				t.Errorf("Check = %+v, %v", sum, err)
			}
		})
	}
}

func wantRefusal(t *testing.T, err error, kind fault.Kind, want string) {
	t.Helper()
	e, ok := fault.Public(err)
	switch {
	case !ok || e.Kind != kind || !strings.Contains(e.Message, want):
		t.Errorf("error %v, want %s with %q", err, kind, want)
	case kind == fault.Invalid && e.Code != "bad_archive":
		t.Errorf("code %q, want bad_archive", e.Code)
	}
}

func TestCheckRefusesFiles(t *testing.T) {
	good := gzipped(t, rawTar(manifestEntry()))
	edit := func(i int, b byte) []byte {
		c := bytes.Clone(good)
		c[(i+len(c))%len(c)] ^= b
		return c
	}
	for name, tc := range map[string]struct {
		file []byte
		want string
	}{
		"empty":           {nil, "is empty"},
		"zip":             {[]byte("PK\x03\x04rest of the zip"), "this is a zip archive"},
		"plain tar":       {rawTar(manifestEntry()), "this is an uncompressed tar archive"},
		"bzip2":           {[]byte("BZh91AY&SY"), "this is a bzip2 file"},
		"xz":              {[]byte("\xfd7zXZ\x00\x00"), "this is an xz file"},
		"zstandard":       {[]byte("\x28\xb5\x2f\xfd\x00"), "this is a zstandard file"},
		"7-Zip":           {[]byte("7z\xbc\xaf\x27\x1c\x00"), "this is a 7-Zip archive"},
		"JSON":            {[]byte(`{"name":"a"}`), "this is not a gzip file"},
		"one byte":        {good[:1], "this is not a gzip file"},
		"trailing byte":   {append(bytes.Clone(good), 0), "data after its compressed end"},
		"trailing text":   {append(bytes.Clone(good), "text"...), "data after its compressed end"},
		"second member":   {append(bytes.Clone(good), good...), "more than one gzip member"},
		"second, broken":  {append(bytes.Clone(good), 0x1f, 0x8b), "more than one gzip member"},
		"bad checksum":    {edit(-8, 1), "checksum and size"},
		"bad size":        {edit(-1, 1), "checksum and size"},
		"bad data":        {edit(10, 0xff), "broken"},
		"reserved flags":  {edit(3, 0x80), "broken"},
		"unknown method":  {edit(2, 1), "broken"},
		"gzip of nothing": {gzipped(t, nil), "cut off"},
		"gzip of zip":     {gzipped(t, []byte("PK\x03\x04"+strings.Repeat("x", 600))), "checksum is wrong"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Check(bytes.NewReader(tc.file), Limits{})
			wantRefusal(t, err, fault.Invalid, tc.want)
		})
	}
}

func TestCheckTruncatedAnywhere(t *testing.T) {
	s := pack(t, new(Packer), testManifest, textFile("index.js", "hello", 0o644))
	for n := range s.whole {
		_, err := Check(iotest.HalfReader(bytes.NewReader(s.whole[:n])), Limits{})
		wantRefusal(t, err, fault.Invalid, "")
	}
	for n := range s.body {
		_, _, err := CheckSplit(bytes.NewReader(s.head), bytes.NewReader(s.body[:n]), Limits{})
		wantRefusal(t, err, fault.Invalid, "cut off")
	}
	for n := range s.head {
		if string(s.head[n:]) == "\x00\x00\x00\xff\xff" {
			continue // without a flush that ends where a byte ends anyway, nothing is missing
		}
		_, _, err := CheckSplit(bytes.NewReader(s.head[:n]), bytes.NewReader(s.body), Limits{})
		wantRefusal(t, err, fault.Invalid, "")
	}
	raw := rawTar(manifestEntry(), entry('0', "package/a", "x"))
	for n := 0; n < len(raw)-1; n += 101 {
		_, err := Check(bytes.NewReader(gzipped(t, raw[:n])), Limits{})
		wantRefusal(t, err, fault.Invalid, "cut off")
	}
}

// An error of the source is not the archive's fault and comes back as it is.
func TestCheckReturnsErrorsOfItsSource(t *testing.T) {
	s := pack(t, new(Packer), testManifest, textFile("index.js", "hello", 0o644))
	boom := errors.New("boom")
	failing := func(b []byte) io.Reader { return io.MultiReader(bytes.NewReader(b), iotest.ErrReader(boom)) }
	for n := range len(s.whole) + 1 {
		if _, err := Check(failing(s.whole[:n]), Limits{}); err != boom {
			t.Fatalf("after %d bytes: %v", n, err)
		}
	}
	if _, _, err := CheckSplit(failing(s.head), bytes.NewReader(s.body), Limits{}); err != boom {
		t.Errorf("head: %v", err)
	}
	if _, _, err := CheckSplit(bytes.NewReader(s.head), failing(s.body), Limits{}); err != boom {
		t.Errorf("body: %v", err)
	}
}

func deflated(t *testing.T, end func(*flate.Writer) error, raw string) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, 6)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(w, raw)
	if err := end(w); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestCheckSplitRefuses(t *testing.T) {
	s := pack(t, new(Packer), testManifest, textFile("index.js", "hello", 0o644))
	open, closed := (*flate.Writer).Flush, (*flate.Writer).Close
	end := strings.Repeat("\x00", 2*ustar.BlockSize)
	// A back-reference into the head is what a whole file may have and a body may not.
	var shared bytes.Buffer
	w, _ := flate.NewWriterDict(&shared, 9, []byte(manifestEntry()))
	io.WriteString(w, manifestEntry()+end)
	w.Close()
	for name, tc := range map[string]struct {
		head, body []byte
		want       string
	}{
		"head final":           {deflated(t, closed, manifestEntry()), s.body, "ends the deflate stream"},
		"head final, then not": {append(deflated(t, closed, manifestEntry()), s.head...), s.body, "ends the deflate stream"},
		"head empty":           {nil, s.body, "exactly the tar entry"},
		"head without flush":   {s.head[:len(s.head)-4], s.body, "sync flush"},
		"head with garbage":    {append(bytes.Clone(s.head), 7), s.body, "sync flush"},
		"head of two entries":  {deflated(t, open, manifestEntry()+entry('0', "package/a", "x")), s.body, "exactly the tar entry"},
		"head of another file": {deflated(t, open, entry('0', "package/package.jso", testManifest)), s.body, "exactly the tar entry"},
		"head a link":          {deflated(t, open, symlink("package/package.json", "a")), s.body, "exactly the tar entry"},
		"head with half entry": {deflated(t, open, manifestEntry()[:700]), s.body, "exactly the tar entry"},
		"head with bad header": {deflated(t, open, strings.Replace(manifestEntry(), "ustar", "usta_", 1)), s.body, "checksum is wrong"},
		"head is a gzip":       {s.whole, s.body, "sync flush"},
		"body not final":       {s.head, deflated(t, open, entry('0', "package/a", "x")+end), "cut off"},
		"body with more":       {s.head, append(bytes.Clone(s.body), 0), "the body has data after"},
		"body empty":           {s.head, nil, "cut off"},
		"body without end":     {s.head, deflated(t, closed, entry('0', "package/a", "x")), "two zero blocks"},
		"body with manifest":   {s.head, deflated(t, closed, manifestEntry()+end), "same place"},
		"body other top":       {s.head, deflated(t, closed, entry('0', "other/a", "x")+end), "lies outside"},
		"body reaches back":    {s.head, shared.Bytes(), "broken"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := CheckSplit(bytes.NewReader(tc.head), bytes.NewReader(tc.body), Limits{})
			wantRefusal(t, err, fault.Invalid, tc.want)
		})
	}
}

func TestLimits(t *testing.T) {
	many := func(names ...string) []byte {
		all := []string{manifestEntry()}
		for _, n := range names {
			all = append(all, entry('0', "package/"+n, "x"))
		}
		return gzipped(t, rawTar(all...))
	}
	big := gzipped(t, rawTar(manifestEntry(), entry('0', "package/a", strings.Repeat("x", 10_000))))
	announced := gzipped(t, rawTar(manifestEntry(), entry('0', "package/a", "", set(ustar.OffSize, "07777777777"))))
	for name, tc := range map[string]struct {
		file []byte
		lim  Limits
		want string
	}{
		"entries":        {many("a", "b", "c"), Limits{Entries: 3}, "more than 3 files and folders"},
		"folders count":  {many("a/b/c"), Limits{Entries: 3}, "more than 3 files and folders"},
		"unpacked":       {big, Limits{Unpacked: 10 << 10}, "more than 10 KiB"},
		"announced size": {announced, Limits{}, "more than 1 GiB"},
		"manifest":       {many(), Limits{Manifest: int64(len(testManifest)) - 1}, "package.json"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Check(bytes.NewReader(tc.file), tc.lim)
			wantRefusal(t, err, fault.TooLarge, tc.want)
		})
	}
	if _, err := Check(bytes.NewReader(many("a", "b")), Limits{Entries: 3, Unpacked: 1 << 20, Manifest: int64(len(testManifest))}); err != nil {
		t.Errorf("at the limits: %v", err)
	}
	s := pack(t, new(Packer), testManifest+strings.Repeat(" ", 2000))
	_, _, err := CheckSplit(bytes.NewReader(s.head), bytes.NewReader(s.body), Limits{Manifest: 1024})
	wantRefusal(t, err, fault.TooLarge, "1 KiB")
}

// bomb is a .tgz that begins with start and then, in 1 MiB steps, goes on with
// zeros. A step compresses to the same bytes each time.
func bomb(t *testing.T, start string, steps int) io.Reader {
	t.Helper()
	var b bytes.Buffer
	b.Write(Recipe{}.Header())
	w, err := flate.NewWriter(&b, 1)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(w, start)
	zeros := make([]byte, 1<<20)
	w.Write(zeros)
	w.Flush()
	n := b.Len()
	w.Write(zeros)
	w.Flush()
	return io.MultiReader(bytes.NewReader(b.Bytes()), bytes.NewReader(bytes.Repeat(b.Bytes()[n:], steps)))
}

// The archives go on for 1 GiB and are refused long before.
func TestBombs(t *testing.T) {
	file := manifestEntry() + string(sealed(newHeader("package/a", 1<<30-10_000, 0o644, '0')))
	for name, start := range map[string]string{"one file": file, "after the end": string(rawTar(manifestEntry()))} {
		t.Run(name, func(t *testing.T) {
			tgz := bomb(t, start, 1<<10)
			got := allocated(func() {
				_, err := Check(tgz, Limits{})
				wantRefusal(t, err, fault.TooLarge, "more than 200 times")
			})
			if got > 1<<20 {
				t.Errorf("Check allocated %d bytes", got)
			}
			if left, err := io.Copy(io.Discard, tgz); err != nil || left < 500<<10 {
				t.Errorf("Check left %d compressed bytes, %v", left, err)
			}
		})
	}
}

func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// Packing and checking 64 MiB allocate buffers and nothing that grows with it.
func TestMemoryIsBounded(t *testing.T) {
	const size = 64 << 20
	noise := make([]byte, 5000)
	for i := range noise {
		noise[i] = byte(i * i >> 7)
	}
	big := File{Name: "big", Size: size, Mode: 0o644, Open: func() (io.ReadCloser, error) {
		return io.NopCloser(io.LimitReader(&repeater{b: noise}, size)), nil
	}}
	body, err := os.Create(filepath.Join(t.TempDir(), "body"))
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	var p Packer
	var head bytes.Buffer
	if _, err := p.WriteHead(&head, []byte(testManifest), ""); err != nil {
		t.Fatal(err)
	}
	got := allocated(func() { _, err = p.WriteBody(body, []File{big}) })
	if err != nil || got > 4<<20 {
		t.Errorf("WriteBody allocated %d bytes, %v", got, err)
	}
	if _, err := body.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	got = allocated(func() { _, _, err = CheckSplit(&head, body, Limits{Ratio: 1000}) })
	if err != nil || got > 1<<20 {
		t.Errorf("CheckSplit allocated %d bytes, %v", got, err)
	}
}

type repeater struct {
	b []byte
	i int
}

func (r *repeater) Read(p []byte) (int, error) {
	n := copy(p, r.b[r.i:])
	r.i = (r.i + n) % len(r.b)
	return n, nil
}

func ExampleCheck() {
	_, err := Check(strings.NewReader("PK\x03\x04"), DefaultLimits())
	fmt.Println(err)
	// Output: this is a zip archive; a package is a gzip-compressed tar file
}
