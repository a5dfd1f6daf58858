package regclient_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/registry-action/internal/action/regclient"
	"github.com/org/registry-action/internal/wire"
)

func TestWhichStatusesAreRetried(t *testing.T) {
	again := map[int]bool{408: true, 425: true, 429: true, 500: true, 502: true, 503: true, 504: true}
	for _, status := range []int{304, 400, 401, 403, 404, 405, 408, 409, 410, 413, 415, 422, 425, 429, 500, 501, 502, 503, 504, 505, 507} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			for name, do := range calls(t) {
				tries := 0
				srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body)
					tries++
					w.WriteHeader(status)
				})
				err := do(newClient(t, regclient.Options{BaseURL: srv.URL, Retries: 3}))
				e, ok := errors.AsType[*regclient.Error](err)
				want := 1
				if again[status] {
					want = 4
				}
				if !ok || e.Status != status || tries != want {
					t.Errorf("%s: %d tries, want %d; %v", name, tries, want, err)
				}
				if ok && again[status] && !strings.Contains(e.Hint, "tried 4 times") {
					t.Errorf("%s: %v; want how often it was tried", name, err)
				}
			}
		})
	}
}

// calls are the client's methods, all of which are retried.
func calls(t *testing.T) map[string]func(*regclient.Client) error {
	return map[string]func(*regclient.Client) error{
		"Plan":    func(c *regclient.Client) error { _, err := c.Plan(t.Context(), publication()); return err },
		"Publish": func(c *regclient.Client) error { _, _, err := c.Publish(t.Context(), publication()); return err },
		"Commit":  func(c *regclient.Client) error { _, err := c.Commit(t.Context(), "abcdef0"); return err },
		"Put": func(c *regclient.Client) error {
			open := func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("blob")), nil }
			return c.Put(t.Context(), wire.Upload{Size: 4, URL: "/blob"}, open, nil)
		},
	}
}

func TestBrokenConnectionsAndAnswersAreRetried(t *testing.T) {
	cut := func(text string) http.HandlerFunc { // an answer that ends too early
		return func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.WriteString(conn, text)
			_ = conn.Close()
		}
	}
	const head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	tests := map[string]http.HandlerFunc{
		"no answer":          cut(""),
		"half a header":      cut("HTTP/1.1 200 OK\r\nContent-"),
		"half a body":        cut(head + "Content-Length: 100\r\n\r\n{\"sha\":"),
		"half the chunks":    cut(head + "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"sha\r\n"),
		"cut without length": cut(head + "Connection: close\r\n\r\n{\"sha\":"),
		"empty":              cut(head + "Connection: close\r\nContent-Length: 0\r\n\r\n"),
	}
	for name, broken := range tests {
		t.Run(name, func(t *testing.T) {
			tries := 0
			srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if tries++; err != nil || !strings.Contains(string(body), "@acme/core") {
					t.Errorf("try %d has the body %q, %v", tries, body, err)
				}
				if tries < 3 {
					broken(w, r)
					return
				}
				answer(w, 200, wire.Plan{SHA: "ok"})
			})
			w := &waits{}
			plan, err := newClient(t, regclient.Options{BaseURL: srv.URL, Wait: w.wait}).Plan(t.Context(), publication())
			if err != nil || plan.SHA != "ok" || tries != 3 || len(w.ds) != 2 {
				t.Errorf("Plan = %+v, %v after %d tries, waits %v", plan, err, tries, w.ds)
			}
		})
	}
}

func TestNobodyListens(t *testing.T) {
	w := &waits{}
	_, err := newClient(t, regclient.Options{BaseURL: dead, Transport: network(t), Wait: w.wait}).Plan(t.Context(), publication())
	if err == nil || !strings.HasPrefix(err.Error(), "POST "+dead+"/publish/commit/plan (tried 6 times): ") || !strings.HasSuffix(err.Error(), "can this machine reach it?") || len(w.ds) != 5 {
		t.Fatalf("Plan = %v after %d waits", err, len(w.ds))
	}
	for i, d := range w.ds {
		if full := 500 * time.Millisecond << i; d < full/2 || d > full {
			t.Errorf("wait %d = %s, want %s to %s", i, d, full/2, full)
		}
	}
}

const dead = "http://dead.example.com"

// network is a transport on which nobody listens at dead. (The port of a closed
// server may be somebody else's by now.)
func network(t *testing.T) http.RoundTripper {
	missing := filepath.Join(t.TempDir(), "socket")
	return &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		if addr == "dead.example.com:80" {
			network, addr = "unix", missing
		}
		return (&net.Dialer{}).DialContext(ctx, network, addr)
	}}
}

