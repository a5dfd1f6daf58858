package regclient_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/registry-action/internal/action/regclient"
	"github.com/org/registry-action/internal/wire"
)

// pace reads a body as a network would that takes d for each piece.
func pace(r *http.Request, d time.Duration) error {
	defer r.Body.Close()
	for p := make([]byte, 1); ; {
		if _, err := r.Body.Read(p); err != nil {
			return nil
		}
		select {
		case <-time.After(d):
		case <-r.Context().Done():
			return r.Context().Err()
		}
	}
}

func ok(r *http.Request, body io.ReadCloser) *http.Response {
	return &http.Response{StatusCode: 200, Request: r, Body: body, Header: http.Header{"Content-Type": {"application/json"}}}
}

func TestSlowIsNotStuck(t *testing.T) {
	tests := []struct {
		name  string
		pace  time.Duration // of the upload
		think time.Duration // of the server, which the transport bounds, not we
		tries int
		err   string
		took  time.Duration
	}{
		{"slow but moving", 59 * time.Second, 100 * time.Second, 1, "", 9*59*time.Second + 100*time.Second},
		{"stuck", 61 * time.Second, 0, 3, "the connection stalled: no byte moved for 1m0s", 3 * 60 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tries := 0
				transport := roundTrip(func(r *http.Request) (*http.Response, error) {
					tries++
					if err := pace(r, tt.pace); err != nil {
						return nil, err
					}
					time.Sleep(tt.think)
					return ok(r, http.NoBody), nil
				})
				c := newClient(t, regclient.Options{BaseURL: "https://r.example.com", Transport: transport, Retries: 2})
				start := time.Now()
				open := func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("0123456789")), nil }
				err := c.Put(t.Context(), wire.Upload{Size: 10, URL: "/b"}, open, nil)
				if took := time.Since(start); took != tt.took || tries != tt.tries || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
					t.Errorf("Put = %v after %s and %d tries, want %q after %s and %d", err, took, tries, tt.err, tt.took, tt.tries)
				}
			})
		})
	}
}

// drip gives one byte of an answer after each pause.
type drip struct {
	r     *http.Request
	text  *strings.Reader
	pause time.Duration
}

func (d drip) Read(p []byte) (int, error) {
	select {
	case <-time.After(d.pause):
		return d.text.Read(p[:1])
	case <-d.r.Context().Done():
		return 0, d.r.Context().Err()
	}
}

func (d drip) Close() error { return nil }

func TestStuckAnswer(t *testing.T) {
	for pause, stuck := range map[time.Duration]bool{59 * time.Second: false, 61 * time.Second: true} {
		synctest.Test(t, func(t *testing.T) {
			transport := roundTrip(func(r *http.Request) (*http.Response, error) {
				_, _ = io.Copy(io.Discard, r.Body)
				return ok(r, drip{r, strings.NewReader(`{"sha":"x"}`), pause}), nil
			})
			c := newClient(t, regclient.Options{BaseURL: "https://r.example.com", Transport: transport, Retries: 1})
			plan, err := c.Plan(t.Context(), publication())
			if stuck != (err != nil) || stuck && !strings.Contains(err.Error(), "(tried 2 times): reading the answer: the connection stalled") || !stuck && plan.SHA != "x" {
				t.Errorf("a byte every %s: %+v, %v", pause, plan, err)
			}
		})
	}
}

// TestLateBody: what the transport does with the body after the answer has
// begun does not count as a sign of life of the answer.
func TestLateBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		transport := roundTrip(func(r *http.Request) (*http.Response, error) {
			go func() {
				time.Sleep(30 * time.Second)
				_, _ = io.Copy(io.Discard, r.Body)
			}()
			return ok(r, drip{r, strings.NewReader(`{}`), time.Hour}), nil
		})
		c := newClient(t, regclient.Options{BaseURL: "https://r.example.com", Transport: transport, Retries: -1})
		start := time.Now()
		_, err := c.Plan(t.Context(), publication())
		if err == nil || time.Since(start) != time.Minute {
			t.Errorf("Plan = %v after %s, want a stall after a minute", err, time.Since(start))
		}
	})
}

// TestStuckServer is the same with real connections: a server that never reads.
func TestStuckServer(t *testing.T) {
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.CopyN(io.Discard, r.Body, 1)
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			t.Cleanup(func() { _ = conn.Close() })
		}
	})
	c := newClient(t, regclient.Options{BaseURL: srv.URL, Retries: -1, IdleTimeout: 100 * time.Millisecond})
	open := func() (io.ReadCloser, error) { return io.NopCloser(zeros{}), nil }
	err := c.Put(t.Context(), wire.Upload{Size: 1 << 40, URL: "/b"}, open, nil)
	if e, refused := errors.AsType[*regclient.Error](err); err == nil || refused || !strings.Contains(err.Error(), "no byte moved for 100ms") {
		t.Errorf("Put = %v, %v", err, e)
	}
}
