//go:build unix

package npmapi_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/org/registry-action/internal/store/storetest"
)

// BenchmarkRead measures whole requests over loopback, by a client that costs
// next to nothing: what our handlers take beside a bare one that sends the same.
func BenchmarkRead(b *testing.B) {
	for _, log := range []string{"none", "discard", "file"} {
		n := start(b, setup{log: benchLog(b, log)})
		for i := range 100 {
			n.publish("@acme/a", fmt.Sprintf("1.%d.0", i), `"dependencies":{"lodash":"^4.17.0","react":"^18.0.0"}`)
		}
		n.publish("a", "1.0.0")
		n.do("PUT", "/big", document("big", "1.0.0", pack(b, `{"name":"big","version":"1.0.0"}`, noise(100<<10)))).want(b, 201, "")
		for name, tt := range map[string]struct{ path, header string }{
			"small":         {"/a", corgi},
			"abbreviated":   {"/@acme%2fa", corgi},
			"gzip":          {"/@acme%2fa", corgi + "\r\nAccept-Encoding: gzip"},
			"token":         {"/@acme%2fa", corgi + "\r\nAuthorization: Bearer " + rootToken},
			"100 KB":        {"/big/-/big-1.0.0.tgz", "Accept: */*"},
			"small tarball": {"/a/-/a-1.0.0.tgz", "Accept: */*"},
		} {
			if log == "none" {
				b.Run(name+"/bare", func(b *testing.B) { bare(b, n, tt.path, tt.header) })
			}
			b.Run(name+"/log="+log, func(b *testing.B) { hammer(b, n.url, tt.path, tt.header) })
		}
	}
}

func benchLog(b *testing.B, kind string) slog.Handler {
	switch kind {
	case "none":
		return slog.DiscardHandler
	case "discard":
		return slog.NewTextHandler(io.Discard, nil)
	}
	f, err := os.Create(filepath.Join(b.TempDir(), "log"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { f.Close() })
	return slog.NewTextHandler(f, nil)
}

// bare serves what the node answers: packuments from memory, tarballs from a file.
func bare(b *testing.B, n *node, path, header string) {
	var lines []string
	for line := range strings.SplitSeq(header, "\r\n") {
		lines = append(lines, line)
	}
	a := n.get(path, lines...).want(b, 200, "")
	file := filepath.Join(b.TempDir(), "body")
	if err := os.WriteFile(file, a.body, 0o600); err != nil {
		b.Fatal(err)
	}
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", a.Header.Get("Content-Type"))
		w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
		if !strings.HasSuffix(path, ".tgz") {
			w.Write(a.body)
			return
		}
		f, err := os.Open(file)
		if err != nil {
			b.Error(err)
			return
		}
		defer f.Close()
		io.Copy(w, f)
	})
	srv := httptest.NewServer(h)
	defer srv.Close()
	hammer(b, srv.URL, path, header)
}

// hammer sends one request after the other on one connection.
func hammer(b *testing.B, url, path, header string) {
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	request := []byte("GET " + path + " HTTP/1.1\r\nHost: x\r\nUser-Agent: bench\r\n" + header + "\r\n\r\n")
	in := bufio.NewReaderSize(conn, 64<<10)
	length, before := 0, processorTime(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := conn.Write(request); err != nil {
			b.Fatal(err)
		}
		if length == 0 {
			length = measure(b, in)
			continue
		}
		if _, err := in.Discard(length); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64((processorTime(b)-before).Nanoseconds())/float64(b.N), "cpu-ns/op")
}

// processorTime is what the process has used of the processor: other than the
// time on the clock it does not depend on what else the machine does.
func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// measure reads one answer, whose length all others have.
func measure(b *testing.B, in *bufio.Reader) int {
	head, body := 0, 0
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			b.Fatal(err)
		}
		head += len(line)
		if name, value, _ := strings.Cut(strings.TrimSpace(line), ": "); name == "Content-Length" {
			body, _ = strconv.Atoi(value)
		} else if name == "" {
			break
		}
	}
	if _, err := in.Discard(body); err != nil {
		b.Fatal(err)
	}
	return head + body
}

// discarding is a ResponseWriter that costs nothing.
type discarding struct{ h http.Header }

func (d *discarding) Header() http.Header         { return d.h }
func (d *discarding) WriteHeader(int)             {}
func (d *discarding) Write(p []byte) (int, error) { return len(p), nil }

// BenchmarkHandler is what a packument takes of the processor in our code alone.
func BenchmarkHandler(b *testing.B) {
	for _, log := range []string{"none", "discard", "file"} {
		b.Run("log="+log, func(b *testing.B) {
			n := &node{t: b, log: &storetest.Transcript{}, token: rootToken, upstream: &upstream{}}
			h := n.handler(setup{baseURL: "http://x", maxPackage: 1 << 20, log: benchLog(b, log)})
			text, err := json.Marshal(document("@acme/a", "1.0.0", tgz(b, "@acme/a", "1.0.0")))
			if err != nil {
				b.Fatal(err)
			}
			put := httptest.NewRequest("PUT", "/@acme%2fa", bytes.NewReader(text))
			put.Header.Set("Authorization", "Bearer "+rootToken)
			h.ServeHTTP(httptest.NewRecorder(), put)
			r := httptest.NewRequest("GET", "/@acme%2fa", nil)
			r.Header.Set("Accept", strings.TrimPrefix(corgi, "Accept: "))
			w := &discarding{http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				clear(w.h)
				h.ServeHTTP(w, r)
			}
			if w.h.Get("Content-Type") != installV1 {
				b.Errorf("the answer is a %s", w.h.Get("Content-Type"))
			}
		})
	}
}
