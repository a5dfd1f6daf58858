package zigmirror_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/org/registry-action/internal/domain/zigmirror"
	"github.com/org/registry-action/internal/domain/zigmirror/mirrortest"
	"github.com/org/registry-action/internal/egress"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/zig"
)

// faults are the ways in which a forge gives no answer.
var faults = map[string]func(w http.ResponseWriter, r *http.Request) bool{
	"hangs up":      func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) },
	"never answers": func(_ http.ResponseWriter, r *http.Request) bool { <-r.Context().Done(); return true },
	"stops": func(w http.ResponseWriter, r *http.Request) bool {
		_, _ = w.Write(bytes.Repeat([]byte{0x1f}, 1000))
		_ = http.NewResponseController(w).Flush() // the test fails if nothing comes
		<-r.Context().Done()
		return true
	},
	"is cut off": func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Content-Length", "5000")
		_, _ = w.Write(bytes.Repeat([]byte{0x1f}, 1000))
		panic(http.ErrAbortHandler)
	},
	"fails":         func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(500); return true },
	"is a bad one":  func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(502); return true },
	"is overloaded": func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(503); return true },
	"is busy":       func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(429); return true },
}

// While a forge is down what is kept is served, marked; what is not is asked for again later.
func TestForgeIsDown(t *testing.T) {
	for name, broken := range faults {
		t.Run(name, func(t *testing.T) {
			bubble(t, zigmirror.Options{}, func(t *testing.T, w *world) {
				other := main
				other.Ref = "other"
				w.forges.Put("acme/lib", "main", library(t, commit1, "one"))
				w.forges.Put("acme/lib", "other", library(t, commit2, "two"))
				w.must(main)
				time.Sleep(5 * time.Minute)
				w.forges.Intercept(broken)
				start := time.Now()
				if a := w.must(main); !a.Stale || a.Info.Commit != commit1 {
					t.Errorf("the copy is stale: %t, of %s", a.Stale, a.Info.Commit)
				}
				if took := time.Since(start); took > 2*time.Minute {
					t.Errorf("it took %s to give up", took)
				}
				w.forges.Took()
				if a := w.must(main); !a.Stale {
					t.Error("at once again the copy is not stale")
				}
				w.wantRequests()
				_, _, err := w.get(other)
				if e, ok := fault.Public(err); !ok || e.Kind != fault.Unavailable || e.Wait != egress.RestFor {
					t.Errorf("what is not kept: %v", err)
				}
				w.forges.Took()
				if _, _, err := w.get(other); !errors.Is(err, fault.Unavailable) {
					t.Errorf("at once again: %v", err)
				}
				w.wantRequests()
				if log := w.log.String(); strings.Count(log, "serving what is kept") != 1 {
					t.Errorf("the log is %s", log)
				}
				w.forges.Intercept(nil)
				time.Sleep(egress.RestFor)
				if a := w.must(main); a.Stale {
					t.Error("the forge is back, and the copy is stale")
				}
				w.must(other)
			})
		})
	}
}

// A forge that is gone is not waited for again and again, whatever is asked for.
func TestForgeRests(t *testing.T) {
	bubble(t, zigmirror.Options{}, func(t *testing.T, w *world) {
		w.forges.Host("github.com:443", nil)
		for i := range 20 {
			p := main
			p.Ref = fmt.Sprint("v", i)
			if _, _, err := w.get(p); !errors.Is(err, fault.Unavailable) {
				t.Errorf("%s: %v", p.Ref, err)
			}
		}
		if got := len(w.forges.Dialled()); got > 3*egress.MaxFailures {
			t.Errorf("the forge was dialled %d times", got)
		}
		w.forges.Put("acme/lib", "main", library(t, commit1, "one"))
		p := main
		p.Host = mirrortest.Codeberg
		w.must(p) // another forge is another matter
	})
}

// A forge that asks to be left alone is.
func TestRetryAfter(t *testing.T) {
	bubble(t, zigmirror.Options{}, func(t *testing.T, w *world) {
		w.forges.Intercept(func(rw http.ResponseWriter, _ *http.Request) bool {
			rw.Header().Set("Retry-After", "120")
			rw.WriteHeader(http.StatusTooManyRequests)
			return true
		})
		if _, _, err := w.get(main); fault.Wait(err) != 2*time.Minute {
			t.Errorf("Wait of %v = %s", err, fault.Wait(err))
		}
		w.forges.Intercept(nil)
		w.forges.Took()
		w.forges.Put("acme/lib", "main", library(t, commit1, "one"))
		time.Sleep(2*time.Minute - time.Second)
		if _, _, err := w.get(main); !errors.Is(err, fault.Unavailable) {
			t.Errorf("too early: %v", err)
		}
		w.wantRequests()
		time.Sleep(time.Second)
		w.must(main)
	})
}

