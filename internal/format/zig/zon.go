package zig

import (
	"fmt"

	"github.com/org/registry-action/internal/fault"
)

// The bounds of a manifest. Compilers allow 10 MiB; real ones have a few KiB.
const (
	maxManifest = 1 << 20 // bytes
	maxDepth    = 128
	maxNodes    = 100_000
)

// zonKind is what a value of ZON is.
type zonKind byte

const (
	zonEmpty  zonKind = iota // .{}, a struct or a list
	zonStruct                // .{ .a = … }
	zonList                  // .{ a, b }
	zonString                // "x"
	zonLines                 // \\ multiline
	zonChar                  // 'x'
	zonNumber                // 1, -0x1.8p3
	zonEnum                  // .x or .@"x"
	zonWord                  // true, nan …
)

func (k zonKind) String() string {
	return [...]string{".{}", "a struct", "a list", "a string", "a multiline string", "a character", "a number", "an enum literal", "a word"}[k]
}

// zonNode is a value. Literals stay as they are written, for compilers too look only into those they need.
type zonNode struct {
	kind    zonKind
	at, end int       // offsets of the literal; of an enum literal, what follows the '.'
	key     token     // of a struct's field
	nodes   []zonNode // fields or items
}

// zonReader reads one value of ZON, the data notation of Zig.
type zonReader struct {
	*lexer
	tok    token // the current one
	nodes  int
	former bool // a keyword of older compilers is used as a name
}

// readZON reads a whole text. The reader resolves the literals of the node.
func readZON(text []byte) (*zonReader, zonNode, error) {
	if len(text) > maxManifest {
		return nil, zonNode{}, fault.New(fault.TooLarge, "build.zig.zon has %d bytes; at most %d are read", len(text), maxManifest).
			WithCode("bad_manifest")
	}
	r := &zonReader{lexer: newLexer(text)}
	if err := r.advance(); err != nil {
		return nil, zonNode{}, err
	}
	root, err := r.value(0)
	if err != nil {
		return nil, zonNode{}, err
	}
	if r.tok.kind != tokenEnd {
		return nil, zonNode{}, r.expected("the end of the file")
	}
	return r, root, nil
}

func (r *zonReader) advance() (err error) {
	r.tok, err = r.next()
	return err
}

// is reports whether the current token is a mark.
func (r *zonReader) is(mark byte) bool {
	return r.tok.kind == tokenMark && r.text[r.tok.at] == mark
}

// isKeyword reports whether the current token is a keyword of every compiler.
func (r *zonReader) isKeyword() bool {
	if r.tok.kind != tokenWord {
		return false
	}
	word := string(r.text[r.tok.at:r.tok.end])
	r.former = r.former || isKeyword(word, oldest)
	return isKeyword(word, latest)
}

func (r *zonReader) expected(what string) error {
	if r.tok.kind == tokenEnd {
		return r.fail(r.tok.at, "expected %s, found the end of the file", what)
	}
	return r.fail(r.tok.at, "expected %s, found %.40q", what, r.text[r.tok.at:r.tok.end])
}

// value reads a value, whose first token is the current one, and the token behind it.
func (r *zonReader) value(depth int) (zonNode, error) {
	if r.nodes++; r.nodes > maxNodes {
		return zonNode{}, r.fail(r.tok.at, "more than %d values", maxNodes)
	}
	n := zonNode{at: r.tok.at, end: r.tok.end}
	switch r.tok.kind {
	case tokenMark:
		return r.marked(depth)
	case tokenString:
		n.kind = zonString
	case tokenChar:
		n.kind = zonChar
	case tokenNumber:
		n.kind = zonNumber
	case tokenLine:
		n.kind = zonLines
		return n, r.lines(&n)
	case tokenWord:
		n.kind = zonWord // compilers look which one only where they need it
		if r.isKeyword() {
			return n, r.expected("a value")
		}
	default:
		return n, r.expected("a value")
	}
	return n, r.advance()
}

// lines reads a multiline string, one token per line.
func (r *zonReader) lines(n *zonNode) error {
	for r.tok.kind == tokenLine {
		n.end = r.tok.end
		if err := r.advance(); err != nil {
			return err
		}
	}
	return nil
}

// marked reads a value that begins with '-' or '.'.
func (r *zonReader) marked(depth int) (zonNode, error) {
	n := zonNode{at: r.tok.at}
	minus, dot := r.is('-'), r.is('.')
	if !minus && !dot {
		return n, r.expected("a value")
	}
	if err := r.advance(); err != nil {
		return n, err
	}
	word := r.tok.kind == tokenWord && !r.isKeyword()
	switch {
	case minus && (r.tok.kind == tokenNumber || word):
		n.kind = zonNumber
	case minus:
		return n, r.expected("a number")
	case r.is('{'):
		return r.braces(n, depth+1)
	case r.isKeyword():
		return n, r.expected(fmt.Sprintf("a name that is no keyword, such as .@%q", r.text[r.tok.at:r.tok.end]))
	case word || r.tok.kind == tokenQuoted:
		n.kind, n.at = zonEnum, r.tok.at
	default:
		return n, r.expected("'{' or a name")
	}
	n.end = r.tok.end
	return n, r.advance()
}

// braces reads what .{ } holds; the current token is its '{'. The first entry tells a struct from a list.
func (r *zonReader) braces(n zonNode, depth int) (zonNode, error) {
	if depth > maxDepth {
		return n, r.fail(r.tok.at, "nested more than %d deep", maxDepth)
	}
	if err := r.advance(); err != nil {
		return n, err
	}
	for !r.is('}') {
		entry, err := r.entry(depth)
		if err != nil {
			return n, err
		}
		kind := zonList
		if entry.key.end > 0 {
			kind = zonStruct
		}
		if n.kind != zonEmpty && n.kind != kind {
			return n, r.fail(entry.at, "a struct's fields and a list's items can't be mixed")
		}
		n.kind = kind
		n.nodes = append(n.nodes, entry)
		if !r.is(',') {
			break
		}
		if err := r.advance(); err != nil {
			return n, err
		}
	}
	if !r.is('}') {
		return n, r.expected("',' or '}'")
	}
	n.end = r.tok.end
	return n, r.advance()
}

// entry reads an item, or a field with its key.
func (r *zonReader) entry(depth int) (zonNode, error) {
	n, err := r.value(depth)
	if err != nil || n.kind != zonEnum || !r.is('=') {
		return n, err
	}
	key := token{kind: tokenWord, at: n.at, end: n.end}
	if err := r.advance(); err != nil {
		return n, err
	}
	n, err = r.value(depth)
	n.key = key
	return n, err
}
