package httpkit

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/org/registry-action/internal/fault"
)

// answer is what a handler answers to GET /.
func answer(h Handler) *httptest.ResponseRecorder {
	log := slog.New(slog.DiscardHandler)
	w := httptest.NewRecorder()
	Front{Log: log}.Handler(Kit{Log: log}.Handle(h)).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	return w
}

// What is wrong before the first byte is told by a status, and what went before leaves no headers behind.
func TestStreamThatFailsAtOnce(t *testing.T) {
	w := answer(func(w http.ResponseWriter, r *http.Request) error {
		return Stream(w, r, iotest.ErrReader(fault.New(fault.Upstream, "wrong bytes")), Content{Size: 100, ETag: "e", ContentType: "application/gzip", Cache: Immutable})
	})
	if w.Code != http.StatusBadGateway || w.Header().Get("ETag") != "" || w.Header().Get("Cache-Control") != "no-store" || !strings.Contains(w.Body.String(), "wrong bytes") {
		t.Errorf("answered %d %v %s", w.Code, w.Header(), w.Body)
	}
}

func TestStreamOfNothing(t *testing.T) {
	w := answer(func(w http.ResponseWriter, r *http.Request) error {
		return Stream(w, r, strings.NewReader(""), Content{Size: 0, ETag: "e"})
	})
	if w.Code != http.StatusOK || w.Body.Len() != 0 {
		t.Errorf("answered %d %q", w.Code, w.Body)
	}
}

// drip gives a byte now and then.
type drip struct{ left int }

func (d *drip) Read(p []byte) (int, error) {
	if d.left--; d.left < 0 {
		return 0, io.EOF
	}
	time.Sleep(stall / 2)
	return copy(p, "x"), nil
}

// A body of unknown length may take as long as it keeps coming.
func TestSlowStreamWithoutLength(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := func(w http.ResponseWriter, r *http.Request) error {
			return Stream(w, r, &drip{60}, Content{Size: -1})
		}
		converse(t, h, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", func(c net.Conn) {
			resp, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Fatal(err)
			}
			if n, err := io.Copy(io.Discard, resp.Body); n != 60 || err != nil {
				t.Errorf("%d bytes came, %v, want 60", n, err)
			}
		})
	})
}

// A client that takes nothing does not hold a stream for ever.
func TestStreamNobodyReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan error, 1)
		h := func(w http.ResponseWriter, r *http.Request) error {
			ended <- Stream(w, r, strings.NewReader(strings.Repeat("x", 1<<20)), Content{Size: -1})
			return nil
		}
		converse(t, h, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", func(net.Conn) {
			if err := <-ended; err == nil {
				t.Error("a stream that nobody took was sent")
			}
		})
	})
}

func TestRetryAfter(t *testing.T) {
	busy := fault.New(fault.Unavailable, "busy")
	slow := fault.New(fault.Unavailable, "slow")
	slow.Wait = 9100 * time.Millisecond
	for _, tt := range []struct {
		err  error
		want string
	}{{busy, "1"}, {slow, "10"}, {fault.Wrap(slow, fault.Unavailable, "outside"), "10"}, {fmt.Errorf("reading: %w", slow), "10"}, {fault.New(fault.NotFound, "x"), ""}} {
		w := answer(func(http.ResponseWriter, *http.Request) error { return tt.err })
		if got := w.Header().Get("Retry-After"); got != tt.want {
			t.Errorf("%v: Retry-After %q, want %q", tt.err, got, tt.want)
		}
	}
}

// A full disk is no riddle for who reads the answer.
func TestFullDisk(t *testing.T) {
	for _, full := range []error{syscall.ENOSPC, syscall.EDQUOT} {
		w := answer(func(http.ResponseWriter, *http.Request) error {
			return errors.Join(&net.OpError{Op: "write", Err: full}, errors.New("/secret/path"))
		})
		if w.Code != http.StatusInsufficientStorage || !strings.Contains(w.Body.String(), `"code":"disk_full"`) || strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%v: answered %d %s", full, w.Code, w.Body)
		}
	}
}

// A client that hangs up in the middle of an answer is nobody's error.
func TestHangUpIsNoError(t *testing.T) {
	for _, tt := range []struct {
		err    error
		errors bool
	}{
		{&net.OpError{Op: "write", Err: os.NewSyscallError("write", syscall.ECONNRESET)}, false},
		{&net.OpError{Op: "write", Err: os.NewSyscallError("write", syscall.EPIPE)}, false},
		{&net.OpError{Op: "write", Err: os.ErrDeadlineExceeded}, false},
		{&os.PathError{Op: "read", Err: syscall.EIO}, true},
		{fault.Wrap(syscall.ECONNRESET, fault.Unavailable, "upstream is gone"), true},
	} {
		var lines strings.Builder
		log := slog.New(slog.NewTextHandler(&lines, nil))
		h := Front{Log: log}.Handler(Kit{Log: log}.Handle(func(w http.ResponseWriter, r *http.Request) error {
			w.WriteHeader(http.StatusOK)
			return tt.err
		}))
		func() {
			defer func() {
				if p := recover(); p != http.ErrAbortHandler {
					t.Errorf("%v: the connection was not cut: %v", tt.err, p)
				}
			}()
			h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
		}()
		if strings.Contains(lines.String(), "level=ERROR") != tt.errors {
			t.Errorf("%v: the log says %s", tt.err, &lines)
		}
	}
}
