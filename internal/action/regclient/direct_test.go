package regclient_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/org/registry-action/internal/action/regclient"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/wire"
)

// taker takes uploads and remembers what came.
type taker struct {
	*httptest.Server
	mu     sync.Mutex
	got    map[string][]byte // by path
	header []http.Header
	tries  int
	answer func(w http.ResponseWriter, try int) (handled bool)
}

func take(t *testing.T) *taker {
	s := &taker{got: map[string][]byte{}}
	s.Server = serve(t, func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.tries++
		s.header = append(s.header, r.Header.Clone())
		if s.answer != nil && s.answer(w, s.tries) {
			return
		}
		body, err := io.ReadAll(r.Body)
		if err == nil && r.Method == http.MethodPut {
			s.got[r.URL.Path] = body
		}
	})
	return s
}

// answers lets the server answer otherwise from now on.
func (s *taker) answers(f func(w http.ResponseWriter, try int) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = f
}

// seen returns how many requests there were, and what they brought by path.
func (s *taker) seen() (int, map[string][]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tries, maps.Clone(s.got)
}

// direct is a plan whose blobs may go to a store, by a URL with a secret.
func direct(n int, store string) (wire.Plan, map[digest.SHA256]regclient.Source) {
	plan, sources := blobs(n)
	for i := range plan.Missing {
		up := &plan.Missing[i]
		up.Direct = &wire.Direct{URL: store + "/bucket/" + up.Digest.Hex() + "?X-Amz-Signature=s3cret", Header: map[string]string{
			"If-None-Match": "*", "X-Amz-Checksum-Sha256": "c3Vt", "Content-Type": "application/octet-stream",
		}}
	}
	return plan, sources
}

// What a plan sends to a store goes there, with the header that it names and without our token.
func TestDirectUpload(t *testing.T) {
	registry, store := take(t), take(t)
	store.answers(func(w http.ResponseWriter, try int) bool {
		if try == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		return try == 1
	})
	plan, sources := direct(5, store.URL)
	var sent, want int64
	for _, up := range plan.Missing {
		want += up.Size
	}
	c := newClient(t, regclient.Options{BaseURL: registry.URL, Token: token})
	if err := c.Upload(t.Context(), plan, sources, 1, func(n int64) { sent += n }); err != nil {
		t.Fatal(err)
	}
	around, _ := registry.seen()
	tries, got := store.seen()
	if around != 0 || len(got) != 5 || tries != 6 || sent != want {
		t.Errorf("%d requests to the registry; %d blobs by %d to the store; %d of %d bytes reported", around, len(got), tries, sent, want)
	}
	for path, body := range got {
		if path != "/bucket/"+digest.Of(body).Hex() {
			t.Errorf("%s got %q", path, body)
		}
	}
	store.mu.Lock()
	defer store.mu.Unlock()
	for _, h := range store.header {
		if h.Get("Authorization") != "" || h.Get("X-Amz-Checksum-Sha256") != "c3Vt" || h.Get("If-None-Match") != "*" || strings.Contains(h.Get("User-Agent"), token) {
			t.Errorf("the store sees %v", h)
		}
	}
}

// A store that has the bytes is as good as one that gets them.
func TestDirectUploadOfWhatIsThere(t *testing.T) {
	registry, store := take(t), take(t)
	store.answers(func(w http.ResponseWriter, _ int) bool { w.WriteHeader(http.StatusPreconditionFailed); return true })
	upload := func(plan wire.Plan, sources map[digest.SHA256]regclient.Source, wantRegistry, wantStore int) {
		t.Helper()
		err := newClient(t, regclient.Options{BaseURL: registry.URL}).Upload(t.Context(), plan, sources, 1, nil)
		around, _ := registry.seen()
		tries, _ := store.seen()
		if err != nil || around != wantRegistry || tries != wantStore {
			t.Errorf("Upload = %v; %d requests to the registry, %d to the store", err, around, tries)
		}
	}
	plan, sources := direct(2, store.URL)
	upload(plan, sources, 0, 2)
	plan, sources = direct(1, store.URL)
	delete(plan.Missing[0].Direct.Header, "If-None-Match") // 412 answers nothing then
	upload(plan, sources, 1, 3)
}

