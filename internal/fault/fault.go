// Package fault is the vocabulary of refusals: a handful of kinds that every
// layer can return and one web function turns into a status.
//
// The message of an Error is public; its cause is for the log only.
package fault

import (
	"errors"
	"fmt"
	"time"
)

// Kind classifies an error. A Kind is itself an error, so that
// errors.Is(err, fault.NotFound) asks for the kind of a whole chain.
type Kind string

// The kinds. The text of each is the default machine-readable code of an answer.
const (
	Invalid         Kind = "invalid"
	Unauthenticated Kind = "unauthenticated"
	Forbidden       Kind = "forbidden"
	NotFound        Kind = "not_found"
	Exists          Kind = "exists"
	TooLarge        Kind = "too_large"
	Upstream        Kind = "upstream"
	Loop            Kind = "upstream_loop"
	Unavailable     Kind = "unavailable"
)

func (k Kind) Error() string { return string(k) }

// Error is a refusal with a public message.
type Error struct {
	Kind    Kind
	Code    string         // more specific than Kind; empty means the kind's own text
	Message string         // public: names the input, the rule and the way out
	Details map[string]any // public: extra members of a JSON answer
	Wait    time.Duration  // of Unavailable: after which trying again may help; 0: at once
	cause   error
}

// New returns an Error of a kind with a public message.
func New(k Kind, format string, args ...any) *Error {
	return &Error{Kind: k, Message: fmt.Sprintf(format, args...)}
}

// Wrap is New with a cause that only the log shows. It keeps errors.Is and
// errors.As working on the cause.
func Wrap(cause error, k Kind, format string, args ...any) *Error {
	e := New(k, format, args...)
	e.cause = cause
	return e
}

// WithCode sets the machine-readable code and returns e.
func (e *Error) WithCode(code string) *Error {
	e.Code = code
	return e
}

// With adds a public detail and returns e.
func (e *Error) With(key string, value any) *Error {
	if e.Details == nil {
		e.Details = map[string]any{}
	}
	e.Details[key] = value
	return e
}

// Wait is how long a caller that meets err should wait before it tries again; 0 if nothing is known of it.
func Wait(err error) time.Duration {
	for {
		e, ok := errors.AsType[*Error](err)
		if !ok {
			return 0
		}
		if e.Wait > 0 {
			return e.Wait
		}
		err = e.cause
	}
}

// Error gives the message and, for logs, the cause.
func (e *Error) Error() string {
	if e.cause != nil {
		return e.Message + ": " + e.cause.Error()
	}
	return e.Message
}

// Is reports whether target is e's kind.
func (e *Error) Is(target error) bool {
	k, ok := target.(Kind)
	return ok && k == e.Kind
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.cause }

// Public returns the kind, code and message that a caller may see. An error
// that is no *Error anywhere in its chain is not public: ok is false.
func Public(err error) (e *Error, ok bool) {
	e, ok = errors.AsType[*Error](err)
	return e, ok
}

// Bytes writes a limit in the largest unit that divides it, for messages.
func Bytes(n int64) string {
	units := []string{"bytes", "KiB", "MiB", "GiB"}
	for len(units) > 1 && n > 0 && n%1024 == 0 {
		n /= 1024
		units = units[1:]
	}
	return fmt.Sprintf("%d %s", n, units[0])
}
