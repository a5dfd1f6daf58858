package e2e

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// front stands before a registry, sees what is asked, and may change what is answered.
type front struct {
	*httptest.Server

	mu     sync.Mutex
	target *url.URL
	asked  []string // method and path
	bodies []string // of the bulk audits
	tokens []string // what was sent as authorization
	answer http.HandlerFunc
	change func(path, text string) string
}

// newFront is a front of nothing yet.
func newFront(t *testing.T) *front {
	t.Helper()
	f := &front{}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(f.behind())
			r.Out.Header.Set("Accept-Encoding", "identity")
		},
		ModifyResponse: f.modify,
	}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h := f.note(r); h != nil && strings.Contains(r.URL.Path, "/security/") {
			h(w, r)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(f.Close)
	return f
}

// before sets what it stands before.
func (f *front) before(t *testing.T, target string) {
	t.Helper()
	u, err := url.Parse(strings.TrimSuffix(strings.TrimSpace(target), "/"))
	if err != nil || u.Host == "" {
		t.Fatalf("%q is no registry", target)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.target = u
}

func (f *front) behind() *url.URL {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.target
}

func (f *front) note(r *http.Request) http.HandlerFunc {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, r.Method+" "+r.URL.Path)
	if auth := r.Header.Get("Authorization"); auth != "" {
		f.tokens = append(f.tokens, auth)
	}
	return f.answer
}

// seen are the requests so far that have the text.
func (f *front) seen(text string) (found []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, line := range f.asked {
		if strings.Contains(line, text) {
			found = append(found, line)
		}
	}
	return found
}

// changing has documents changed from now on, by path.
func (f *front) changing(change func(path, text string) string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.change = change
}

// modify has tarballs fetched through the front, and makes the change.
func (f *front) modify(resp *http.Response) error {
	if !strings.Contains(resp.Header.Get("Content-Type"), "json") {
		return nil
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	text := strings.ReplaceAll(string(body), `"`+f.behind().String()+"/", `"`+f.URL+"/")
	f.mu.Lock()
	if f.change != nil {
		text = f.change(resp.Request.URL.Path, text)
	}
	f.mu.Unlock()
	resp.Header.Del("ETag") // it is another document
	resp.Header.Set("Content-Length", strconv.Itoa(len(text)))
	resp.Body = io.NopCloser(bytes.NewReader([]byte(text)))
	return nil
}
