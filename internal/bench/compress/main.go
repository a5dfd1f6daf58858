// Command compress compresses standard input with the compressor of
// format/tarball, and does nothing else: it is the right side of the pipe that
// bench compares us with. A program of its own, since one with more packages
// takes longer to start than to compress a small package.
package main

import (
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/flate"
)

const (
	level   = 6 // format/tarball's
	bufSize = 64 << 10
)

func main() {
	if err := compress(os.Stdout, os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "compress:", err)
		os.Exit(1)
	}
}

func compress(w io.Writer, r io.Reader) error {
	z, err := flate.NewWriter(w, level)
	if err != nil {
		return err
	}
	// Hidden behind io.Writer, so that the buffer is used.
	if _, err := io.CopyBuffer(struct{ io.Writer }{z}, r, make([]byte, bufSize)); err != nil {
		return err
	}
	return z.Close()
}
