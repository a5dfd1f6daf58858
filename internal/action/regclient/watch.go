package regclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// errStalled ends a try that is stuck. A limit on the whole try would end slow,
// big uploads as well.
var errStalled = errors.New("the connection stalled")

// watched is a RoundTripper that ends a try in which a body, sent or received,
// does not move for idle. The wait in between, for the answer's header, is the
// transport's to bound.
type watched struct {
	next http.RoundTripper
	idle time.Duration
}

func (w *watched) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	t := &try{ctx: ctx, cancel: cancel, idle: w.idle}
	t.timer = time.AfterFunc(w.idle, func() { cancel(fmt.Errorf("%w: no byte moved for %s", errStalled, w.idle)) })
	t.timer.Stop()
	out := req.WithContext(ctx)
	if req.Body != nil && req.Body != http.NoBody {
		out.Body = &sending{req.Body, t}
	}
	resp, err := w.next.RoundTrip(out)
	t.endSending()
	if err != nil {
		err = t.cause(err)
		cancel(nil)
		return nil, err
	}
	resp.Body = &receiving{resp.Body, t}
	return resp, nil
}

// try is one request on the wire.
type try struct {
	ctx    context.Context // of the request, which http.RoundTripper hands over in a struct as well
	cancel context.CancelCauseFunc
	idle   time.Duration

	mu    sync.Mutex
	timer *time.Timer
	sent  bool // the timer is the answer's
}

// sendingMoves starts or stops the timer unless the answer is there already:
// the transport may go on with the body for a moment.
func (t *try) sendingMoves(waiting bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.sent {
		return
	}
	t.timer.Stop()
	if waiting {
		t.timer.Reset(t.idle)
	}
}

func (t *try) endSending() {
	t.sendingMoves(false)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sent = true
}

// cause replaces the error of a cancelled try by the reason, if that is a stall.
func (t *try) cause(err error) error {
	if cause := context.Cause(t.ctx); errors.Is(cause, errStalled) {
		return cause
	}
	return err
}

// sending watches the time from one Read to the next: what the network takes
// for the bytes in between.
type sending struct {
	io.ReadCloser
	try *try
}

func (s *sending) Read(p []byte) (int, error) {
	s.try.sendingMoves(false)
	n, err := s.ReadCloser.Read(p)
	s.try.sendingMoves(err == nil)
	return n, err
}

func (s *sending) Close() error {
	s.try.sendingMoves(false)
	return s.ReadCloser.Close()
}

// receiving watches the time that a Read takes.
type receiving struct {
	io.ReadCloser
	try *try
}

func (r *receiving) Read(p []byte) (int, error) {
	r.try.timer.Reset(r.try.idle)
	n, err := r.ReadCloser.Read(p)
	r.try.timer.Stop()
	if err == nil || err == io.EOF {
		return n, err
	}
	return n, r.try.cause(err)
}

func (r *receiving) Close() error {
	r.try.timer.Stop()
	defer r.try.cancel(nil)
	return r.ReadCloser.Close()
}
