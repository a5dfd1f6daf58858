package main

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/flate"
	"go.etcd.io/bbolt"

	"github.com/org/registry-action/internal/action/pack"
)

func TestPackageList(t *testing.T) {
	specs := specifiers()
	if len(specs) != 100 || len(slices.Compact(slices.Sorted(slices.Values(specs)))) != 100 {
		t.Errorf("packages.txt has %d packages, want 100 different ones", len(specs))
	}
	for _, s := range specs {
		if strings.LastIndexByte(s, '@') < 1 {
			t.Errorf("%q has no version", s)
		}
	}
}

func TestRatiosAreTakenRunByRun(t *testing.T) {
	of := func(list ...int) (runs []usage) {
		for _, n := range list {
			runs = append(runs, usage{time.Duration(n), 2 * time.Duration(n)})
		}
		return runs
	}
	// The second run was disturbed on both sides.
	if wall, cpu := times(of(2, 200, 2), of(1, 100, 1)); wall != 2 || cpu != 2 {
		t.Errorf("times = %v, %v, want 2, 2", wall, cpu)
	}
	if u := typical(of(1, 9, 3)); u != (usage{3, 6}) {
		t.Errorf("typical = %v", u)
	}
}

// The pipe compresses a tar of exactly the listed files, odd names included.
func TestPipe(t *testing.T) {
	dir := t.TempDir()
	compressor, err := buildCompressor(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"-x y", "left out"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("content"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p := pipe{compressor, dir, filepath.Join(dir, "list"), filepath.Join(dir, "out")}
	if err := writeList(p.list, []string{"-x y"}); err != nil {
		t.Fatal(err)
	}
	if u, err := runPipes(t.Context(), []pipe{p}); err != nil || u.CPU <= 0 || u.Wall <= 0 {
		t.Fatalf("runPipes = %v, %v", u, err)
	}
	packed, err := os.ReadFile(p.out)
	if err != nil {
		t.Fatal(err)
	}
	tar, err := io.ReadAll(flate.NewReader(bytes.NewReader(packed)))
	if err != nil || !bytes.HasPrefix(tar, []byte("-x y\x00")) || bytes.Contains(tar, []byte("left out")) {
		t.Errorf("the pipe wrote %d bytes, %v", len(tar), err)
	}
	if err := writeList(p.list, []string{"missing"}); err != nil {
		t.Fatal(err)
	}
	if _, err := runPipes(t.Context(), []pipe{p}); err == nil {
		t.Error("a pipe whose tar fails is taken as good")
	}
}

// Each byte that a client sends is counted, and bodies by their kind.
func TestProxyCounts(t *testing.T) {
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Forwarded-For") != "" || !strings.HasPrefix(r.Host, "localhost:") {
			t.Errorf("the server sees a proxy: %v, Host %s", r.Header, r.Host)
		}
		_, _ = io.Copy(w, r.Body)
	}))
	defer backend.Close()
	p, err := newProxy()
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	if err := p.serve(backend.URL); err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	host := "Host: " + strings.TrimPrefix(p.url, "http://") + "\r\n"
	sent := 0
	for _, request := range []string{
		"POST /publish/commit/plan HTTP/1.1\r\n" + host + "Content-Length: 5\r\n\r\nhello",
		"PUT /blob HTTP/1.1\r\n" + host + "Content-Length: 3\r\n\r\nabc",
		"POST /publish/commit HTTP/1.1\r\n" + host + "Connection: close\r\nContent-Length: 2\r\n\r\nok",
	} {
		n, err := io.WriteString(conn, request)
		if err != nil {
			t.Fatal(err)
		}
		sent += n
	}
	if _, err := io.Copy(io.Discard, conn); err != nil {
		t.Fatal(err)
	}
	total, headers := p.sent()
	if total != int64(sent) || headers != int64(sent-10) || p.plans.Load() != 5 || p.blobs.Load() != 3 || p.publishes.Load() != 2 || p.requests.Load() != 3 {
		t.Errorf("sent %d of %d, headers %d, bodies %d %d %d", total, sent, headers, p.plans.Load(), p.blobs.Load(), p.publishes.Load())
	}
}

func TestLook(t *testing.T) {
	data := t.TempDir()
	if err := os.MkdirAll(filepath.Join(data, "blobs", "ab"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(data, "blobs", "ab", "cd"), make([]byte, 5000), 0o644); err != nil {
		t.Fatal(err)
	}
	db, err := bbolt.Open(filepath.Join(data, "metadata.db"), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucket([]byte("rows"))
		if err != nil {
			return err
		}
		return b.Put([]byte("key"), make([]byte, 3000))
	})
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	s, err := look(data)
	if err != nil {
		t.Fatal(err)
	}
	if s.blobs != 5000 || s.blocks < 5000 || s.rows < 3003 || s.pages < s.rows || s.file < s.pages {
		t.Errorf("look = %+v", s)
	}
	if d := s.minus(s); d != (stored{}) {
		t.Errorf("minus itself = %+v", d)
	}
}

func TestHalves(t *testing.T) {
	var all []*pack.Package
	for _, n := range []int64{5, 100, 60, 50} {
		all = append(all, &pack.Package{Unpacked: n, Size: n})
	}
	hands := halves(all)
	size := func(p *pack.Package) int64 { return p.Unpacked }
	if a, b := sum(hands[0], size), sum(hands[1], size); a != 105 || b != 110 {
		t.Errorf("halves have %d and %d, want 105 and 110", a, b)
	}
	if m := middle(all); m.Size != 60 {
		t.Errorf("middle has %d, want 60", m.Size)
	}
}