// counting counts the tries that reach the network.
type counting struct {
	next http.RoundTripper
	n    int
}

func (c *counting) RoundTrip(r *http.Request) (*http.Response, error) {
	c.n++
	return c.next.RoundTrip(r)
}

func TestTLSMistakesAreFinal(t *testing.T) {
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = quiet()
	secure.StartTLS()
	t.Cleanup(secure.Close)
	plain := serve(t, http.NotFound)
	for _, url := range []string{secure.URL, strings.Replace(plain.URL, "http:", "https:", 1)} {
		transport := &counting{next: http.DefaultTransport}
		_, err := newClient(t, regclient.Options{BaseURL: url, Transport: transport}).Plan(t.Context(), publication())
		if err == nil || transport.n != 1 {
			t.Errorf("%d tries, want 1: %v", transport.n, err)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	in := func(d time.Duration) string { return now.Add(d).Format(http.TimeFormat) }
	tests := []struct {
		value    string
		min, max time.Duration
	}{
		{"7", 7 * time.Second, 7 * time.Second},
		{"0", 0, 0},
		{"3600", time.Minute, time.Minute},
		{in(9 * time.Second), 9 * time.Second, 9 * time.Second}, // by the server's own clock
		{in(-time.Hour), 0, 0},
		{in(time.Hour), time.Minute, time.Minute},
		{"soon", 250 * time.Millisecond, 500 * time.Millisecond},
		{"-5", 250 * time.Millisecond, 500 * time.Millisecond},
		{"99999999999999999999", 250 * time.Millisecond, 500 * time.Millisecond},
	}
	for _, tt := range tests {
		for _, status := range []int{429, 503, 500} {
			srv := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Date", now.Format(http.TimeFormat))
				w.Header().Set("Retry-After", tt.value)
				w.WriteHeader(status)
			})
			w := &waits{}
			_, err := newClient(t, regclient.Options{BaseURL: srv.URL, Retries: 1, Wait: w.wait}).Plan(t.Context(), publication())
			if err == nil || len(w.ds) != 1 || w.ds[0] < tt.min || w.ds[0] > tt.max {
				t.Errorf("%d, Retry-After %q: waits %v, want %s to %s", status, tt.value, w.ds, tt.min, tt.max)
			}
		}
	}
}

func TestRetryAfterDateWithoutServerClock(t *testing.T) {
	srv := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Date"] = nil
		w.Header().Set("Retry-After", time.Now().Add(30*time.Second).UTC().Format(http.TimeFormat))
		w.WriteHeader(503)
	})
	w := &waits{}
	_, err := newClient(t, regclient.Options{BaseURL: srv.URL, Retries: 1, Wait: w.wait}).Plan(t.Context(), publication())
	if err == nil || len(w.ds) != 1 || w.ds[0] < 20*time.Second || w.ds[0] > 30*time.Second {
		t.Errorf("waits %v, want about 30s", w.ds)
	}
}

func TestWaitsAreBoundedTogether(t *testing.T) {
	tries := 0
	srv := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		tries++
		w.Header().Set("Retry-After", "60")
		answer(w, 503, wire.Error{Error: "busy"})
	})
	w := &waits{}
	_, err := newClient(t, regclient.Options{BaseURL: srv.URL, Retries: 100, Wait: w.wait}).Plan(t.Context(), publication())
	if e, ok := errors.AsType[*regclient.Error](err); !ok || e.Message != "busy" || tries != 4 || len(w.ds) != 3 {
		t.Errorf("%d tries, waits %v, %v; want 4 tries and 3 minutes", tries, w.ds, err)
	}
}

func TestCancelEndsWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		busy := roundTrip(func(r *http.Request) (*http.Response, error) {
			tries++
			return &http.Response{StatusCode: 503, Header: http.Header{"Retry-After": {"50"}}, Body: http.NoBody, Request: r}, nil
		})
		c, err := regclient.New(regclient.Options{BaseURL: "https://r.example.com", Transport: busy})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 70*time.Second)
		defer cancel()
		start := time.Now()
		_, err = c.Plan(ctx, publication())
		if !errors.Is(err, context.DeadlineExceeded) || tries != 2 || time.Since(start) != 70*time.Second {
			t.Errorf("Plan = %v after %s and %d tries", err, time.Since(start), tries)
		}
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
