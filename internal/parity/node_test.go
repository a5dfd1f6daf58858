package parity

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/registry-action/internal/format/packlist"
	"github.com/org/registry-action/internal/format/packlist/glob"
)

// globCase is a pattern and paths, and what minimatch says of them.
type globCase struct {
	Pattern  string     `json:"pattern"`
	Paths    [][]string `json:"paths"`
	Negated  bool       `json:"negated"`
	Relative bool       `json:"relative"`
	Hits     []int      `json:"hits"` // by path: 1 as a file, 2 as a folder, 4 in part
	Failed   bool       `json:"failed"`
}

// minimatchScript answers as ignore-walk asks: with a slash before and without.
const minimatchScript = `
const { Minimatch } = require(process.argv[1] + '/node_modules/minimatch')
const cases = JSON.parse(require('fs').readFileSync(0))
for (const c of cases) {
  try {
    const m = new Minimatch(c.pattern, { matchBase: true, dot: true, flipNegate: true, nocase: true })
    c.negated = m.negate
    c.relative = m.globParts.some(p => p.length <= (p.slice(-1)[0] ? 1 : 2))
    c.hits = c.paths.map(segments => {
      const p = segments.join('/')
      const any = (s, partial) => m.match('/' + s, partial) || m.match(s, partial)
      return any(p) * 1 + any(p + '/') * 2 + any(p, true) * 4
    })
  } catch { c.failed = true }
}
process.stdout.write(JSON.stringify(cases))
`

// globAtoms are pieces of patterns.
var globAtoms = strings.Fields(`a b ab c A . * ** ? ?? *** *.js *.* .* [ab] [!a] [^b] [a-c] [c-a] [[:alpha:]] [[:upper:]] [[:digit:]] [[:space:]]
	[[:punct:]] [[:word:]] [!-] []a] [a [] a] {a,b} {a,b,} {,a} {1..3} {01..10..3} {c..a} {a..e..2} {a} {a,b {a},b} @(a|b) +(a|b) *(a) ?(a|b)
	!(a) !(a|b) !(*.js) !(a.js) !(a)b +(a @() !() @(|a) *(a|*(b|@(c))) +(a|+(b|@(c))) \a \* \{a,b\} \\ é É 😀 日 *.ts a* *a *.d.ts - _ @ + ! # 1
	dist lib foo* .js .test $ ${a,b} {a,b}{c,d} {{a,b},c} {a,{b,c}d} {} {{a}} [日] ß *(!(a)b) @(a|!(b)) @(*|a) (a|b) ( ) [a-c]*.js !(*.test).js`)

func globPattern(r *rand.Rand) string {
	var b strings.Builder
	b.WriteString([]string{"", "", "", "/", "!", "./", "!/", "!!", "**/", "../"}[r.IntN(10)])
	for i := range 1 + r.IntN(4) {
		if i > 0 {
			b.WriteString([]string{"/", "/", "/", "", "", "//"}[r.IntN(6)])
		}
		b.WriteString(globAtoms[r.IntN(len(globAtoms))])
	}
	b.WriteString([]string{"", "", "", "", "", "/", "/**", "/*"}[r.IntN(8)])
	return b.String()
}

func globPath(r *rand.Rand) []string {
	names := strings.Fields(`a b ab abc A Ab.js a.js b.ts a.test.js .a .js ..a dist lib x.d.ts a-b a_b 1 2 10 [a] {a} a,b é É ß 日本 😀 a😀.js !a #a a+b @a
		a(b) ab.b aab foo bar index.js a\b - a]b ^ $ac bc acb`)
	segments := make([]string, 1+r.IntN(4)*r.IntN(2))
	for i := range segments {
		if segments[i] = names[r.IntN(len(names))]; r.IntN(2) == 0 {
			letters := []rune("aabbABc..js1-_é日😀")
			segments[i] = "x"[:r.IntN(2)]
			for range 1 + r.IntN(4) {
				segments[i] += string(letters[r.IntN(len(letters))])
			}
		}
		if segments[i] == "." || segments[i] == ".." {
			segments[i] = "a"
		}
	}
	return segments
}

