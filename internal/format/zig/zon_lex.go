package zig

import (
	"bytes"
	"fmt"

	"github.com/org/registry-action/internal/fault"
)

// tokenKind is what a token of ZON is.
type tokenKind byte

const (
	tokenEnd    tokenKind = iota // of the text
	tokenMark                    // one of . { } , = -
	tokenWord                    // an identifier or keyword
	tokenQuoted                  // an identifier in quotes: @"x"
	tokenString                  // "x"
	tokenLine                    // \\ and the rest of a line
	tokenChar                    // 'x'
	tokenNumber                  // without a sign
)

// token is a piece of text; at and end are its offsets.
type token struct {
	kind    tokenKind
	at, end int
}

// lexer cuts ZON into tokens as std.zig.Tokenizer does. What only some compilers refuse passes; see textFindings.
type lexer struct {
	text []byte
	pos  int
	tabs bool // in comments or multiline strings
}

func newLexer(text []byte) *lexer {
	l := &lexer{text: text}
	if bytes.HasPrefix(text, []byte("\xef\xbb\xbf")) {
		l.pos = 3
	}
	return l
}

// next is the next token.
func (l *lexer) next() (token, error) {
	if err := l.skipSpace(); err != nil {
		return token{}, err
	}
	t := token{at: l.pos, end: l.pos}
	if l.pos == len(l.text) {
		return t, nil
	}
	var err error
	switch c := l.text[l.pos]; {
	case c == '.' || c == '{' || c == '}' || c == ',' || c == '=' || c == '-':
		t.kind = tokenMark
		l.pos++
	case isLetter(c):
		t.kind = tokenWord
		for l.pos < len(l.text) && isWordByte(l.text[l.pos]) {
			l.pos++
		}
	case c == '@' && l.peek(1) == '"':
		t.kind = tokenQuoted
		l.pos++
		err = l.quoted('"')
	case c == '"':
		t.kind = tokenString
		err = l.quoted('"')
	case c == '\'':
		t.kind = tokenChar
		err = l.quoted('\'')
	case c == '\\' && l.peek(1) == '\\':
		t.kind = tokenLine
		err = l.line()
	case isDigit(c):
		t.kind = tokenNumber
		l.number()
	default:
		err = l.fail(l.pos, "%s can't begin anything in ZON", l.byteAt(l.pos))
	}
	t.end = l.pos
	return t, err
}

// peek is the byte that many behind the current one, or 0.
func (l *lexer) peek(ahead int) byte {
	if l.pos+ahead < len(l.text) {
		return l.text[l.pos+ahead]
	}
	return 0
}

// skipSpace passes over white space and comments.
func (l *lexer) skipSpace() error {
	for l.pos < len(l.text) {
		switch c := l.text[l.pos]; {
		case c == ' ' || c == '\n' || c == '\t' || c == '\r':
			l.pos++
		case c == '/' && l.peek(1) == '/':
			if c := l.peek(2); c == '!' || c == '/' && l.peek(3) != '/' {
				return l.fail(l.pos, "a doc comment can't be here; begin the comment with //")
			}
			if err := l.line(); err != nil {
				return err
			}
		default:
			return nil
		}
	}
	return nil
}

// line passes over the rest of a line, its '\n' excluded.
func (l *lexer) line() error {
	for ; l.pos < len(l.text) && l.text[l.pos] != '\n'; l.pos++ {
		c := l.text[l.pos]
		l.tabs = l.tabs || c == '\t'
		if isControl(c) && c != '\t' && (c != '\r' || l.peek(1) != '\n') {
			return l.fail(l.pos, "%s can't be in a comment or a multiline string", l.byteAt(l.pos))
		}
	}
	return nil
}

// quoted passes over a literal up to its closing quote, escapes unchecked.
func (l *lexer) quoted(quote byte) error {
	start := l.pos
	for l.pos++; l.pos < len(l.text); l.pos++ {
		switch c := l.text[l.pos]; {
		case c == quote:
			l.pos++
			return nil
		case c == '\n':
			return l.fail(start, "this literal isn't closed on its line; write \\n for a new line")
		case isControl(c):
			return l.fail(l.pos, "%s can't be in a literal; write it as \\x%02x", l.byteAt(l.pos), c)
		case c == '\\' && l.peek(1) != '\n' && !isControl(l.peek(1)):
			l.pos++
		}
	}
	l.pos = len(l.text)
	return l.fail(start, "this literal isn't closed")
}

// number passes over a number, whose digits are checked by who needs its value.
func (l *lexer) number() {
	for point := false; l.pos < len(l.text); l.pos++ {
		switch c := l.text[l.pos]; {
		case isWordByte(c):
			sign := l.peek(1)
			if (c|0x20 == 'e' || c|0x20 == 'p') && (sign == '+' || sign == '-') {
				l.pos++
			}
		case c == '.' && !point && isWordByte(l.peek(1)):
			point = true
		default:
			return
		}
	}
}

func isControl(c byte) bool { return c < 0x20 || c == 0x7f }

func (l *lexer) byteAt(at int) string {
	if c := l.text[at]; c < 0x21 || c > 0x7e {
		return fmt.Sprintf("the byte 0x%02x", c)
	}
	return fmt.Sprintf("%q", l.text[at])
}

// fail is a refusal of what stands at an offset.
func (l *lexer) fail(at int, format string, args ...any) error {
	line := 1 + bytes.Count(l.text[:at], []byte{'\n'})
	column := at - bytes.LastIndexByte(l.text[:at], '\n')
	return fault.New(fault.Invalid, "build.zig.zon:%d:%d: %s", line, column, fmt.Sprintf(format, args...)).
		WithCode("bad_manifest").With("line", line).With("column", column)
}
