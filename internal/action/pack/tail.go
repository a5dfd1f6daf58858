package pack

import (
	"bytes"
	"strings"
)

// How much of a command's output an error shows.
const (
	tailBytes = 16 << 10
	tailLines = 40
)

// tail keeps the end of what is written to it.
type tail struct {
	buf []byte
	cut bool // something was dropped
}

// Write never fails.
func (t *tail) Write(p []byte) (int, error) {
	n := len(p)
	if n > tailBytes {
		p, t.cut = p[n-tailBytes:], true
	}
	t.buf = append(t.buf, p...)
	if over := len(t.buf) - tailBytes; over > 0 {
		t.buf, t.cut = append(t.buf[:0], t.buf[over:]...), true
	}
	return n, nil
}

// String is the last lines, whole ones unless one line is all there is.
func (t *tail) String() string {
	b := t.buf
	if t.cut {
		if _, rest, ok := bytes.Cut(b, []byte("\n")); ok {
			b = rest
		}
	}
	text := strings.ToValidUTF8(strings.ReplaceAll(string(b), "\r\n", "\n"), "\uFFFD")
	text = strings.TrimRight(text, "\n")
	lines := strings.Split(text, "\n")
	return strings.Join(lines[max(0, len(lines)-tailLines):], "\n")
}
