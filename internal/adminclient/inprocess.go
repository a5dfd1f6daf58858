package adminclient

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
)

// handlerTransport answers requests by a handler, in the caller's goroutine.
type handlerTransport struct{ handler http.Handler }

// RoundTrip makes the request look as a server would see it from a loopback
// address, and keeps the answer in memory: those of the administration are small.
func (t handlerTransport) RoundTrip(req *http.Request) (resp *http.Response, err error) {
	in := req.Clone(req.Context())
	in.RemoteAddr, in.RequestURI, in.Host = "127.0.0.1:0", req.URL.RequestURI(), req.URL.Host
	in.URL.Scheme, in.URL.Host = "", ""
	if in.Body == nil {
		in.Body = http.NoBody
	}
	defer in.Body.Close() // as a RoundTripper must
	defer func() {
		if p := recover(); p != nil {
			resp, err = nil, fmt.Errorf("the server gave up on %s %s: %v", req.Method, req.URL.Path, p)
		}
	}()
	w := &memory{header: http.Header{}}
	t.handler.ServeHTTP(w, in)
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return &http.Response{
		Status: fmt.Sprintf("%d %s", w.status, http.StatusText(w.status)), StatusCode: w.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: w.header,
		Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()), Request: req,
	}, nil
}

// memory is a ResponseWriter that keeps the answer.
type memory struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (m *memory) Header() http.Header { return m.header }

func (m *memory) WriteHeader(status int) {
	if m.status == 0 && status >= http.StatusOK {
		m.status = status
	}
}

func (m *memory) Write(p []byte) (int, error) {
	m.WriteHeader(http.StatusOK)
	if m.body.Len()+len(p) > maxAnswer {
		return 0, fmt.Errorf("the answer has more than %d bytes", maxAnswer)
	}
	return m.body.Write(p)
}
