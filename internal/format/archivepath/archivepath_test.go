package archivepath_test

import (
	"strings"
	"testing"

	"github.com/org/registry-action/internal/format/archivepath"
)

func TestRule(t *testing.T) {
	deep := strings.Repeat("a/", 127)
	for _, name := range []string{"a", "a/b.js", ".npmrc", "a..b/...", "a b/ü", "1:x", "ab:c", deep + "f", strings.Repeat("n", 1024)} {
		if rule := archivepath.Rule(name); rule != "" {
			t.Errorf("%.60q: %s", name, rule)
		}
	}
	for name, want := range map[string]string{
		"": "empty", "/etc/passwd": "absolute", "../a": `".."`, "a/../b": `".."`, "./a": `"."`, "a//b": "empty part", "a/": "empty part",
		`a\b`: "backslash", "C:/x": "drive letter", "a/c:d": "drive letter", "a\x00b": "control", "a\nb": "control", "\xff": "UTF-8",
		deep + "a/f": "128 folders", strings.Repeat("n", 1025): "1024 bytes",
	} {
		if rule := archivepath.Rule(name); !strings.Contains(rule, want) {
			t.Errorf("%.60q: %q, want %q", name, rule, want)
		}
	}
}
