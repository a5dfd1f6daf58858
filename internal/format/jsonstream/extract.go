package jsonstream

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/org/registry-action/internal/fault"
)

const (
	bufSize = 64 << 10
	// maxDepth is that of encoding/json, which reads the result.
	maxDepth = 10_000
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
	x := &extractor{in: bufio.NewReaderSize(r, bufSize), key: key, limit: limit, sink: sink}
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
		if x.isKey(x.out[top.from:top.to]) {
			return x.extract()
		}
	}
	return x.copyString()
}

// isKey compares a name as it is written, escapes included.
func (x *extractor) isKey(name []byte) bool {
	if string(name) == x.key {
		return true
	}
	if !bytes.ContainsRune(name, '\\') {
		return false
	}
	var s string
	return json.Unmarshal(fmt.Appendf(nil, `"%s"`, name), &s) == nil && s == x.key
}

// copyString copies a string to its closing quote.
func (x *extractor) copyString() error {
	err := x.emit('"')
	escaped := false
	for err == nil {
		var c byte
		if c, err = x.in.ReadByte(); err != nil {
			return x.unterminated(err)
		}
		err = x.emit(c)
		switch {
		case escaped:
			escaped = false
		case c == '\\':
			escaped = true
		case c == '"':
			return err
		}
	}
	return err
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
