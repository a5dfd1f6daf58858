package s3blob_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/org/registry-action/internal/clients/s3server"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/store/blob"
)

// A service that does not check what a client sends is given to no client.
func TestSignPutNeedsAServiceThatChecks(t *testing.T) {
	server := s3server.Start(t)
	careless := func(status int) s3server.Fault {
		return first(always, isUpload, func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.WriteHeader(status)
		})
	}
	for name, fail := range map[string]s3server.Fault{
		"takes anything":  careless(http.StatusOK),
		"takes nothing":   careless(http.StatusForbidden),
		"redirects":       careless(http.StatusTemporaryRedirect),
		"takes no method": careless(http.StatusMethodNotAllowed),
	} {
		t.Run(name, func(t *testing.T) {
			s := openAt(t, server)
			server.Fail(fail)
			defer server.Fail(nil)
			for range 2 {
				if r, err := s.SignPut(t.Context(), keyOf(nil), time.Minute, 0); !errors.Is(err, blob.ErrUnsigned) {
					t.Errorf("SignPut = %v, %v, want blob.ErrUnsigned", r, err)
				}
				server.Fail(nil) // it is not asked again
			}
			if link, err := s.SignGet(t.Context(), keyOf(nil), time.Minute, blob.Answer{}); link == "" || err != nil {
				t.Errorf("SignGet = %q, %v", link, err)
			}
		})
	}
}

// The trial is made once, leaves nothing, and an outage in the middle of it decides nothing.
func TestSignPutTrial(t *testing.T) {
	server := s3server.Start(t)
	c := configOf(t, server)
	s := openWith(t, c)
	server.Fail(first(always, isUpload, refuse(http.StatusServiceUnavailable, "SlowDown")))
	if _, err := s.SignPut(t.Context(), keyOf(nil), time.Minute, 0); !errors.Is(err, fault.Unavailable) || errors.Is(err, blob.ErrUnsigned) {
		t.Fatalf("in an outage: %v", err)
	}
	var puts, deletes atomic.Int32
	server.Fail(func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		switch r.Method {
		case http.MethodPut:
			puts.Add(1)
		case http.MethodDelete:
			deletes.Add(1)
			if !strings.Contains(r.URL.Path, "/probe/") {
				t.Errorf("DELETE %s", r.URL.Path)
			}
		}
		pass.ServeHTTP(w, r)
	})
	defer server.Fail(nil)
	for range 3 {
		if _, err := s.SignPut(t.Context(), keyOf(nil), time.Minute, 0); err != nil {
			t.Fatal(err)
		}
	}
	if puts.Load() != 2 || deletes.Load() != 1 {
		t.Errorf("%d PUTs and %d DELETEs, want 2 and 1", puts.Load(), deletes.Load())
	}
	wantNothing(t, s, c.Spool)
}

// A service that does not know conditions gets none.
func TestSignPutWithoutConditions(t *testing.T) {
	server := s3server.Start(t)
	s := openAt(t, server)
	server.Fail(first(always, hasCondition, refuse(http.StatusNotImplemented, "NotImplemented")))
	defer server.Fail(nil)
	body := content(1000)
	r, err := s.SignPut(t.Context(), keyOf(body), time.Minute, 1000)
	if err != nil || r.Header.Get("If-None-Match") != "" {
		t.Fatalf("SignPut = %v, %v", r.Header, err)
	}
	for range 2 {
		req := httptest.NewRequest(http.MethodPut, r.URL, strings.NewReader(string(body)))
		req.RequestURI, req.Header = "", r.Header
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("PUT = %d", resp.StatusCode)
		}
	}
	wantContent(t, s, body)
}

// What is more than the service takes at once comes through the server.
func TestSignPutOfTooMuch(t *testing.T) {
	s := openAt(t, s3server.Start(t))
	if _, err := s.SignPut(t.Context(), keyOf(nil), time.Minute, 5<<30+1); !errors.Is(err, blob.ErrUnsigned) {
		t.Errorf("SignPut of more than 5 GiB: %v", err)
	}
}

// A URL has no secret in it that signs others.
func TestSignedURLs(t *testing.T) {
	s := openAt(t, s3server.Start(t))
	link, err := s.SignGet(t.Context(), keyOf(nil), time.Minute, blob.Answer{ContentType: "text/plain", Filename: "a\r\nX-Evil: 1\"&x=y.tgz"})
	if err != nil || strings.Contains(link, "test-secret") || strings.ContainsAny(link, "\r\n\" ") {
		t.Errorf("SignGet = %q, %v", link, err)
	}
	if d := digest.Of(nil); !strings.Contains(link, "/packages/"+d.Hex()[:2]+"/"+d.Hex()+"?") {
		t.Errorf("SignGet = %q", link)
	}
}
