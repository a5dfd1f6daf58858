package npmapi

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/registry-action/internal/fault"
)

// repeated reads the same text for ever, and counts.
type repeated struct {
	text string
	read int
}

func (r *repeated) Read(p []byte) (int, error) {
	n := copy(p, r.text[r.read%len(r.text):])
	r.read += n
	return n, nil
}

// TestAuditBombs: what nobody signed in for is refused before it is large in memory.
func TestAuditBombs(t *testing.T) {
	for begin, again := range map[string]string{`{"a":[""`: `,"1.0.0"`, `{"":[]`: `,"":[]`, `{"":[""]`: `,"b":["1.0.0"]`} {
		r := &repeated{text: again}
		_, err := readAudit(io.MultiReader(strings.NewReader(begin), r))
		if !errors.Is(err, fault.TooLarge) || r.read > 1<<20 {
			t.Errorf("%s%s… = %v after %d bytes", begin, again, err, r.read)
		}
	}
	for _, body := range []string{`{"a":[[]]}`, `{"a":[{}]}`, `{"a":{}}`, `{"a":["1"`, `{"a":["1"],}`, `{"a":["1"]`, `[]`, `null`, `{"a":null}`, `{} {}`, ``} {
		if _, err := readAudit(strings.NewReader(body)); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s = %v, want a refusal", body, err)
		}
	}
	deep := &repeated{text: "["}
	if _, err := readAudit(io.MultiReader(strings.NewReader(`{"a":[`), deep)); !errors.Is(err, fault.Invalid) || deep.read > 1<<20 {
		t.Errorf("a deep text = %v after %d bytes", err, deep.read)
	}
}

// TestSlowAudits: who sends slowly, or not at all, doesn't keep others out.
func TestSlowAudits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, err := readAudit(promptly{slow{}, time.Now().Add(auditWait)})
		if !errors.Is(err, fault.Invalid) {
			t.Errorf("a body without an end = %v", err)
		}

		s := &site{audits: make(chan struct{}, 1)}
		s.audits <- struct{}{}
		began := time.Now()
		if err := s.advisories(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", http.NoBody)); !errors.Is(err, fault.Unavailable) || time.Since(began) != auditWait {
			t.Errorf("an audit that does not get its turn = %v after %s", err, time.Since(began))
		}
	})
}

// slow sends a space every second.
type slow struct{}

func (slow) Read(p []byte) (int, error) {
	time.Sleep(time.Second)
	return copy(p, " "), nil
}
