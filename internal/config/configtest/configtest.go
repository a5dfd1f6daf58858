// Package configtest checks that documentation says what a command line does.
package configtest

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	begin = "<!-- options:begin -->"
	end   = "<!-- options:end -->"
)

// CheckDoc fails t unless the section of file between the lines
// <!-- options:begin --> and <!-- options:end --> is table, the work of
// config.Table. With UPDATE_DOCS=1 in the environment it writes the section instead.
func CheckDoc(t testing.TB, file, table string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("reading the documentation: %v", err)
	}
	head, rest, found := strings.Cut(string(text), begin)
	got, tail, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s has no section between %s and %s", file, begin, end)
	}
	want := "\n" + strings.TrimSpace(table) + "\n"
	if got == want {
		return
	}
	if os.Getenv("UPDATE_DOCS") != "1" {
		t.Fatalf("%s is out of date; UPDATE_DOCS=1 go test writes it (-have +want):\n%s", file, cmp.Diff(got, want))
	}
	if err := os.WriteFile(file, []byte(head+begin+want+end+tail), 0o644); err != nil {
		t.Fatalf("writing the documentation: %v", err)
	}
}
