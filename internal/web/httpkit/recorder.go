package httpkit

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"
)

var errPanic = errors.New("handler panicked")

// slowest is the rate below which an answer is cut off, in bytes per second.
const slowest = 16 << 10

// recorder notes what was answered, and gives the client a time to take it.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
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
// answer for ever. Before it writes, net/http may wait for an unread body: CutOff.
func (r *recorder) start(status int) {
	r.status = status
	protect(r.Header())
	size, _ := strconv.ParseInt(r.Header().Get("Content-Length"), 10, 64)
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
	rec, ok := w.(*recorder)
	return ok && rec.status != 0
}
