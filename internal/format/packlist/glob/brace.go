package glob

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// The limits of an expansion. brace-expansion cuts off silently at its own,
// higher ones.
const (
	maxExpansions     = 2_000
	maxExpansionBytes = 1_000_000
	maxBraces         = 1_000
)

// Placeholders for escaped characters, so that they are no syntax while braces
// are expanded. Patterns come from lines of text, so NUL is free to use.
const (
	escapedSlash  = "\x00S"
	escapedOpen   = "\x00O"
	escapedClose  = "\x00C"
	escapedComma  = "\x00M"
	escapedPeriod = "\x00P"
)

var (
	numberRange = regexp.MustCompile(`^(-?\d+)\.\.(-?\d+)(?:\.\.(-?\d+))?$`)
	letterRange = regexp.MustCompile(`^([a-zA-Z])\.\.([a-zA-Z])(?:\.\.(-?\d+))?$`)
	// commaLater finds the "}" that a group without a comma of its own may still
	// belong to, as in "{a},b}".
	commaLater = regexp.MustCompile(`,(?:[^,\n].*)?\}`)
	padded     = regexp.MustCompile(`^-?0\d`)
)

// expandBraces expands the braces of a pattern as brace-expansion 5 does, in
// its order, without doubles.
func expandBraces(pattern string) ([]string, error) {
	open := strings.IndexByte(pattern, '{')
	if open < 0 || strings.LastIndexByte(pattern, '}') < open {
		return []string{pattern}, nil
	}
	if n := strings.Count(pattern, "{"); n > maxBraces {
		return nil, fmt.Errorf("its %d braces are more than the limit of %d", n, maxBraces)
	}
	if rest, ok := strings.CutPrefix(pattern, "{}"); ok {
		pattern = `\{\}` + rest // bash leaves a leading {} alone
	}
	x := expander{}
	escape := strings.NewReplacer(`\\`, escapedSlash, `\{`, escapedOpen, `\}`, escapedClose, `\,`, escapedComma, `\.`, escapedPeriod)
	all := x.expand(escape.Replace(pattern), true)
	if x.overflow {
		return nil, fmt.Errorf("its braces expand to more than %d patterns or %d bytes", maxExpansions, maxExpansionBytes)
	}
	unescape := strings.NewReplacer(escapedSlash, `\`, escapedOpen, `{`, escapedClose, `}`, escapedComma, `,`, escapedPeriod, `.`)
	seen := make(map[string]bool, len(all))
	var distinct []string
	for _, s := range all {
		if s = unescape.Replace(s); !seen[s] {
			seen[s] = true
			distinct = append(distinct, s)
		}
	}
	return distinct, nil
}

type expander struct{ overflow bool }

// expand consumes the outermost groups from left to right. top says that empty
// results are dropped, as bash does for a whole pattern.
func (x *expander) expand(s string, top bool) []string {
	done := []string{""}
	dropEmpty, first := false, true
	for !x.overflow {
		pre, body, post, ok := balanced(s)
		if !ok {
			return x.combine(done, s, []string{""}, dropEmpty)
		}
		last := post == ""
		if strings.HasSuffix(pre, "$") { // ${x} is left alone
			done = x.combine(done, pre+"{"+body+"}", []string{""}, dropEmpty && last)
			first = false
		} else {
			isRange := numberRange.MatchString(body) || letterRange.MatchString(body)
			if !isRange && !strings.Contains(body, ",") {
				if commaLater.MatchString(post) {
					s, top = pre+"{"+body+escapedClose+post, true
					continue
				}
				return x.combine(done, s, []string{""}, dropEmpty)
			}
			if first {
				dropEmpty, first = top && !isRange, false
			}
			done = x.combine(done, pre, x.values(body, isRange), dropEmpty && last)
		}
		if last {
			return done
		}
		s = post
	}
	return nil
}

// values are what a group stands for.
func (x *expander) values(body string, isRange bool) []string {
	if isRange {
		return x.sequence(body)
	}
	parts := splitCommas(body)
	if len(parts) == 1 { // x{{a,b}}y is x{a}y x{b}y
		inner := x.expand(parts[0], false)
		for i := range inner {
			inner[i] = "{" + inner[i] + "}"
		}
		if len(inner) == 1 {
			return inner
		}
		parts = inner
	}
	var values []string
	for _, p := range parts {
		values = append(values, x.expand(p, false)...)
		if len(values) > maxExpansions {
			x.overflow = true
			return nil
		}
	}
	return values
}

// combine puts every prefix before every value, with middle in between.
func (x *expander) combine(prefixes []string, middle string, values []string, dropEmpty bool) []string {
	out := make([]string, 0, min(len(prefixes)*len(values), maxExpansions))
	size := 0
	for _, p := range prefixes {
		for _, v := range values {
			s := p + middle + v
			if dropEmpty && s == "" {
				continue
			}
			if size += len(s); len(out) == maxExpansions || size > maxExpansionBytes {
				x.overflow = true
				return nil
			}
			out = append(out, s)
		}
	}
	return out
}

// sequence expands a body like 1..5, 01..10..2 or a..e.
func (x *expander) sequence(body string) []string {
	letters := true
	m := letterRange.FindStringSubmatch(body)
	if m == nil {
		letters = false
		m = numberRange.FindStringSubmatch(body)
	}
	from, to, step := bound(m[1], letters), bound(m[2], letters), 1
	if m[3] != "" {
		step = max(1, abs(bound(m[3], false)))
	}
	if abs(to-from)/step >= maxExpansions {
		x.overflow = true
		return nil
	}
	if to < from {
		step = -step
	}
	width := 0
	if slices.ContainsFunc(m[1:], padded.MatchString) {
		width = max(len(m[1]), len(m[2]))
	}
	var out []string
	for n := from; step > 0 && n <= to || step < 0 && n >= to; n += step {
		switch {
		case !letters:
			out = append(out, pad(n, width))
		case n == '\\':
			out = append(out, "")
		default:
			out = append(out, string(rune(n)))
		}
	}
	return out
}

func bound(s string, letter bool) int {
	if letter {
		return int(s[0])
	}
	n, _ := strconv.ParseInt(s, 10, 32) // out of range it gives the nearest bound
	return int(n)
}

func pad(n, width int) string {
	if n < 0 {
		return "-" + fmt.Sprintf("%0*d", max(width-1, 0), -n)
	}
	return fmt.Sprintf("%0*d", width, n)
}

func abs(n int) int { return max(n, -n) }

// splitCommas splits a body at the commas that no inner group holds.
func splitCommas(body string) []string {
	pre, inner, post, ok := balanced(body)
	if !ok {
		return strings.Split(body, ",")
	}
	parts := strings.Split(pre, ",")
	parts[len(parts)-1] += "{" + inner + "}"
	if post == "" {
		return parts
	}
	rest := splitCommas(post)
	parts[len(parts)-1] += rest[0]
	return append(parts, rest[1:]...)
}

// balanced finds the leftmost group whose braces balance, as balanced-match does.
func balanced(s string) (pre, body, post string, ok bool) {
	open := strings.IndexByte(s, '{')
	if open < 0 {
		return "", "", "", false
	}
	var opens []int
	left, right := -1, -1
	for i := open; i < len(s); i++ {
		switch {
		case s[i] == '{':
			opens = append(opens, i)
		case s[i] != '}' || len(opens) == 0:
		case len(opens) == 1:
			return s[:opens[0]], s[opens[0]+1 : i], s[i+1:], true
		default:
			last := opens[len(opens)-1]
			opens = opens[:len(opens)-1]
			if left < 0 || last < left {
				left, right = last, i
			}
		}
	}
	if left < 0 {
		return "", "", "", false
	}
	return s[:left], s[left+1 : right], s[right+1:], true
}
