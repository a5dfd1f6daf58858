package httpkit

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/fault"
)

// meter keeps what it is told.
type meter struct {
	begun int
	ended []Answered
}

func (m *meter) Begun()           { m.begun++ }
func (m *meter) Ended(a Answered) { m.ended = append(m.ended, a) }

func TestMeter(t *testing.T) {
	kit, mux := Kit{Log: slog.New(slog.DiscardHandler)}, &Mux{}
	mux.Handle("GET /{name}", kit.Handle(func(w http.ResponseWriter, _ *http.Request) error {
		_, err := io.WriteString(w, "hello")
		return err
	}))
	mux.Handle("GET /cut", kit.Handle(func(w http.ResponseWriter, _ *http.Request) error {
		_, err := io.WriteString(w, "half")
		return errors.Join(err, errors.New("the source broke"))
	}))
	mux.Handle("PUT /{name}", kit.Write(func(w http.ResponseWriter, r *http.Request) error {
		Audit(r, "publish", r.PathValue("name"), "")
		body, err := Body(w, r, 100)
		if err == nil {
			_, err = io.Copy(io.Discard, body)
		}
		return errors.Join(err, fault.New(fault.Forbidden, "no"))
	}))
	mux.Handle("GET /panics", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("oops") }))
	for _, tt := range []struct {
		request, body string
		want          Answered
	}{
		{"GET /secret", "", Answered{Method: "GET", Route: "/{name}", Status: 200, Sent: 5}},
		{"HEAD /secret", "", Answered{Method: "HEAD", Route: "/{name}", Status: 200, Sent: 5}},
		{"GET /cut", "", Answered{Method: "GET", Route: "/cut", Status: 200, Aborted: true, Sent: 4}},
		{"PUT /secret", "of seven", Answered{Method: "PUT", Route: "/{name}", Status: 403, Action: "publish", Received: 8}},
		{"GET /a/b/c", "", Answered{Method: "GET", Route: "none", Status: 404}},
		{"GET /..", "", Answered{Method: "GET", Route: "none", Status: 404}},
		{"BREW /x1", "", Answered{Method: "other", Route: "none", Status: 405}},
		{"GET /panics", "", Answered{Method: "GET", Route: "/panics", Status: 500}},
	} {
		m := &meter{}
		method, path, _ := strings.Cut(tt.request, " ")
		r := httptest.NewRequest(method, "http://x"+path, strings.NewReader(tt.body))
		func() {
			defer func() {
				if p := recover(); (p == http.ErrAbortHandler) != tt.want.Aborted {
					t.Errorf("%s ends with the panic %v", tt.request, p)
				}
			}()
			Front{Log: slog.New(slog.DiscardHandler), Meter: m}.Handler(mux).ServeHTTP(httptest.NewRecorder(), r)
		}()
		if m.begun != 1 || len(m.ended) != 1 || m.ended[0].Took <= 0 {
			t.Fatalf("%s begins %d times and ends as %+v", tt.request, m.begun, m.ended)
		}
		got := m.ended[0]
		got.Took = 0
		if tt.want.Sent == 0 {
			got.Sent = 0
		}
		if got != tt.want {
			t.Errorf("%s is told as %+v, want %+v", tt.request, got, tt.want)
		}
	}
}
