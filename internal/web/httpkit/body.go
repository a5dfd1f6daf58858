package httpkit

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/org/registry-action/internal/fault"
)

// stall is how long an upload may stand still.
const stall = time.Minute

// Body returns the request's body bounded to limit bytes; a client that stops
// sending is cut off.
func Body(w http.ResponseWriter, r *http.Request, limit int64) io.ReadCloser {
	r.Body = &livelyBody{ReadCloser: http.MaxBytesReader(w, r.Body, limit), control: http.NewResponseController(w)}
	return r.Body
}

type livelyBody struct {
	io.ReadCloser
	control *http.ResponseController
}

func (b *livelyBody) Read(p []byte) (int, error) {
	_ = b.control.SetReadDeadline(time.Now().Add(stall)) // not every connection has deadlines
	return b.ReadCloser.Read(p)
}

// DecodeJSON reads a JSON body of at most limit bytes into v.
func DecodeJSON(w http.ResponseWriter, r *http.Request, limit int64, v any) error {
	d := json.NewDecoder(Body(w, r, limit))
	if err := d.Decode(v); err != nil {
		return JSONError(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fault.New(fault.Invalid, "Invalid JSON body: something follows the JSON value")
	}
	return nil
}

// JSONError makes a decoding error public.
func JSONError(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return err
	}
	if _, ok := fault.Public(err); ok {
		return err
	}
	return fault.Wrap(err, fault.Invalid, "Invalid JSON body: %v", err)
}
