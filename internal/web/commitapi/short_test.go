package commitapi

import (
	"strings"
	"testing"
)

func TestParseShort(t *testing.T) {
	for path, want := range map[string]shortURL{
		"a@1234567":                   {"", "a", "1234567", ""},
		"@s/a@1234567.tgz":            {"", "@s/a", "1234567", ".tgz"},
		"o/r/a@pr-7":                  {"o/r", "a", "pr-7", ""},
		"o/r/@s/a@branch:feature/x@y": {"o/r", "@s/a", "branch:feature/x@y", ""},
		"group/sub/proj/a@main":       {"group/sub/proj", "a", "main", ""},
		"o/r/a@tag:v1.0.0.tgz":        {"o/r", "a", "tag:v1.0.0", ".tgz"},
		"o/r/a@":                      {"o/r", "a", "", ""},
		"r/a@1234567":                 {"r/a", "a", "1234567", ""},
		"o/a@main.tgz":                {"o/a", "a", "main", ".tgz"},
		"lumen:@s/a@1234567":          {"", "lumen:@s/a", "1234567", ""},
		"lumen:a@1234567":             {"", "lumen:a", "1234567", ""},
		"o/r/lumen:@s/a@branch:x/y@z": {"o/r", "lumen:@s/a", "branch:x/y@z", ""},
		"o/r/xlumen:@s/a@pr-7":        {"o/r", "xlumen:", "s/a@pr-7", ""},
	} {
		if got, ok := parseShort(path); !ok || got != want {
			t.Errorf("parseShort(%q) = %+v, %v, want %+v", path, got, ok, want)
		}
	}
	for _, path := range []string{"", "a", "@s/a", "o/r/a", "o/@s/a@1234567", "@", "@s", "o/@s", "lumen:@s/a", "o/r/lumen:@s/a", "lumen:@"} {
		if got, ok := parseShort(path); ok {
			t.Errorf("parseShort(%q) = %+v, want it to be none", path, got)
		}
	}
}

func FuzzParseShort(f *testing.F) {
	f.Add("o/r/@s/a@branch:x.tgz")
	f.Add("o/r/lumen:@s/a@pr-7")
	f.Fuzz(func(t *testing.T, path string) {
		u, ok := parseShort(path)
		if !ok {
			return
		}
		joined := u.name + "@" + u.pointer + u.suffix
		if u.repository != "" {
			joined = u.repository + "/" + joined
		}
		// owner/name@pointer is the repository owner/name.
		if short := u.repository + "@" + u.pointer + u.suffix; strings.HasSuffix(u.repository, "/"+u.name) && strings.TrimPrefix(path, "/") == strings.TrimPrefix(short, "/") {
			return
		}
		if strings.TrimPrefix(path, "/") != strings.TrimPrefix(joined, "/") {
			t.Errorf("parseShort(%q) = %+v, which is %q", path, u, joined)
		}
	})
}
