package egress

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

// local is a client of servers on this machine, which are its own.
func local(t *testing.T, srv *httptest.Server, timeout time.Duration) *Client {
	t.Helper()
	c := &Client{Guard: NewGuard(Default(), parse(t, srv.URL), 4), Timeout: timeout}
	t.Cleanup(c.Guard.CloseIdle)
	return c
}

func TestSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slots, taken := NewSlots(1, 1), make(chan error, 1)
		if err := slots.take(t.Context()); err != nil {
			t.Fatal(err)
		}
		go func() { taken <- slots.take(t.Context()) }()
		synctest.Wait()
		if err := slots.take(t.Context()); !errors.Is(err, ErrNotSent) || len(taken) > 0 {
			t.Errorf("while one is under way and one waits: %v, %d go on", err, len(taken))
		}
		slots.leave()
		if err := <-taken; err != nil {
			t.Error(err)
		}
		slots.leave()
		if len(slots.queue) != 0 || len(slots.free) != 0 {
			t.Errorf("%d slots are taken, %d wait", len(slots.free), len(slots.queue))
		}
	})
}

// Who gives up while waiting for a slot leaves the queue.
func TestWaitingForASlotEnds(t *testing.T) {
	slots := NewSlots(1, 1)
	if err := slots.take(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := slots.take(ctx); !errors.Is(err, ErrNotSent) || !errors.Is(err, context.Canceled) || len(slots.queue) != 1 {
		t.Errorf("take = %v, %d are in the queue", err, len(slots.queue))
	}
}

func TestNoAnswerInTime(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer srv.Close()
	slots := NewSlots(1, 0)
	_, err := local(t, srv, 10*time.Millisecond).Do(t.Context(), Request{URL: parse(t, srv.URL), Tries: 3, Slots: slots})
	if !errors.Is(err, ErrSlow) || len(slots.free) != 0 {
		t.Errorf("Do = %v, %d slots are taken", err, len(slots.free))
	}
}

// A server that is not there at the moment is asked again, any other is not.
func TestTries(t *testing.T) {
	for status, want := range map[int]int{200: 1, 404: 1, 429: 1, 500: 1, 502: 3, 503: 3, 504: 3} {
		n := 0
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n++
			w.WriteHeader(status)
			_, _ = io.WriteString(w, r.Header.Get("X-Test"))
		}))
		resp, err := local(t, srv, time.Minute).Do(t.Context(), Request{URL: parse(t, srv.URL), Header: http.Header{"X-Test": {"yes"}}, Tries: 3, Slots: NewSlots(1, 0)})
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		if err := errors.Join(err, resp.Body.Close()); err != nil || resp.StatusCode != status || string(text) != "yes" || n != want {
			t.Errorf("%d: %d after %d requests, %q, %v; want %d requests", status, resp.StatusCode, n, text, err, want)
		}
		srv.Close()
	}
}

// A Guard that has no host of its own lets nothing through to this machine.
func TestGuardWithoutAHost(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("was asked") }))
	defer srv.Close()
	c := &Client{Guard: NewGuard(Default(), nil, 1), Timeout: time.Minute}
	_, port, _ := net.SplitHostPort(srv.Listener.Addr().String())
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]", "127.1", "0"} {
		u := parse(t, "http://"+host+":"+port)
		_, err := c.Do(t.Context(), Request{URL: u, Tries: 3, Slots: NewSlots(1, 0)})
		if refused, ok := errors.AsType[*RefusedError](err); !ok || refused.Host != u.Host {
			t.Errorf("asking %s: %v", u, err)
		}
		if c.Guard.Own(u) {
			t.Errorf("%s is the guard's own", u)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": RestFor, "x": RestFor, "0": RestFor, "-5": RestFor, "60": time.Minute, "99999999999999999999": RestFor, "999999": maxWait,
		"Thu, 01 Jan 2026 00:02:00 GMT": 2 * time.Minute, "Wed, 31 Dec 2025 00:00:00 GMT": RestFor, "Fri, 01 Jan 2027 00:00:00 GMT": maxWait,
	} {
		if got := RetryAfter(http.Header{"Retry-After": {text}}, now); got != want {
			t.Errorf("RetryAfter(%q) = %s, want %s", text, got, want)
		}
	}
}

// Every request is told, in one of a few words.
func TestObserve(t *testing.T) {
	status := make(chan int, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s := <-status; s > 0 {
			w.WriteHeader(s)
			return
		}
		<-r.Context().Done()
	}))
	defer srv.Close()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	none := NewSlots(1, 0)
	if err := none.take(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		want    string
		status  int
		ctx     context.Context
		slots   Slots
		timeout time.Duration
		url     string
	}{
		{want: "2xx", status: 204}, {want: "4xx", status: 404}, {want: "5xx", status: 500},
		{want: "no_answer", timeout: time.Millisecond, status: -1},
		{want: "canceled", ctx: gone}, {want: "not_sent", slots: none},
		{want: "refused", url: "http://10.1.2.3/"},
	} {
		c := local(t, srv, cmp.Or(tt.timeout, time.Minute))
		var told []string
		c.Observe = func(outcome string, _ time.Duration) { told = append(told, outcome) }
		if tt.status != 0 {
			status <- tt.status
		}
		if tt.ctx == nil {
			tt.ctx = t.Context()
		}
		if tt.slots.free == nil {
			tt.slots = NewSlots(1, 1)
		}
		resp, err := c.Do(tt.ctx, Request{URL: parse(t, cmp.Or(tt.url, srv.URL)), Slots: tt.slots})
		if err == nil {
			resp.Body.Close()
		}
		if len(told) != 1 || told[0] != tt.want {
			t.Errorf("a request that ends with %v is told as %q, want %s", err, told, tt.want)
		}
	}
}
