package httpkit

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// Meter is told of every request. Its methods are called by many at the same time.
type Meter interface {
	Begun()
	Ended(Answered)
}

// Answered is how a request went. Every text in it is one of few: nothing is a client's.
type Answered struct {
	Method   string // "other" if it is none of the usual ones
	Route    string // pattern of the path, such as /{name}; "none" if there is no such route
	Status   int
	Aborted  bool   // the answer was cut off
	Action   string // of a write, as its audit line has it; empty: it was none
	Took     time.Duration
	Received int64 // bytes of the body
	Sent     int64
}

// countedBody counts what is read of a request's body.
type countedBody struct {
	io.ReadCloser
	bytes atomic.Int64 // a handler may have left somebody reading
}

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.bytes.Add(int64(n))
	return n, err
}

// answered describes the request at its end.
func (r *recorder) answered(aborted bool) Answered {
	a := Answered{
		Method: knownMethod(r.request.Method), Route: route(r.pattern), Status: r.status, Aborted: aborted,
		Took: time.Since(r.began), Received: r.body.bytes.Load(), Sent: r.bytes,
	}
	if a.Status == 0 {
		a.Status = http.StatusOK // net/http's
	}
	if r.note != nil {
		a.Action = r.note.action
	}
	return a
}

func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions, http.MethodPatch:
		return method
	}
	return "other"
}

// route is the path of a mux's pattern.
func route(pattern string) string {
	if pattern == "" || pattern == nothing {
		return "none"
	}
	_, path, ok := strings.Cut(pattern, " ")
	if !ok {
		return pattern
	}
	return path
}

// notePattern notes which route a request has met.
func notePattern(w http.ResponseWriter, r *http.Request) {
	if rec := recorderOf(w); rec != nil {
		rec.pattern = r.Pattern
	}
}
