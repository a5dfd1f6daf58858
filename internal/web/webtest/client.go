package webtest

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/web/httpkit"
)

// RootToken is the operator's.
const RootToken = "root-token-of-the-test"

// Client asks a server.
type Client struct {
	T      *testing.T
	URL    string   // of the server
	Token  string   // of who asks; "" shows none
	Header []string // of every request, as "Name: value" lines
}

// Serve starts a server for the API that handler makes of the server's URL,
// behind what stands in front of all of them. Its client is the operator's.
func Serve(t *testing.T, log *slog.Logger, handler func(url string) http.Handler) Client {
	t.Helper()
	srv := httptest.NewUnstartedServer(nil)
	url := "http://" + srv.Listener.Addr().String()
	srv.Config.Handler = httpkit.Front{Log: log}.Handler(httpkit.ScopedNames(handler(url)))
	srv.Start()
	t.Cleanup(srv.Close)
	return Client{T: t, URL: url, Token: RootToken}
}

// Do makes a request to a path as it stands. header holds "Name: value" lines.
func (c Client) Do(method, path string, body io.Reader, header ...string) Answer {
	c.T.Helper()
	req, err := http.NewRequestWithContext(c.T.Context(), method, c.URL+"/", body)
	if err != nil {
		c.T.Fatal(err)
	}
	path, req.URL.RawQuery, _ = strings.Cut(path, "?")
	if req.URL.Path, err = url.PathUnescape(path); err != nil {
		c.T.Fatal(err)
	}
	req.URL.RawPath = path
	if c.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.Token)
	}
	for _, lines := range [][]string{c.Header, header} {
		for _, line := range lines {
			name, value, _ := strings.Cut(line, ": ")
			req.Header.Set(name, value)
		}
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		c.T.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) { // a server that breaks off is the test's to judge
		c.T.Fatal(err)
	}
	return Answer{Response: resp, Data: b, Broken: err != nil}
}

// Get is Do without a body.
func (c Client) Get(path string, header ...string) Answer {
	c.T.Helper()
	return c.Do(http.MethodGet, path, nil, header...)
}

// Answer is an answer with its body.
type Answer struct {
	*http.Response
	Data   []byte
	Broken bool // the server broke off
}

// JSON is the body's object; nil if it is none.
func (a Answer) JSON() map[string]any {
	var m map[string]any
	_ = json.Unmarshal(a.Data, &m) // nil tells enough
	return m
}

// Text is a member of the body's object; "" if it is no text.
func (a Answer) Text(member string) string {
	s, _ := a.JSON()[member].(string)
	return s
}

// Lacks fails the test if the answer has a text in its body.
func (a Answer) Lacks(t *testing.T, text string) {
	t.Helper()
	if strings.Contains(string(a.Data), text) {
		t.Errorf("%s %s answers %.600s, want none of %q", a.Request.Method, a.Request.URL.RequestURI(), a.Data, text)
	}
}

// Want fails the test if the answer has not the status, or not the text in its
// body, or was broken off.
func (a Answer) Want(t *testing.T, status int, text string) Answer {
	t.Helper()
	if a.StatusCode != status || a.Broken || !strings.Contains(string(a.Data), text) {
		t.Errorf("%s %s = %d %.600s (broken off: %v), want %d with %q", a.Request.Method, a.Request.URL.RequestURI(), a.StatusCode, a.Data, a.Broken, status, text)
	}
	return a
}