// A store that fails is left alone; nothing of its URL is told.
func TestDirectUploadFallsBack(t *testing.T) {
	gone := httptest.NewServer(nil)
	gone.Close()
	status := func(code int) func(http.ResponseWriter, int) bool {
		return func(w http.ResponseWriter, _ int) bool { w.WriteHeader(code); return true }
	}
	for name, tt := range map[string]struct {
		answer func(http.ResponseWriter, int) bool
		url    string
		tries  int
	}{
		"refuses":          {status(http.StatusForbidden), "", 1},
		"never takes it":   {status(http.StatusServiceUnavailable), "", 3},
		"hangs up":         {func(http.ResponseWriter, int) bool { panic(http.ErrAbortHandler) }, "", 3},
		"is not there":     {nil, gone.URL, 0},
		"is no URL":        {nil, "http://[s3cret", 0},
		"is another thing": {nil, "ftp://store.test", 0},
		"has a user":       {nil, "https://user:s3cret@store.test", 0},
	} {
		t.Run(name, func(t *testing.T) {
			registry, store := take(t), take(t)
			store.answers(tt.answer)
			if tt.url == "" {
				tt.url = store.URL
			}
			plan, sources := direct(4, tt.url)
			var want, sent int64
			for _, up := range plan.Missing {
				want += up.Size
			}
			var log bytes.Buffer
			c := newClient(t, regclient.Options{BaseURL: registry.URL, Token: token, Logger: slog.New(slog.NewTextHandler(&log, nil))})
			err := c.Upload(t.Context(), plan, sources, 1, func(n int64) { sent += n })
			_, got := registry.seen()
			if tries, _ := store.seen(); err != nil || len(got) != 4 || tries != tt.tries || sent != want {
				t.Errorf("Upload = %v; %d blobs in the registry, %d requests to the store, %d of %d bytes reported", err, len(got), tries, sent, want)
			}
			if strings.Contains(log.String(), "s3cret") || strings.Count(log.String(), "uploading through the registry") != 1 {
				t.Errorf("the log: %s", &log)
			}
		})
	}
}

// A registry can't have us send what it likes to others.
func TestDirectHeaders(t *testing.T) {
	for _, name := range []string{"Authorization", "cookie", "Host", "Transfer-Encoding", "X-Forwarded-For", "Content-Length", "X-Amz"} {
		registry, store := take(t), take(t)
		plan, sources := direct(1, store.URL)
		plan.Missing[0].Direct.Header[name] = "v"
		err := newClient(t, regclient.Options{BaseURL: registry.URL}).Upload(t.Context(), plan, sources, 1, nil)
		around, _ := registry.seen()
		if tries, _ := store.seen(); err != nil || tries != 0 || around != 1 {
			t.Errorf("%s: %v; %d requests to the store", name, err, tries)
		}
	}
}

// A registry on https is not left for a store without.
func TestDirectNeedsTLS(t *testing.T) {
	store := take(t)
	var got atomic.Int32
	registry := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		got.Add(1)
	}))
	defer registry.Close()
	plan, sources := direct(1, store.URL)
	c := newClient(t, regclient.Options{BaseURL: registry.URL, Transport: registry.Client().Transport})
	err := c.Upload(t.Context(), plan, sources, 1, nil)
	if tries, _ := store.seen(); err != nil || tries != 0 || got.Load() != 1 {
		t.Errorf("Upload = %v; %d requests to the store, %d to the registry", err, tries, got.Load())
	}
}

// A blob that can't be read is no fault of the store.
func TestDirectUploadOfWhatChanged(t *testing.T) {
	registry, store := take(t), take(t)
	plan, sources := direct(1, store.URL)
	for d, src := range sources {
		src.Open = func() (io.ReadCloser, error) { return nil, errors.New("disk on fire") }
		sources[d] = src
	}
	err := newClient(t, regclient.Options{BaseURL: registry.URL}).Upload(t.Context(), plan, sources, 1, nil)
	around, _ := registry.seen()
	if err == nil || !strings.Contains(err.Error(), "disk on fire") || strings.Contains(err.Error(), "s3cret") || around != 0 {
		t.Errorf("Upload = %v; %d requests to the registry", err, around)
	}
	if _, got := store.seen(); len(got) != 0 {
		t.Error("the store got something")
	}
}
