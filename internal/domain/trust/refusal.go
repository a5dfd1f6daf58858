package trust

import (
	"fmt"

	"github.com/org/registry-action/internal/fault"
)

// refuse says which field differed, what it must be and what it is.
func refuse(kind fault.Kind, code, field, expected, got string) *fault.Error {
	return fault.New(kind, "the run is not trusted: its %s is %.300q, expected %.600s", field, got, expected).WithCode(code).
		With("field", field).With("expected", expected).With("got", clip(got))
}

// clip bounds what a refusal repeats of what was sent.
func clip(text string) string {
	const limit = 300
	if len(text) > limit {
		return fmt.Sprintf("%.*s…", limit, text)
	}
	return text
}
