package httpkit

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
)

// sink is a ResponseWriter that costs nothing.
type sink struct{ h http.Header }

func (s *sink) Header() http.Header         { return s.h }
func (s *sink) WriteHeader(int)             {}
func (s *sink) Write(p []byte) (int, error) { return len(p), nil }

// BenchmarkMiddleware is what a request costs besides its handler.
func BenchmarkMiddleware(b *testing.B) {
	file, err := os.Create(filepath.Join(b.TempDir(), "log"))
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	body := make([]byte, 2<<10)
	bare := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write(body) })
	text := func(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }
	for name, h := range map[string]http.Handler{
		"none":            bare,
		"ScopedNames":     ScopedNames(bare),
		"CrossOrigin":     http.NewCrossOriginProtection().Handler(bare),
		"Front/silent":    Front{Log: slog.New(slog.DiscardHandler)}.Handler(bare),
		"Front/discard":   Front{Log: text(io.Discard)}.Handler(bare),
		"Front/file":      Front{Log: text(file)}.Handler(bare),
		"everything/file": Front{Log: text(file)}.Handler(ScopedNames(bare)),
	} {
		b.Run(name, func(b *testing.B) {
			r := httptest.NewRequest("GET", "/react", nil)
			w := &sink{http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				clear(w.h)
				h.ServeHTTP(w, r)
			}
		})
	}
}
