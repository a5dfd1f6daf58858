package tarball

import (
	"errors"
	"fmt"
	"io"
)

// errAbandoned ends the check of an archive whose writer gave up.
var errAbandoned = errors.New("the archive was not written to its end")

// checker is Check for bytes that are written, an upload on its way into a
// store for instance. Exactly one of finish and Close must be called last; both
// wait for the goroutine.
type checker struct {
	pipe *io.PipeWriter
	done chan struct{}
	sum  Summary
	err  error
}

// newChecker starts a check.
func newChecker(lim Limits) *checker {
	r, w := io.Pipe()
	c := &checker{pipe: w, done: make(chan struct{})}
	go func() {
		defer close(c.done)
		c.sum, c.err = checkRecovering(r, lim)
		r.CloseWithError(c.err)
	}()
	return c
}

// checkRecovering keeps a panic over hostile input from ending the program, as
// net/http does for the goroutines it owns.
func checkRecovering(r io.Reader, lim Limits) (sum Summary, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("checking an archive: panic: %v", p)
		}
	}()
	return Check(r, lim)
}

// Write passes bytes to the check. It fails with the refusal as soon as the
// archive is known to be bad.
func (c *checker) Write(p []byte) (int, error) { return c.pipe.Write(p) }

// finish says that all bytes were written and returns the result of Check.
func (c *checker) finish() (Summary, error) {
	c.pipe.Close()
	<-c.done
	return c.sum, c.err
}

// Close abandons the check. After finish it does nothing.
func (c *checker) Close() error {
	c.pipe.CloseWithError(errAbandoned)
	<-c.done
	return nil
}

// CheckingReader passes an archive through and checks it on the way. At the end
// it returns the refusal of a bad archive in place of io.EOF, so that whoever
// stores what it reads fails and keeps nothing. Close must be called.
type CheckingReader struct {
	r       io.Reader
	checker *checker
	sum     Summary
	err     error // sticky
}

// NewCheckingReader reads r, checking it.
func NewCheckingReader(r io.Reader, lim Limits) *CheckingReader {
	return &CheckingReader{r: r, checker: newChecker(lim)}
}

// Read returns errors of the underlying reader as they are.
func (c *CheckingReader) Read(p []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	n, err := c.r.Read(p)
	if n > 0 {
		if _, c.err = c.checker.Write(p[:n]); c.err != nil {
			return 0, c.err
		}
	}
	if err == io.EOF {
		if c.sum, c.err = c.checker.finish(); c.err != nil {
			return 0, c.err
		}
	}
	c.err = err
	return n, err
}

// Summary is the result of the check; it is complete once Read has returned io.EOF.
func (c *CheckingReader) Summary() Summary { return c.sum }

// Close ends the check if Read has not come to the end. It does not close the
// underlying reader.
func (c *CheckingReader) Close() error { return c.checker.Close() }
