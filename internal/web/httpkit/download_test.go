package httpkit

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// counted is what was counted.
type counted []string

func (c *counted) Count(kind, name, version, userAgent string) {
	*c = append(*c, strings.Join([]string{kind, name, version, userAgent}, " "))
}

// A download is what brings a client a tarball, from its beginning.
func TestCountDownload(t *testing.T) {
	for _, tt := range []struct {
		method, kind, header, value string
		status                      int // of an answer without the tarball; 0: with it
		want                        int
	}{
		{"GET", "npm", "", "", 0, 1},
		{"GET", "npm", "Range", "bytes=0-3", 0, 1},
		{"GET", "npm", "Range", "bytes=0-", 0, 1},
		{"GET", "npm", "Range", "bytes=1-", 0, 0},
		{"GET", "npm", "Range", "bytes=-3", 0, 0},
		{"GET", "npm", "Range", "bytes=0-1,4-5", 0, 0},
		{"GET", "npm", "Range", "bytes=99-", 0, 0},
		{"GET", "npm", "If-None-Match", `"tag"`, 0, 0},
		{"HEAD", "npm", "", "", 0, 0},
		{"GET", "", "", "", 0, 0}, // of upstream
		{"GET", "npm", "", "", http.StatusFound, 1},
		{"GET", "npm", "", "", http.StatusNotFound, 0},
		{"GET", "npm", "", "", http.StatusServiceUnavailable, 0},
	} {
		var got counted
		h := Front{Log: slog.New(slog.DiscardHandler)}.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer CountDownload(&got, w, r, tt.kind, "a", "1.0.0")
			CountDownload(nil, w, r, tt.kind, "a", "1.0.0") // nobody counts
			if tt.status != 0 {
				w.WriteHeader(tt.status)
				return
			}
			Serve(w, r, Content{Reader: strings.NewReader("a tarball"), Size: 9, ETag: "tag", ContentType: "application/gzip"})
		}))
		r := httptest.NewRequest(tt.method, "/", nil)
		r.Header.Set("User-Agent", "npm/11.0.0")
		if tt.header != "" {
			r.Header.Set(tt.header, tt.value)
		}
		h.ServeHTTP(httptest.NewRecorder(), r)
		if len(got) != tt.want || tt.want == 1 && got[0] != "npm a 1.0.0 npm/11.0.0" {
			t.Errorf("%s with %s %s, answered %d: counted %q, want %d", tt.method, tt.header, tt.value, tt.status, got, tt.want)
		}
	}
}
