package zig

import (
	"cmp"
	_ "embed"
	"strconv"
	"strings"
	"testing"
)

//go:embed testdata/compilers.txt
var compilersText string

// judged is a manifest and what the real compilers said to it.
type judged struct{ name, reads, text string }

func judgedManifests(t testing.TB) []judged {
	t.Helper()
	var list []judged
	for line := range strings.Lines(compilersText) {
		if line[0] == '#' {
			continue
		}
		parts := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		text, err := strconv.Unquote(parts[2])
		if err != nil {
			t.Fatalf("%s: %v", parts[0], err)
		}
		list = append(list, judged{name: parts[0], reads: parts[1], text: text})
	}
	return list
}

// unlike are the manifests on which we differ from a compiler, and why.
var unlike = map[string]string{
	"bad-utf8-paths": "values go into JSON, so they must be UTF-8", "bad-utf8-paths-old": "the same",
	"ver-under": "1_0.0.0 is read as 10.0.0, but is a version nowhere else", "ver-under-old": "the same",
	"fp-zero-old": "compilers before 0.14 don't look at a fingerprint; it would be wrong for all later ones", "fp-under2-old": "the same",
	"fp-neg-old": "the same", "fp-65-old": "the same", "fp-lead-old": "the same", "fp-upper-old": "the same", "fp-str-old": "the same", "fp-char-old": "the same",
	"fp-float-old": "the same", "fp-trail-old": "the same", "fp-dbl-old": "the same", "fp-0x-old": "the same",
	"value-17": "an expression, not ZON: --1", "value-17-old": "the same",
	"value-18": "an expression: -.x", "value-18-old": "the same", "value-24": "an expression: {}", "value-24-old": "the same",
	"value-52": "an expression: .a == 1", "value-52-old": "the same", "value-53": "an expression: .x.y", "value-53-old": "the same",
	"value-55": "an expression: -\"a\"", "value-55-old": "the same", "value-56": "an expression: -.{}", "value-56-old": "the same",
	"value-57": "an expression: - - 1", "value-57-old": "the same", "value-58": "an expression: @\"x\"", "value-58-old": "the same",
	"value-60": "a tab behind a backslash is no escape", "value-60-old": "the same",
	"dup-name-old":       "two names of two kinds: no compiler before 0.14 reads the first",
	"char-multi-old":     "a character literal of two characters: before 0.14 the tokenizer refuses it",
	"value-35-old":       "an empty character literal: the same",
	"dep-hash-garbage":   "0.16 and later read the hash, then crash when they need its base64",
	"dep-hash-upper-old": "before 0.14 a hash in upper case is read, but no content ever has it",
}

// TestCompilers compares which compilers read a manifest with what the real ones did.
func TestCompilers(t *testing.T) {
	for _, c := range judgedManifests(t) {
		t.Run(c.name, func(t *testing.T) {
			m, err := ParseManifest([]byte(c.text))
			var reads []string
			for minor := 12; minor <= latest && err == nil; minor++ {
				if !stopped(&m, minor) {
					reads = append(reads, strconv.Itoa(minor))
				}
			}
			got := cmp.Or(strings.Join(reads, ","), "-")
			if why, ok := unlike[c.name]; ok == (got == c.reads) {
				t.Errorf("%s\nis read by %s, by compilers %s (%v); known difference: %q", c.text, got, c.reads, err, why)
			}
		})
	}
}

// stopped reports whether something that the manifest says keeps Zig 0.minor from fetching it.
func stopped(m *Manifest, minor int) bool {
	p := &Package{Manifest: m}
	for _, f := range append(p.manifestFindings(), p.dependencyFindings()...) {
		if f.code != "manifest_not_in_paths" && f.stops != nil && f.stops(minor) {
			return true
		}
	}
	return minor >= 14 && m.Fingerprint != 0 && !fingerprintFits(m.Fingerprint, m.Name)
}
