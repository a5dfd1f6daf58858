package httpkit

import (
	"cmp"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/org/registry-action/internal/fault"
)

// stall is how long an upload or an answer may stand still.
const stall = time.Minute

// Body returns the request's body bounded to limit bytes, as sent and as
// decoded; a client that stops sending is cut off. Of the content encodings it
// knows gzip. What goes wrong with reading is the client's fault and says so.
func Body(w http.ResponseWriter, r *http.Request, limit int64) (io.Reader, error) {
	r.Body = &livelyBody{ReadCloser: http.MaxBytesReader(w, r.Body, limit), control: http.NewResponseController(w)}
	switch encoding := r.Header.Get("Content-Encoding"); encoding {
	case "", "identity":
		return faultyBody{r.Body}, nil
	case "gzip":
		gz, err := gzip.NewReader(r.Body)
		if err != nil {
			return nil, fault.Wrap(err, fault.Invalid, "the request's body is not gzip, as its Content-Encoding says")
		}
		return faultyBody{http.MaxBytesReader(w, gz, limit)}, nil
	default:
		return nil, fault.New(unsupportedMediaType, "Content-Encoding %.50q is not known here; send gzip or none", encoding)
	}
}

// faultyBody gives the errors of reading a body their kind.
type faultyBody struct{ io.Reader }

func (b faultyBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err == nil || err == io.EOF {
		return n, err
	}
	if e, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return n, fault.Wrap(err, fault.TooLarge, "the request is larger than the %d bytes that this server accepts", e.Limit)
	}
	return n, fault.Wrap(err, fault.Invalid, "the request's body is broken, or did not come to its end")
}

// cutOff ends a request whose body nobody reads and that never comes: net/http
// waits for what a handler left unread.
func cutOff(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(stall)) // not every connection has deadlines
	}
}

// livelyBody gives each read a deadline of its own. At the end of the body none
// is left behind: net/http listens on from there, and would end the request
// while its handler works.
type livelyBody struct {
	io.ReadCloser
	control *http.ResponseController
}

func (b *livelyBody) Read(p []byte) (int, error) {
	_ = b.control.SetReadDeadline(time.Now().Add(stall))
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		_ = b.control.SetReadDeadline(time.Time{})
	}
	return n, err
}

// DecodeJSON reads a JSON body of at most limit bytes into v.
func DecodeJSON(w http.ResponseWriter, r *http.Request, limit int64, v any) error {
	body, err := Body(w, r, limit)
	if err != nil {
		return err
	}
	d := json.NewDecoder(body)
	if err := d.Decode(v); err != nil {
		return JSONError(JSONBody, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fault.New(fault.Invalid, "Invalid JSON body: something follows the JSON value")
	}
	return nil
}

// JSONError makes an error of decoding public; what names the text that was decoded.
func JSONError(what string, err error) error {
	if _, ok := fault.Public(err); ok {
		return err
	}
	reason := err.Error()
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok { // its text names our types
		member := e.Field[strings.LastIndex(e.Field, ".")+1:]
		reason = fmt.Sprintf("%q may not be of the type %s", cmp.Or(member, "."), e.Value)
	}
	return fault.Wrap(err, fault.Invalid, "%s: %s", what, reason)
}

// JSONBody is what JSONError says of a body.
const JSONBody = "Invalid JSON body"
