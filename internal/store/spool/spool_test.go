package spool_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"testing"

	"github.com/org/registry-action/internal/store/spool"
)

// ending gives some bytes; then at calls what is to happen.
type ending struct {
	bytes.Reader
	at func() error
}

func (e *ending) Read(p []byte) (int, error) {
	n, err := e.Reader.Read(p)
	if err == io.EOF {
		err = e.at()
	}
	return n, err
}

// However a reader ends, what came of it is removed, and its own error or panic is told.
func TestNothingIsLeft(t *testing.T) {
	broken := errors.New("broken")
	s := spool.Spool{Dir: t.TempDir(), MaxPackage: 1 << 20}
	for _, size := range []int{0, 10, 100 << 10} {
		receive := func(at func() error) (panicked any, err error) {
			defer func() { panicked = recover() }()
			in := &ending{at: at}
			in.Reset(make([]byte, size))
			_, err = s.Receive(t.Context(), "a.tgz", in)
			return nil, err
		}
		if p, err := receive(func() error { panic(broken) }); size < 1<<10 && p != broken {
			t.Errorf("%d bytes and a panic: %v, %v", size, p, err)
		}
		if p, err := receive(func() error { return broken }); p != nil || err == nil {
			t.Errorf("%d bytes and an error: %v, %v", size, p, err)
		}
		if left, err := os.ReadDir(s.Dir); err != nil || len(left) != 0 {
			t.Errorf("%d bytes: the spool has %v, %v", size, left, err)
		}
	}
}
