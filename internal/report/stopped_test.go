package report

import (
	"strings"
	"testing"
)

// The line about a run that was stopped is there once, on top, whoever was stopped last.
func TestStopped(t *testing.T) {
	const comment = "### 3 packages\n\nand more\n\n"
	first := Stopped(Report{SHA: strings.Repeat("a", 40), JobURL: "https://github.com/acme/ws/actions/runs/1"}, comment)
	second := Stopped(Report{SHA: strings.Repeat("b", 40)}, first)
	for text, want := range map[string]string{first: "`aaaaaaaaaa`", second: "`bbbbbbbbbb`"} {
		if strings.Count(text, stoppedMark) != 1 || !strings.HasPrefix(text, stoppedMark) || !strings.Contains(text, want) || !strings.HasSuffix(text, "\n\n"+comment) {
			t.Errorf("want one line that has %s and then the comment:\n%s", want, text)
		}
	}
	if !strings.Contains(first, "[run](https://github.com/acme/ws/actions/runs/1)") || strings.Contains(second, "aaaa") {
		t.Errorf("first:\n%s\nsecond:\n%s", first, second)
	}
}
