package jsonstream

import (
	"encoding/base64"
	"fmt"
	"io"
	"strconv"

	"github.com/org/registry-action/internal/fault"
)

// decoder reads the bytes of a base64 string up to its closing quote.
type decoder struct {
	x     *extractor
	text  []byte // digits that are not decoded yet
	buf   []byte // decoded bytes
	raw   []byte // those of buf that are not read yet
	pad   int    // padding characters seen
	total int64  // digits seen
	done  bool   // the closing quote was read
	err   error  // sticky
}

// Read implements io.Reader; it ends with io.EOF at the closing quote.
func (d *decoder) Read(p []byte) (int, error) {
	for len(d.raw) == 0 {
		if d.err != nil {
			return 0, d.err
		}
		if d.err = d.fill(); d.err != nil {
			return 0, d.err
		}
	}
	n := copy(p, d.raw)
	d.raw = d.raw[n:]
	return n, nil
}

// fill decodes what the input's buffer holds.
func (d *decoder) fill() error {
	if d.done {
		return io.EOF
	}
	if _, err := d.x.in.Peek(1); err != nil {
		return d.x.unterminated(err)
	}
	chunk, _ := d.x.in.Peek(d.x.in.Buffered())
	n, err := d.digits(chunk)
	d.x.in.Discard(n)
	if err == nil && !d.done && n < len(chunk) {
		err = d.escape()
	}
	if err != nil {
		return err
	}
	return d.decode()
}

// digits takes plain characters and stops at a backslash or after the closing quote.
func (d *decoder) digits(chunk []byte) (n int, err error) {
	for i, c := range chunk {
		switch {
		case isDigit(c) && d.pad == 0:
			d.text = append(d.text, c)
		case c == '"':
			d.done = true
			return i + 1, nil
		case c == '\\':
			return i, nil
		case c == '\r' || c == '\n':
			return i, d.broken("it has a line break that is not escaped")
		default:
			if err := d.take(c); err != nil {
				return i, err
			}
		}
	}
	return len(chunk), nil
}

// take handles one character, however it was written.
func (d *decoder) take(c byte) error {
	switch {
	case c == '\r' || c == '\n':
		return nil
	case c == '=':
		if d.pad++; d.pad > 2 {
			return d.broken("it has too much padding")
		}
		return nil
	case !isDigit(c):
		return d.broken(fmt.Sprintf("it has the character %q", rune(c)))
	case d.pad > 0:
		return d.broken("it goes on after its padding")
	}
	d.text = append(d.text, c)
	return nil
}

// escape reads an escape sequence.
func (d *decoder) escape() error {
	seq, err := d.x.in.Peek(2)
	if err != nil {
		return d.x.unterminated(err)
	}
	n, c := 2, seq[1]
	switch c {
	case '/':
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 'u':
		if seq, err = d.x.in.Peek(6); err != nil {
			return d.x.unterminated(err)
		}
		code, err := strconv.ParseUint(string(seq[2:]), 16, 8)
		if err != nil {
			return d.broken(fmt.Sprintf("it has the escape %q", seq))
		}
		n, c = 6, byte(code)
	default:
		return d.broken(fmt.Sprintf("it has the escape %q", seq))
	}
	d.x.in.Discard(n)
	return d.take(c)
}

// decode turns whole groups of four digits into bytes, at the end also the rest.
func (d *decoder) decode() error {
	n := len(d.text) &^ 3
	d.total += int64(n)
	if d.done {
		d.total += int64(len(d.text) - n)
		n = len(d.text)
		if d.pad > 0 && (d.total+int64(d.pad))%4 != 0 {
			return d.broken("its padding does not fit its length")
		}
	}
	// Raw: the padding is gone. Strict: one text for one value.
	buf, err := base64.RawStdEncoding.Strict().AppendDecode(d.buf[:0], d.text[:n])
	if err != nil {
		return d.broken("its last digits are not a whole byte")
	}
	d.buf, d.raw = buf, buf
	d.text = append(d.text[:0], d.text[n:]...)
	return nil
}

func (d *decoder) broken(why string) error {
	return fault.New(fault.Invalid, "%s is not base64: %s", d.x.path(), why).WithCode(InvalidBase64)
}

func isDigit(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '+' || c == '/'
}