// TestGlob compares package glob with npm's minimatch on made-up patterns.
// Left out are mistakes of minimatch's: an escaped "|", a "!( )" that is all of
// another, where it loses track of what follows, and whether a "?( )" within a
// "+( )" may make that empty.
func TestGlob(t *testing.T) {
	t.Parallel()
	npm := findNPM(t)
	r := rand.New(rand.NewPCG(10, 4))
	cases := make([]globCase, 6000)
	for i := range cases {
		cases[i].Pattern = globPattern(r)
		for range 25 {
			cases[i].Paths = append(cases[i].Paths, globPath(r))
		}
	}
	input, err := json.Marshal(cases)
	if err != nil {
		t.Fatal(err)
	}
	out, err := npm.Node(t.Context(), minimatchScript, bytes.NewReader(input))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out, &cases); err != nil {
		t.Fatal(err)
	}
	hits := 0
	for _, c := range cases {
		if c.Failed || strings.HasPrefix(c.Pattern, "#") || strings.Contains(c.Pattern, `\|`) {
			continue
		}
		p, err := glob.Compile(c.Pattern)
		if err != nil {
			t.Errorf("Compile(%q) = %v", c.Pattern, err)
			continue
		}
		if p.Negated() != c.Negated || p.Relative() != c.Relative {
			t.Errorf("%q: negated %t, relative %t; minimatch says %t, %t", c.Pattern, p.Negated(), p.Relative(), c.Negated, c.Relative)
		}
		for i, path := range c.Paths {
			got := 0
			for bit, hit := range []bool{
				p.Match(glob.Path{Segments: path}, false),
				p.Match(glob.Path{Segments: path, Trailing: true}, false),
				p.Match(glob.Path{Segments: path}, true),
			} {
				if hit {
					got |= 1 << bit
				}
			}
			if got != c.Hits[i] {
				t.Errorf("%q on %q = %03b, minimatch says %03b", c.Pattern, path, got, c.Hits[i])
			}
			if got != 0 {
				hits++
			}
		}
	}
	if hits < 1000 {
		t.Errorf("only %d hits: the patterns try nothing", hits)
	}
}

// orderScript sorts as npm-packlist does.
const orderScript = `
const { extname, basename } = require('path')
const names = JSON.parse(require('fs').readFileSync(0))
const compare = (a, b) => extname(a).toLowerCase().localeCompare(extname(b).toLowerCase(), 'en') ||
  basename(a).toLowerCase().localeCompare(basename(b).toLowerCase(), 'en') || a.localeCompare(b, 'en')
const sorted = names.map(n => n.startsWith('@') ? './' + n : n).sort(compare)
const same = sorted.map((n, i) => i > 0 && compare(sorted[i - 1], n) === 0)
process.stdout.write(JSON.stringify({ sorted: sorted.map(n => n.replace(/^\.\//, '')), same }))
`

// TestOrder compares the order of names with Node's.
func TestOrder(t *testing.T) {
	t.Parallel()
	npm := findNPM(t)
	r := rand.New(rand.NewPCG(5, 6))
	letters := []rune("aaAbBcC._-,;!?'()[]{}@&#%`^+=~$ 0123456789zZéÉèêëñÑüÜßøåÅæœçčřšŁłőаяЖЯкЁλΩσΣ日本語中文한글かカガ。、①½²™€£😀🎉ıİğ\u0301\u200d")
	seen := map[string]bool{}
	var names []string
	for len(names) < 4000 {
		var b strings.Builder
		for range 1 + r.IntN(7) {
			b.WriteRune(letters[r.IntN(len(letters))])
		}
		name := b.String()
		if r.IntN(3) == 0 {
			name = []string{"lib", "Lib", "src/a", "@s", "日本"}[r.IntN(5)] + "/" + name
		}
		if !seen[name] && !strings.HasSuffix(name, "/.") && !strings.HasSuffix(name, "/..") {
			seen[name] = true
			names = append(names, name)
		}
	}
	input, err := json.Marshal(names)
	if err != nil {
		t.Fatal(err)
	}
	out, err := npm.Node(t.Context(), orderScript, bytes.NewReader(input))
	if err != nil {
		t.Fatal(err)
	}
	var want struct {
		Sorted []string
		Same   []bool // as the name before
	}
	if err := json.Unmarshal(out, &want); err != nil {
		t.Fatal(err)
	}
	for i := 1; i < len(want.Sorted); i++ { // equal names: npm's order is chance, ours is by bytes
		for j := i; j > 0 && want.Same[j] && want.Sorted[j] < want.Sorted[j-1]; j-- {
			want.Sorted[j], want.Sorted[j-1] = want.Sorted[j-1], want.Sorted[j]
		}
	}
	files := make([]packlist.File, len(names))
	for i, n := range names {
		files[i].Path = n
	}
	packlist.Sort(files)
	got := make([]string, len(files))
	for i, f := range files {
		got[i] = f.Path
	}
	if !slices.Equal(got, want.Sorted) {
		t.Errorf("order (-npm +got):\n%s", cmp.Diff(want.Sorted, got))
	}
}
