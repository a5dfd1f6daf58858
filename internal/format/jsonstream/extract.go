package jsonstream

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/org/registry-action/internal/fault"
)

// InvalidBase64 is the code of the refusal of a string that is not base64.
const InvalidBase64 = "invalid_base64"

const (
	bufSize = 64 << 10
	// maxDepth is that of encoding/json, which reads the result.
	maxDepth = 10_000
	// maxPlace bounds the work for one member.
	maxPlace = 16
)

// Extract copies a JSON text. The string value of every object member called
// key, at any depth, is decoded as base64 and streamed to sink; what sink
// returns takes the string's place, marshalled. Other values of such members
// are copied.
//
// The alphabet is the standard one (RFC 4648 §4), padding may be missing, line
// breaks are ignored. limit bounds the returned text in bytes; the decoded bytes
// are not bounded here. Memory does not depend on their number.
//
// Errors of r and of sink are returned as they are. Refusals are fault.Invalid,
// naming the member, and fault.TooLarge. After an error, and if the result turns
// out to be no JSON, whatever sink has done must be undone by the caller.
func Extract(r io.Reader, key string, limit int64, sink func(io.Reader) (any, error)) ([]byte, error) {
	return ExtractWhere(r, key, nil, limit, sink)
}

// ExtractWhere is Extract for the members called key at the places that where
// wants. A place is the names of the members around it, the outermost first; an
// element of an array counts as a member without a name. Places of more than 16
// names are not asked for: their strings are copied.
func ExtractWhere(r io.Reader, key string, where func(place []string) bool, limit int64, sink func(io.Reader) (any, error)) ([]byte, error) {
	x := &extractor{in: bufio.NewReaderSize(r, bufSize), key: key, where: where, limit: limit, sink: sink}
	for {
		c, err := x.in.ReadByte()
		if err == io.EOF {
			return x.out, nil
		}
		if err != nil {
			return nil, err
		}
		if err := x.token(c); err != nil {
			return nil, err
		}
	}
}

type extractor struct {
	in    *bufio.Reader
	out   []byte
	key   string
	where func(place []string) bool // nil: everywhere
	limit int64
	sink  func(io.Reader) (any, error)
	stack []frame
}

// frame is an open object or array.
type frame struct {
	object   bool
	want     position
	from, to int // the newest member's name as it stands in out, without its quotes
	index    int // of the newest element of an array
}

// position is what a string means where it comes.
type position byte

const (
	wantName position = iota
	wantColon
	wantValue
	wantComma
)

// token handles a byte outside strings.
func (x *extractor) token(c byte) error {
	top := x.top()
	switch c {
	case '"':
		return x.str(top)
	case '{', '[':
		x.value(top)
		if len(x.stack) == maxDepth {
			return fault.New(fault.Invalid, "the JSON text is nested more than %d levels deep", maxDepth)
		}
		x.stack = append(x.stack, frame{object: c == '{'})
	case '}', ']':
		if top != nil {
			x.stack = x.stack[:len(x.stack)-1]
		}
	case ':':
		if top != nil && top.object && top.want == wantColon {
			top.want = wantValue
		}
	case ',':
		if top != nil {
			top.want = wantName
			top.index++
		}
	case ' ', '\t', '\r', '\n':
	default:
		x.value(top)
	}
	return x.emit(c)
}

func (x *extractor) top() *frame {
	if len(x.stack) == 0 {
		return nil
	}
	return &x.stack[len(x.stack)-1]
}

// value notes that a member's value has come: another one is not JSON.
func (x *extractor) value(top *frame) {
	if top != nil && top.object {
		top.want = wantComma
	}
}

// str handles a string after its opening quote.
func (x *extractor) str(top *frame) error {
	if top == nil || !top.object {
		return x.copyString()
	}
	switch top.want {
	case wantName:
		top.want = wantColon
		top.from, top.to = len(x.out)+1, 0
		err := x.copyString()
		top.to = len(x.out) - 1
		return err
	case wantValue:
		top.want = wantComma
		if x.isKey(x.out[top.from:top.to]) && (x.where == nil || len(x.stack) <= maxPlace+1 && x.where(x.place())) {
			return x.extract()
		}
	}
	return x.copyString()
}

// isKey compares a name as it is written, escapes included.
func (x *extractor) isKey(name []byte) bool {
	return string(name) == x.key || bytes.ContainsRune(name, '\\') && unescape(name) == x.key
}

// place names the members around the newest one.
func (x *extractor) place() []string {
	var place []string
	for _, f := range x.stack[:len(x.stack)-1] {
		name := ""
		if f.object {
			name = unescape(x.out[f.from:f.to])
		}
		place = append(place, name)
	}
	return place
}

// unescape reads a name as it is written; one that is no JSON is no name.
func unescape(name []byte) string {
	if !bytes.ContainsRune(name, '\\') {
		return string(name)
	}
	var s string
	if json.Unmarshal(fmt.Appendf(nil, `"%s"`, name), &s) != nil {
		return ""
	}
	return s
}

// copyString copies a string to its closing quote.
func (x *extractor) copyString() error {
	if err := x.emit('"'); err != nil {
		return err
	}
	for {
		if _, err := x.in.Peek(1); err != nil {
			return x.unterminated(err)
		}
		text, _ := x.in.Peek(x.in.Buffered())
		n := plain(text)
		if n < len(text) && text[n] == '"' {
			n++
		}
		if err := x.emit(text[:n]...); err != nil {
			return err
		}
		ended := n > 0 && text[n-1] == '"'
		x.in.Discard(n)
		if ended {
			return nil
		}
		if n == len(text) {
			continue
		}
		escape, err := x.in.Peek(2)
		if err != nil {
			return x.unterminated(err)
		}
		if err := x.emit(escape...); err != nil {
			return err
		}
		x.in.Discard(len(escape))
	}
}

// plain counts the bytes of a string that stand for themselves.
func plain(text []byte) int {
	for i, c := range text {
		if c == '"' || c == '\\' {
			return i
		}
	}
	return len(text)
}

// extract streams a string to the sink and writes what stands for it.
func (x *extractor) extract() error {
	d := &decoder{x: x}
	v, err := x.sink(d)
	if err != nil {
		return err
	}
	// The sink may have stopped early, or overlooked an error.
	if _, err := io.Copy(io.Discard, d); err != nil {
		return err
	}
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("writing what stands for %s: %w", x.path(), err)
	}
	return x.emit(text...)
}

func (x *extractor) emit(p ...byte) error {
	if int64(len(x.out)+len(p)) > x.limit {
		return fault.New(fault.TooLarge, "the JSON text is longer than %d bytes without its %q members; that is the limit", x.limit, x.key)
	}
	x.out = append(x.out, p...)
	return nil
}

// unterminated explains the end of the text inside a string.
func (x *extractor) unterminated(err error) error {
	if err != io.EOF {
		return err
	}
	return fault.New(fault.Invalid, "the JSON text ends inside a string (%s)", x.path())
}
