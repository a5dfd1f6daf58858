package regclient

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode"

	"github.com/org/registry-action/internal/wire"
)

const (
	maxAnswer  = 16 << 20 // bytes of a JSON answer
	maxRefusal = 64 << 10
	maxMessage = 2000
)

// Error is an answer that is not what was asked for.
type Error struct {
	Method    string
	URL       string // without query
	Status    int
	Code      string // machine-readable, see wire.Error; empty if the server has none
	Message   string // the server's sentence; empty if it has none
	RequestID string // finds the request in the server's log
	Details   json.RawMessage
	Hint      string // what to do about it

	// What a refusal of a run says, see wire.Refusal; empty if it says nothing of the kind.
	Field, Expected, Got string
}

func (e *Error) Error() string {
	text := fmt.Sprintf("%s %s: %s", e.Method, e.URL, status(e.Status))
	if e.Message != "" {
		text += ": " + e.Message
	}
	if e.Field != "" {
		text += fmt.Sprintf(" (%s: expected %s, got %s)", e.Field, orNothing(e.Expected), orNothing(e.Got))
	}
	if e.RequestID != "" {
		text += " (request id " + e.RequestID + ")"
	}
	if e.Hint != "" {
		text += "; " + e.Hint
	}
	return text
}

func orNothing(s string) string {
	if s == "" {
		return "nothing"
	}
	return fmt.Sprintf("%q", s)
}

func status(code int) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", code, http.StatusText(code)))
}

// read takes the answer of a try that is not to be repeated. Its error is an
// *Error, or the connection's, after which the call is tried again.
func (l *call) read(resp *http.Response) error {
	if !l.accepted(resp.StatusCode) {
		return l.refusal(resp)
	}
	if l.into == nil {
		drain(resp.Body)
		return nil
	}
	if !isJSON(resp) {
		return l.newError(resp, "the answer is not JSON", notRegistry)
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, resp.Body, maxAnswer))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return l.newError(resp, fmt.Sprintf("the answer is longer than %d MiB", maxAnswer>>20), "")
	}
	if err == nil {
		err = json.NewDecoder(bytes.NewReader(body)).Decode(l.into)
		// A connection that ends too early need not look like an error.
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
			return l.newError(resp, "the answer is not that of a registry: "+l.redact(err.Error()), notRegistry)
		}
	}
	if err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	return nil
}

const notRegistry = "is REGISTRY_URL the address of a registry-server?"

// refusal reads an answer that says no.
func (l *call) refusal(resp *http.Response) error {
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxRefusal)) // half a sentence is better than none
	e := l.newError(resp, "", "")
	var w wire.Refusal
	if isJSON(resp) && json.Unmarshal(body, &w) == nil {
		e.Message, e.Code = l.redact(w.Error.Error), l.redact(w.Code)
		e.Field, e.Expected, e.Got = l.redact(w.Field), l.redact(w.Expected), l.redact(w.Got)
		e.Details = json.RawMessage(l.hideToken(string(body)))
		if id := l.redact(w.RequestID); id != "" {
			e.RequestID = id
		}
	} else if strings.Contains(resp.Header.Get("Content-Type"), "html") && resp.StatusCode < 500 {
		e.Message, e.Hint = "a web page answered", notRegistry
	}
	if l.own && e.Hint == "" {
		e.Hint = l.hint(e.Status)
	}
	return e
}

func (l *call) newError(resp *http.Response, message, hint string) *Error {
	return &Error{Method: l.method, URL: l.location(), Status: resp.StatusCode, Message: message, Hint: hint,
		RequestID: l.redact(resp.Header.Get("X-Request-Id"))}
}

func (l *call) hint(status int) string {
	if l.bearer != nil || l.renews {
		if status == http.StatusUnauthorized || status == http.StatusForbidden {
			return "" // no token that somebody has set is at fault; the server says what is
		}
	}
	switch status {
	case http.StatusUnauthorized:
		if l.token == "" {
			return "set REGISTRY_TOKEN to a token of this registry"
		}
		return "REGISTRY_TOKEN is not a token of this registry"
	case http.StatusForbidden:
		return "REGISTRY_TOKEN does not allow this; ask whoever runs the registry"
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		if l.method == http.MethodPost {
			return notRegistry
		}
	case http.StatusRequestEntityTooLarge:
		return "leave packages or files out, or have the registry's limit raised"
	}
	if l.tries > 1 && passing(status) {
		return fmt.Sprintf("it was tried %d times; look into the registry's log, or run this again later", l.tries)
	}
	return ""
}

func isJSON(resp *http.Response) bool {
	kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	return err == nil && (kind == "application/json" || strings.HasSuffix(kind, "+json"))
}

// redact makes a server's text safe to print: one bounded line, without our
// token, should the server repeat it.
func (l *call) redact(s string) string { return oneLine(l.hideToken(s)) }

func (l *call) hideToken(s string) string {
	if l.token == "" {
		return s
	}
	return strings.ReplaceAll(s, l.token, "[token]")
}

func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
	if len(s) > maxMessage {
		s = strings.ToValidUTF8(s[:maxMessage], "") + "…"
	}
	return s
}
