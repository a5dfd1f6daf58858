package report

import (
	"net/url"
	"strings"
	"unicode"
)

// code makes a code span of text from outside. In a code span nothing is a
// mention, a link or HTML; the few characters that could end it, or the
// table's cell around it, are replaced. No valid name or version has them.
func code(s string) string { return span(s, "") }

// span is code that keeps some of these characters.
func span(s, keep string) string {
	s = strings.TrimSpace(strings.Map(func(c rune) rune {
		if strings.ContainsRune(keep, c) {
			return c
		}
		switch c {
		case '`':
			return '\''
		case '|':
			return '¦'
		case '<':
			return '‹'
		case '>':
			return '›'
		}
		return c
	}, plain(s)))
	if s == "" {
		s = "?"
	}
	return "`" + s + "`"
}

// plain replaces what moves a terminal's cursor or breaks a line.
func plain(s string) string {
	return strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return '�'
		}
		return c
	}, strings.ToValidUTF8(s, "�"))
}

// maxWord bounds a name in a command or a code span, in bytes. npm's own bound
// for names is 214.
const maxWord = 1000

// link makes a Markdown link of an inner text that is safe already. Without a
// web address it is the text alone.
func link(text, target string) string {
	if target = address(target); target == "" {
		return text
	}
	return "[" + text + "](" + target + ")"
}

// address returns an http or https URL with everything escaped that means
// something to Markdown, and @, which means something to GitHub; "" for any
// other URL.
func address(target string) string {
	u, err := url.Parse(target)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" || len(target) > 2*maxWord {
		return ""
	}
	var b strings.Builder
	for _, c := range []byte(u.String()) {
		if isAlphanumeric(c) || strings.IndexByte("-._~:/?#&=%+,;", c) >= 0 {
			b.WriteByte(c)
		} else {
			b.WriteString("%" + strings.ToUpper(string("0123456789abcdef"[c>>4])+string("0123456789abcdef"[c&15])))
		}
	}
	return b.String()
}

// shellWord makes one word of a command line. Words that a shell or a code
// block would not take as they are get quoted; what quotes don't help against,
// and no valid name or URL has, is replaced.
func shellWord(s string) string {
	s = literal(s)
	unsafe := func(c rune) bool {
		return c >= 128 || !isAlphanumeric(byte(c)) && !strings.ContainsRune("-._~:/@%+=,", c)
	}
	if s != "" && !strings.ContainsFunc(s, unsafe) && s[0] != '~' {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// literal makes text for a code block. What could end the block, and no valid
// name or URL has, is replaced.
func literal(s string) string {
	return strings.Map(func(c rune) rune {
		if strings.ContainsRune("`<>�", c) {
			return '_'
		}
		return c
	}, plain(s))
}

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
