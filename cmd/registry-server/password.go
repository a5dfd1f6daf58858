package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// maxPassword bounds the line that a password is read from, in bytes.
const maxPassword = 8 << 10

// readPassword asks for a password on a terminal, twice and without echo, and
// reads the first line of anything else.
func readPassword(ctx context.Context, s streams, user string) (string, error) {
	f, ok := s.stdin.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return firstLine(s.stdin)
	}
	first, err := ask(ctx, f, s.stderr, fmt.Sprintf("Password for %s: ", user))
	if err != nil {
		return "", err
	}
	second, err := ask(ctx, f, s.stderr, "The same again: ")
	if err != nil {
		return "", err
	}
	if first != second {
		return "", errors.New("the two passwords are not the same; nothing was changed")
	}
	return first, nil
}

func firstLine(r io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(r, maxPassword)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("reading the password from standard input: %w", err)
	}
	if line = strings.TrimRight(line, "\r\n"); line == "" {
		return "", errors.New("there is no password on standard input; write it there, or run the command in a terminal")
	}
	return line, nil
}

// ask reads a line without echo. An interrupt gives the terminal its echo back;
// the goroutine that is still reading then ends with the program.
func ask(ctx context.Context, terminal *os.File, prompt io.Writer, text string) (string, error) {
	fd := int(terminal.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", err
	}
	fmt.Fprint(prompt, text)
	defer fmt.Fprintln(prompt)
	type answer struct {
		text []byte
		err  error
	}
	read := make(chan answer, 1)
	go func() {
		b, err := term.ReadPassword(fd)
		read <- answer{b, err}
	}()
	select {
	case a := <-read:
		return string(a.text), a.err
	case <-ctx.Done():
		return "", errors.Join(context.Cause(ctx), term.Restore(fd, before))
	}
}
