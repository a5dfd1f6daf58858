package report

import "testing"

func TestShellWord(t *testing.T) {
	for in, want := range map[string]string{
		"@acme/core@https://h.test/a/b@0.1.0": "@acme/core@https://h.test/a/b@0.1.0",
		"https://h.test/a?b=c&d":              "'https://h.test/a?b=c&d'",
		"it's":                                `'it'\''s'`,
		"$(x)":                                "'$(x)'",
		"a\nb":                                "a_b",
		"`<!--":                               "'__!--'",
		"":                                    "''",
		"~root":                               "'~root'",
	} {
		if got := shellWord(in); got != want {
			t.Errorf("shellWord(%q) = %s, want %s", in, got, want)
		}
	}
}

func TestSize(t *testing.T) {
	for in, want := range map[int64]string{
		0: "0 B", 999: "999 B", 1000: "1.0 kB", 999_949: "999.9 kB", 999_950: "1.0 MB",
		41_234: "41.2 kB", 12_345_678: "12.3 MB", 999_950_000: "1.0 GB",
	} {
		if got := size(in); got != want {
			t.Errorf("size(%d) = %s, want %s", in, got, want)
		}
	}
}

func TestAddress(t *testing.T) {
	for in, want := range map[string]string{
		"https://h.test/@a/b?x=1":  "https://h.test/%40a/b?x=1",
		"https://h.test/a(b)[c]|d": "https://h.test/a%28b%29%5Bc%5D%7Cd",
		"javascript:alert(1)":      "",
		"https://u:p@h.test/":      "",
		"/x":                       "",
		"":                         "",
	} {
		if got := address(in); got != want {
			t.Errorf("address(%q) = %q, want %q", in, got, want)
		}
	}
}
