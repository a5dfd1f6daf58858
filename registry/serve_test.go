package registry_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/org/registry-action/internal/store/storetest"
	"github.com/org/registry-action/registry"
)

// serving is a registry that Serve runs. stop tells it to stop, ended is how it did.
type serving struct {
	url   string
	log   *storetest.Transcript
	stop  context.CancelFunc
	ended chan error
}

func serve(t *testing.T, c registry.Config) *serving {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &serving{url: "http://" + l.Addr().String(), log: &storetest.Transcript{}, ended: make(chan error, 1)}
	c.DataDir, c.BaseURL, c.NoUpstream, c.Log = t.TempDir(), s.url, true, slog.New(slog.NewTextHandler(s.log, nil))
	reg, err := registry.New(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	go func() {
		err := reg.Serve(ctx, l)
		if closed := reg.Close(); closed != nil {
			t.Error(closed)
		}
		s.ended <- err
	}()
	return s
}

// get asks on a connection of its own; the status is 0 if there is no server any more.
func (s *serving) get(t *testing.T, path string) (int, string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(s.url + path)
	if err != nil {
		return 0, ""
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	return resp.StatusCode, string(body)
}

// upload begins a publish, and returns a function that sends the rest of it and returns
// the answer's status.
func (s *serving) upload(t *testing.T) (finish func() int) {
	t.Helper()
	body, header := form(t, "repository", "https://github.com/acme/widgets", "sha", strings.Repeat("a", 40), "package:a", tgz(t, "a", "1.0.0", noise(100_000)))
	text, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	read, write := io.Pipe()
	req, err := http.NewRequest("POST", s.url+"/publish/commit", read)
	if err != nil {
		t.Fatal(err)
	}
	_, value, _ := strings.Cut(header, ": ")
	req.Header.Set("Content-Type", value)
	status := make(chan int, 1)
	go func() {
		resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
		if err != nil {
			status <- 0
			return
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		status <- resp.StatusCode
	}()
	half := len(text) / 2
	if _, err := write.Write(text[:half]); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the upload is under way", func() bool {
		_, page := s.get(t, "/metrics")
		return strings.Contains(page, "registry_http_requests_in_flight 2")
	})
	return func() int {
		write.Write(text[half:])
		write.Close()
		return <-status
	}
}

// patience is how long a test waits. It ends what would never end: how fast this machine is must not matter.
const patience = 5 * time.Minute

// eventually waits until something is so.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it is never so that %s", what)
		}
	}
}

// A server that is told to stop says so to load balancers, serves on for a while, and ends
// when the upload under way has.
func TestGracefulShutdown(t *testing.T) {
	s := serve(t, registry.Config{ShutdownDelay: 3 * time.Second, ShutdownTime: patience})
	if status, body := s.get(t, "/ready"); status != 200 || !strings.Contains(body, `"status":"ready"`) {
		t.Fatalf("/ready = %d %s", status, body)
	}
	finish := s.upload(t)
	s.stop()
	eventually(t, "/ready says that it stops", func() bool {
		status, body := s.get(t, "/ready")
		return status == 503 && strings.Contains(body, `"status":"stopping"`)
	})
	if status, _ := s.get(t, "/health"); status != 200 {
		t.Errorf("while it drains /health answers %d", status)
	}
	eventually(t, "no new connection is taken", func() bool { status, _ := s.get(t, "/ready"); return status == 0 })
	select {
	case err := <-s.ended:
		t.Fatalf("it ended with %v while an upload was under way", err)
	default:
	}
	if status := finish(); status != 201 && status != 200 {
		t.Errorf("the upload under way is answered %d:\n%s", status, s.log)
	}
	if err := <-s.ended; err != nil {
		t.Errorf("it ends with %v", err)
	}
}

// An upload that does not come to its end keeps no server from ending.
func TestShutdownIsBounded(t *testing.T) {
	s := serve(t, registry.Config{ShutdownTime: 100 * time.Millisecond})
	finish := s.upload(t)
	s.stop()
	if err := <-s.ended; err == nil || !strings.Contains(err.Error(), "SHUTDOWN_TIMEOUT") {
		t.Errorf("it ends with %v, want an error that names SHUTDOWN_TIMEOUT", err)
	}
	if status := finish(); status == 200 || status == 201 {
		t.Errorf("the upload is answered %d", status)
	}
}
