package tarball

import (
	"bytes"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/org/registry-action/internal/format/digest"
)

func TestCombineCRC(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	data := make([]byte, 100_000)
	for i := range data {
		data[i] = byte(rnd.Uint32())
	}
	for _, n := range []int{0, 1, 2, 3, 511, 512, 513, 65_535, 65_536, 99_999, 100_000} {
		a, b := data[:n], data[n:]
		got := combineCRC(crc32.ChecksumIEEE(a), crc32.ChecksumIEEE(b), int64(len(b)))
		if want := crc32.ChecksumIEEE(data); got != want {
			t.Errorf("combineCRC at %d = %08x, want %08x", n, got, want)
		}
	}
	// 8 GiB of zeros: lengths beyond 32 bits; the value is that of zlib.crc32.
	zeros := crc32.ChecksumIEEE(make([]byte, 1<<20))
	for n := int64(1 << 20); n < 5<<30; n *= 2 {
		zeros = combineCRC(zeros, zeros, n)
	}
	if want := uint32(0x41d912ff); zeros != want {
		t.Errorf("CRC of 8 GiB of zeros = %08x, want %08x", zeros, want)
	}
}

func TestEmptyBody(t *testing.T) {
	s := pack(t, new(Packer), testManifest)
	sum, err := Check(bytes.NewReader(s.whole), Limits{})
	if err != nil || sum.Files != 1 || sum.Name != "@a/pkg" {
		t.Errorf("Check = %+v, %v", sum, err)
	}
}

// files puts the runs of a split archive on disk, as the blob store has them.
func (s split) files(t *testing.T) (head, body *os.File) {
	t.Helper()
	var open [2]*os.File
	for i, b := range [][]byte{s.head, s.body} {
		name := filepath.Join(t.TempDir(), "blob")
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		open[i] = f
	}
	return open[0], open[1]
}

func bigSplit(t *testing.T) split {
	noise := make([]byte, 300_000)
	for i := range noise {
		noise[i] = byte(rand.Uint32())
	}
	return pack(t, new(Packer), testManifest, textFile("noise", string(noise), 0o644))
}

func TestReader(t *testing.T) {
	s := pack(t, new(Packer), testManifest, textFile("index.js", "hello", 0o644))
	head, body := s.files(t)
	r := NewReader(s.recipe, head, body)
	if err := iotest.TestReader(r, s.whole); err != nil {
		t.Error(err)
	}
	if r.Size() != int64(len(s.whole)) || s.recipe.Size() != r.Size() {
		t.Errorf("Size = %d, recipe %d, want %d", r.Size(), s.recipe.Size(), len(s.whole))
	}
	for from := range len(s.whole) + 1 {
		to := from + rand.IntN(len(s.whole)-from+1)
		r.Seek(int64(from), io.SeekStart)
		var b bytes.Buffer
		n, err := r.WriteSection(&b, int64(to-from))
		if err != nil || n != int64(to-from) || b.String() != string(s.whole[from:to]) {
			t.Fatalf("section %d-%d: %d bytes, %v", from, to, n, err)
		}
	}
	r.Seek(-3, io.SeekEnd)
	if n, err := r.WriteSection(io.Discard, 4); n != 3 || err != io.EOF {
		t.Errorf("section past the end = %d, %v", n, err)
	}
	if _, err := r.Seek(-1, io.SeekStart); err == nil {
		t.Error("Seek before the start succeeded")
	}
}

func TestReaderOfShortBlob(t *testing.T) {
	s := bigSplit(t)
	for _, cut := range []int{1, len(s.body) - 10} {
		r := NewReader(s.recipe, bytes.NewReader(s.head), bytes.NewReader(s.body[:len(s.body)-cut]))
		if _, err := io.Copy(io.Discard, r); err != io.ErrUnexpectedEOF {
			t.Errorf("Copy = %v, want io.ErrUnexpectedEOF", err)
		}
		r.Seek(0, io.SeekStart)
		if _, err := r.WriteSection(io.Discard, r.Size()); err != io.ErrUnexpectedEOF {
			t.Errorf("WriteSection = %v, want io.ErrUnexpectedEOF", err)
		}
	}
}

// spy tells which readers were handed to ReadFrom.
type spy struct {
	http.ResponseWriter
	files int
}

func (s *spy) ReadFrom(r io.Reader) (int64, error) {
	if l, ok := r.(*io.LimitedReader); ok {
		if _, ok := l.R.(*os.File); ok {
			s.files++
		}
	}
	return s.ResponseWriter.(io.ReaderFrom).ReadFrom(r)
}

func TestServedByTheKernel(t *testing.T) {
	s := bigSplit(t)
	head, body := s.files(t)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		r := NewReader(s.recipe, head, body)
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Content-Length", strconv.FormatInt(r.Size(), 10))
		sw := &spy{ResponseWriter: w}
		if _, err := r.WriteSection(sw, r.Size()); err != nil || sw.files != 1 {
			t.Errorf("WriteSection handed over %d files, %v; want the body", sw.files, err)
		}
	}))
	defer srv.Close()
	resp, err := srv.Client().Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil || !bytes.Equal(got, s.whole) {
		t.Errorf("served %d bytes, %v; want %d", len(got), err, len(s.whole))
	}
}

func TestRangesThroughServeContent(t *testing.T) {
	s := bigSplit(t)
	head, body := s.files(t)
	h := http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		http.ServeContent(w, req, "a.tgz", time.Time{}, NewReader(s.recipe, head, body))
	})
	for _, spec := range []string{"0-0", "5-200", "9-10", "300-", "-8", "-1000"} {
		req := httptest.NewRequest("GET", "/", nil)
		req.Header.Set("Range", "bytes="+spec)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, req)
		from, to, _ := strings.Cut(spec, "-")
		lo, hi := atoi(from, len(s.whole)-atoi(to, 0)), atoi(to, len(s.whole)-1)
		if from == "" {
			hi = len(s.whole) - 1
		}
		if w.Code != http.StatusPartialContent || w.Body.String() != string(s.whole[lo:hi+1]) {
			t.Errorf("range %s: status %d, %d bytes", spec, w.Code, w.Body.Len())
		}
	}
}

func atoi(s string, empty int) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return empty
	}
	return n
}

func TestSumsAreThoseOfTheJoinedBytes(t *testing.T) {
	s := bigSplit(t)
	h := digest.NewHasher()
	h.Write(s.whole)
	whole, err := Check(bytes.NewReader(s.whole), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	sum, recipe, err := CheckSplit(bytes.NewReader(s.head), bytes.NewReader(s.body), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if recipe != s.recipe {
		t.Errorf("the server's recipe %+v is not the packer's %+v", recipe, s.recipe)
	}
	for name, got := range map[string]Summary{"Check": whole, "CheckSplit": sum} {
		if got.Sums != h.Sums() || got.Size != int64(len(s.whole)) || got.Name != "@a/pkg" || got.Version != "1.2.3" ||
			string(got.Manifest) != testManifest || got.Files != 2 || got.Unpacked != int64(len(testManifest)+300_000) {
			t.Errorf("%s = %+v, want sums %+v", name, got, h.Sums())
		}
	}
	if digest.Of(s.head) != recipe.Head.Digest || digest.Of(s.body) != recipe.Body.Digest {
		t.Error("the recipe's digests are not those of the runs")
	}
}
