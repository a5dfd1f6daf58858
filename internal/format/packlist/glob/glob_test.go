package glob_test

import (
	"strings"
	"testing"

	"github.com/org/registry-action/internal/format/packlist/glob"
)

// The answers are those of minimatch 10.2.5; internal/parity asks it about many more.
func TestMatch(t *testing.T) {
	const file, folder, part = 1, 2, 4
	const all = file | folder | part
	for _, test := range []struct {
		pattern, path string
		want          int
	}{
		{"*.js", "a.js", all},
		{"*.js", "lib/A.JS", all},
		{"/*.js", "lib/a.js", 0},
		{"/*.js", "a.js", all},
		{"lib", "lib", all},
		{"lib/", "lib", folder | part},
		{"lib/", "src/lib", 0},
		{"lib/**", "lib", folder | part},
		{"lib/**", "lib/a/b", all},
		{"lib/**/x.js", "lib", part},
		{"lib/**/x.js", "lib/x.js", all},
		{"**/x/**", "a/x", folder | part},
		{"**/x/**", "a/x/b", all},
		{"./index.js", "index.js", 0},
		{"a/../b", "b", all},
		{"a//b", "a/b", all},
		{"*", ".hidden", all},
		{"?.js", "é.js", all},
		{"?.js", "😀.js", 0},
		{"??.js", "😀.js", all},
		{"É", "é", all},
		{"k", "\u212a", 0}, // the Kelvin sign
		{"{a,b}.{js,ts}", "b.ts", all},
		{"{1..10}", "7", all},
		{"{01..10}", "7", 0},
		{"{01..10}", "07", all},
		{"{a}", "{a}", all},
		{"${a,b}", "${a,b}", all},
		{"{},a}b", "{},a}b", all},
		{"[a-c]x", "bx", all},
		{"[!a-c]x", "bx", 0},
		{"[[:alpha:]]", "é", all},
		{"[[:digit:]]", "a", 0},
		{"[a", "[a", all},
		{"[]a]", "]", all},
		{"lib/!(*.test).js", "lib/a.js", all},
		{"lib/!(*.test).js", "lib/a.test.js", 0},
		{"@(a|b).js", "b.js", all},
		{"+(ab)", "ababab", all},
		{"*(ab)c", "c", all},
		{"?(a)b", "aab", 0},
		{"@(", "@(", all},
		{`\*`, "*", all},
		{`\*`, "a", 0},
		{`*\.js`, "a.js", 0}, // minimatch's short cut takes the backslash for itself
		{"readme{,.*[^~$]}", "README.md", all},
		{"readme{,.*[^~$]}", "README.md~", 0},
		{"[object Object]", "b", all},
	} {
		p, err := glob.Compile(test.pattern)
		if err != nil {
			t.Errorf("Compile(%q) = %v", test.pattern, err)
			continue
		}
		path := glob.Path{Segments: strings.Split(test.path, "/")}
		got := 0
		if p.Match(path, false) {
			got |= file
		}
		if p.Match(path, true) {
			got |= part
		}
		if path.Trailing = true; p.Match(path, false) {
			got |= folder
		}
		if got != test.want {
			t.Errorf("%q on %q = %03b, want %03b", test.pattern, test.path, got, test.want)
		}
	}
}

func TestNegated(t *testing.T) {
	for pattern, want := range map[string]bool{"a": false, "!a": true, "!!a": false, "!!!a": true, "!(a)": true} {
		p, err := glob.Compile(pattern)
		if err != nil || p.Negated() != want {
			t.Errorf("Compile(%q).Negated() = %t, %v, want %t", pattern, !want, err, want)
		}
	}
}

func TestLimits(t *testing.T) {
	for _, pattern := range []string{
		strings.Repeat("a", glob.MaxLength+1),
		strings.Repeat("{a,b}", 20),
		"{1..2001}",
		strings.Repeat("{", 2000) + strings.Repeat("}", 2000),
		"x" + strings.Repeat("!(a)", 1000),
	} {
		if _, err := glob.Compile(pattern); err == nil {
			t.Errorf("Compile of %.20q…, %d bytes, succeeds", pattern, len(pattern))
		}
	}
}

// Patterns that make backtracking matchers run for hours.
func TestNoBacktracking(t *testing.T) {
	name := strings.Repeat("a", 200) + "b"
	for _, pattern := range []string{strings.Repeat("a*", 60) + "c", "+(a|aa|aaa)c", "*(*(*(a)))c", "+(+(a)+(a))c", "*!(a)*!(a)*!(a)c"} {
		p, err := glob.Compile(pattern)
		if err != nil {
			t.Fatal(err)
		}
		if p.Match(glob.Path{Segments: []string{name}}, false) {
			t.Errorf("%q matches %q", pattern, name)
		}
	}
}

// FuzzCompile: no pattern panics or hangs, in compiling or in matching.
func FuzzCompile(f *testing.F) {
	for _, seed := range []string{"*.js", "!/lib/**/{a,b}.@(js|ts)", "[[:alpha:]-z]", "+(a|!(b|*(c)))d", "{1..3}{a,{b,c}}", `\{a,b\}`, "../a//b/./..", "{a},b}", "[a-", "!(", "**/**/x/**"} {
		f.Add(seed, "lib/a.js")
	}
	f.Fuzz(func(t *testing.T, pattern, path string) {
		p, err := glob.Compile(pattern)
		if err != nil {
			return
		}
		segments := strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
		if len(segments) == 0 || len(path) > 1000 {
			return
		}
		for _, trailing := range []bool{false, true} {
			full := p.Match(glob.Path{Segments: segments, Trailing: trailing}, false)
			if partial := p.Match(glob.Path{Segments: segments, Trailing: trailing}, true); full && !partial {
				t.Errorf("%q matches %q wholly but not in part", pattern, path)
			}
		}
	})
}
