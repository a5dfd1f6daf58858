package s3blob_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/clients/s3server"
	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/blob/s3blob"
)

// Whoever set it up wrongly reads what to change.
func TestOpenSaysWhatIsWrong(t *testing.T) {
	server := s3server.Start(t)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Amz-Bucket-Region", "eu-central-1")
		w.WriteHeader(http.StatusMovedPermanently)
	}))
	defer elsewhere.Close()
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusMethodNotAllowed) }))
	defer other.Close()
	gone := httptest.NewServer(nil)
	gone.Close()
	tests := []struct {
		name string
		env  map[string]string
		edit func(*s3blob.Config)
		kind fault.Kind
		text string
	}{
		{"no bucket", nil, func(c *s3blob.Config) { c.Bucket = "nowhere" }, fault.Invalid, `no bucket "nowhere"`},
		{"wrong key", map[string]string{"AWS_SECRET_ACCESS_KEY": "very-wrong"}, nil, fault.Invalid, "s3:ListBucket"},
		{"no credentials", map[string]string{"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, nil, fault.Invalid, "AWS_ACCESS_KEY_ID"},
		{"another region", nil, func(c *s3blob.Config) { c.Endpoint = elsewhere.URL }, fault.Invalid, `"eu-central-1"; set S3_REGION`},
		{"another server", nil, func(c *s3blob.Config) { c.Endpoint = other.URL }, fault.Upstream, "status 405"},
		{"no server", nil, func(c *s3blob.Config) { c.Endpoint = gone.URL }, fault.Upstream, "can't be reached"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for name, value := range tt.env {
				t.Setenv(name, value)
			}
			c := configOf(t, server)
			if tt.edit != nil {
				tt.edit(&c)
			}
			s, err := s3blob.Open(t.Context(), c)
			e, ok := fault.Public(err)
			if s != nil || !ok || !errors.Is(err, tt.kind) || !strings.Contains(e.Message, tt.text) {
				t.Errorf("Open = %v, %v; want %s with %q", s, err, tt.kind, tt.text)
			}
			if strings.Contains(err.Error(), "very-wrong") {
				t.Error("the secret is shown")
			}
		})
	}
}
