package httpkit

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

var errPanic = errors.New("handler panicked")

// slowest is the rate below which an answer is cut off, in bytes per second.
const slowest = 16 << 10

// recorder notes what was answered, and gives the client a time to take it.
type recorder struct {
	http.ResponseWriter
	request *http.Request
	scope   scope // of the request
	header  [1]string
	status  int
	bytes   int64
	body    countedBody
	pattern string     // of the route
	note    *auditNote // of a write
	logged  bool
	began   time.Time // if the request is logged or metered
}

// attach returns the request as handlers get it, which leads the lines logged for it to its id.
func (r *recorder) attach(req *http.Request, trusted bool) *http.Request {
	r.scope = scope{Context: req.Context(), id: requestIDOf(req, trusted)}
	r.request = req.WithContext(&r.scope)
	if req.ContentLength != 0 && req.Body != nil {
		r.body.ReadCloser = req.Body
		r.request.Body = &r.body
	}
	return r.request
}

// recorderOf finds the recorder of an answer, nil if there is none.
func recorderOf(w http.ResponseWriter) *recorder {
	for {
		switch v := w.(type) {
		case *recorder:
			return v
		case interface{ Unwrap() http.ResponseWriter }:
			w = v.Unwrap()
		default:
			return nil
		}
	}
}

// Unwrap lets http.ResponseController through.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && status >= http.StatusOK {
		r.start(status)
	}
	r.ResponseWriter.WriteHeader(status)
}

// start sets a deadline: a client that stops reading must not keep a file or an
// answer for ever. Before it writes, net/http may wait for an unread body: cutOff.
func (r *recorder) start(status int) {
	r.status = status
	h := r.Header()
	if status >= http.StatusBadRequest && strings.HasPrefix(r.request.UserAgent(), "zig/") {
		h["Connection"] = []string{"close"} // Zig 0.15 was seen to wait for the end of a connection after an error
	}
	protect(h)
	var size int64
	if length := h["Content-Length"]; len(length) > 0 {
		size, _ = strconv.ParseInt(length[0], 10, 64)
	}
	limit := 2*stall + time.Duration(size/slowest)*time.Second
	_ = http.NewResponseController(r.ResponseWriter).SetWriteDeadline(time.Now().Add(limit)) // not every connection has deadlines
}

func (r *recorder) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.start(http.StatusOK)
	}
	n, err := r.ResponseWriter.Write(p)
	r.bytes += int64(n)
	return n, err
}

// ReadFrom keeps the way to the kernel's sendfile open.
func (r *recorder) ReadFrom(src io.Reader) (int64, error) {
	if r.status == 0 {
		r.start(http.StatusOK)
	}
	n, err := io.Copy(r.ResponseWriter, src)
	r.bytes += n
	return n, err
}

// started reports whether an answer is on its way already.
func started(w http.ResponseWriter) bool {
	rec := recorderOf(w)
	return rec != nil && rec.status != 0
}