// What is no archive of a package is refused with the reason, and not asked for again at once. It is an answer: an older
// copy does not hide it.
func TestWrongArchives(t *testing.T) {
	bomb := mirrortest.Archive(t, "x", "", "zeros", strings.Repeat("\x00", 1<<20))
	tests := []struct {
		name    string
		archive []byte
		code    string
	}{
		{"a page", []byte("<!doctype html><title>Sign in</title>"), "bad_archive"},
		{"half an archive", library(t, commit1, strings.Repeat("one", 1000))[:100], "bad_archive"},
		{"names that leave it", mirrortest.Archive(t, "lib", "", "../../etc/passwd", "root"), "bad_archive"},
		{"a broken manifest", mirrortest.Archive(t, "lib", "", "build.zig.zon", ".{"), "bad_manifest"},
		{"too large unpacked", bomb, "too_large"},
		{"too large", mirrortest.Archive(t, "x", "", "noise", noise(2<<20)), "too_large"},
	}
	opt := zigmirror.Options{MaxPackage: 1 << 20, Archive: zig.Limits{Unpacked: 1 << 19}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, opt, func(t *testing.T, w *world) {
				w.forges.Put("acme/lib", "main", library(t, commit1, "one"))
				w.must(main)
				w.forges.Put("acme/lib", "main", tt.archive)
				time.Sleep(5 * time.Minute)
				refused := func() {
					t.Helper()
					_, _, err := w.get(main)
					if e, ok := fault.Public(err); !ok || e.Kind != fault.Upstream || e.Code != tt.code || !strings.HasPrefix(e.Message, main.URL()+": ") {
						t.Errorf("Archive: %v, want the code %s", err, tt.code)
					}
				}
				refused()
				w.forges.Took()
				w.forges.Put("acme/lib", "main", library(t, commit2, "two"))
				time.Sleep(time.Minute - time.Second)
				refused()
				w.wantRequests()
				time.Sleep(time.Second)
				if a := w.must(main); a.Info.Commit != commit2 {
					t.Errorf("the archive is of %s", a.Info.Commit)
				}
			})
		})
	}
}

// The length that a forge announces is enough to refuse an archive.
func TestAnnouncedLength(t *testing.T) {
	bubble(t, zigmirror.Options{MaxPackage: 1000}, func(t *testing.T, w *world) {
		w.forges.Intercept(func(rw http.ResponseWriter, r *http.Request) bool {
			rw.Header().Set("Content-Length", "1001")
			rw.WriteHeader(http.StatusOK)
			_ = http.NewResponseController(rw).Flush() // the body never comes
			<-r.Context().Done()
			return true
		})
		start := time.Now()
		_, _, err := w.get(main)
		if e, ok := fault.Public(err); !ok || e.Code != "too_large" || !strings.Contains(e.Message, "MAX_PACKAGE_SIZE") || time.Since(start) > 0 {
			t.Errorf("after %s: %v", time.Since(start), err)
		}
	})
}

// A forge that has no ETags sends the archive again; one that answers 304 to what was no question is wrong.
func TestValidators(t *testing.T) {
	bubble(t, zigmirror.Options{}, func(t *testing.T, w *world) {
		archive := library(t, commit1, "one")
		for _, etag := range []string{"", `"` + strings.Repeat("x", 5000) + `"`} {
			w.forges.Intercept(func(rw http.ResponseWriter, r *http.Request) bool {
				if r.Header.Get("If-None-Match") != "" {
					t.Error("a validator was made up")
				}
				rw.Header().Set("ETag", etag)
				_, _ = rw.Write(archive)
				return true
			})
			w.must(main)
			time.Sleep(5 * time.Minute)
			w.must(main)
			time.Sleep(5 * time.Minute)
		}
		w.status(http.StatusNotModified)
		other := main
		other.Ref = "other"
		if _, _, err := w.get(other); !errors.Is(err, fault.Upstream) {
			t.Errorf("304 of nothing: %v", err)
		}
	})
}

func TestCacheIsTooSmall(t *testing.T) {
	bubble(t, zigmirror.Options{}, func(t *testing.T, w *world) {
		w.forges.Put("acme/lib", "main", mirrortest.Archive(t, "lib", "", "noise", noise(2<<20)))
		_, _, err := w.get(main)
		if e, ok := fault.Public(err); !ok || e.Kind != fault.Unavailable || !strings.Contains(e.Message, "CACHE_SIZE") {
			t.Errorf("Archive: %v", err)
		}
	})
}

// A panic is an error of who asked, and of nobody else.
func TestPanic(t *testing.T) {
	broken := true
	now := func() time.Time {
		if broken {
			panic("a bug")
		}
		return time.Now()
	}
	bubble(t, zigmirror.Options{Now: now}, func(t *testing.T, w *world) {
		w.forges.Put("acme/lib", "main", library(t, commit1, "one"))
		_, _, err := w.get(main)
		if _, public := fault.Public(err); err == nil || public || !strings.Contains(err.Error(), "a bug") {
			t.Errorf("Archive: %v", err)
		}
		broken = false
		w.must(main)
	})
}

// noise does not compress.
func noise(n int) string {
	b, x := make([]byte, n), uint32(1)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return string(b)
}
