package config

import (
	"errors"
	"fmt"

	"github.com/alecthomas/kong"
)

// ErrDone says that Parse has printed what was asked for: the program ends with success.
var ErrDone = errors.New("nothing left to do")

// UsageError is a mistake in how the program was called: exit code 2.
type UsageError struct {
	Message string
	Help    string // the command that explains more; may be empty
	cause   error
}

// Usagef returns a UsageError for what Parse cannot see, such as two options that do not go together.
func Usagef(format string, args ...any) *UsageError {
	err := fmt.Errorf(format, args...)
	return &UsageError{Message: err.Error(), cause: err}
}

func (e *UsageError) Error() string {
	if e.Help == "" {
		return e.Message
	}
	return fmt.Sprintf("%s (run %q)", e.Message, e.Help)
}

// Unwrap returns the cause, which Message already tells.
func (e *UsageError) Unwrap() error { return e.cause }

func (p Program) usageError(err error) error {
	u := &UsageError{Message: err.Error(), Help: p.Name + " --help", cause: err}
	if parse, ok := errors.AsType[*kong.ParseError](err); ok {
		u.cause = parse.Unwrap()
		if c := command(parse.Context); c != "" {
			u.Help = p.Name + " " + c + " --help"
		}
	}
	return u
}

// ExitCode is the exit code of a program whose work ended with err: 0 for nil
// and ErrDone, 2 for a *UsageError, else 1.
func ExitCode(err error) int {
	if err == nil || errors.Is(err, ErrDone) {
		return 0
	}
	if _, ok := errors.AsType[*UsageError](err); ok {
		return 2
	}
	return 1
}
