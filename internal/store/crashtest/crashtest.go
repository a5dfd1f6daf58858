// Package crashtest kills a process that writes to a store, at random points
// and again and again, so that a test can check what the store kept. The
// process is the test's own binary.
package crashtest

import (
	"bufio"
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
)

// pathEnv makes the test binary the writing child; its value is the store's path.
const pathEnv = "CRASHTEST_PATH"

// maxAcks bounds how many acknowledgements the parent waits for before it kills.
const maxAcks = 40

// Writer opens the store at path and writes until it is killed. It calls ack,
// from any goroutine, for each write that the store has answered for, with one
// line of less than 512 bytes. It returns only if something failed.
type Writer func(path string, ack func(line string)) error

// Main is the body of a TestMain: it runs the tests or, in the child, write.
func Main(m *testing.M, write Writer) {
	path, child := os.LookupEnv(pathEnv)
	if !child {
		os.Exit(m.Run())
	}
	err := write(path, func(line string) {
		// One small write to a pipe is atomic: the parent sees whole lines.
		if _, err := os.Stdout.WriteString(line + "\n"); err != nil {
			os.Exit(1)
		}
	})
	fmt.Fprintln(os.Stderr, "the writer ended:", err)
	os.Exit(1)
}

// Run kills rounds writers of the store at path, one after the other. After
// each it calls check with the lines that this writer acknowledged.
func Run(t *testing.T, path string, rounds int, check func(round int, acked []string)) {
	t.Helper()
	total := 0
	for round := range rounds {
		acks := rand.IntN(maxAcks)
		acked := Kill(t, path, func(acked []string) bool { return len(acked) >= acks })
		total += len(acked)
		check(round, acked)
	}
	t.Logf("killed %d writers, checked %d acknowledged writes", rounds, total)
}

// Kill starts a writer of the store at path, kills it once it has acknowledged enough, and returns all that it
// acknowledged.
func Kill(t *testing.T, path string, enough func(acked []string) bool) (acked []string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), pathEnv+"="+path)
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	for !enough(acked) && lines.Scan() {
		acked = append(acked, lines.Text())
	}
	_ = cmd.Process.Kill() // fails only if the writer ended, which is seen below
	for lines.Scan() {
		acked = append(acked, lines.Text())
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	if _ = cmd.Wait(); cmd.ProcessState.Exited() {
		t.Fatalf("the writer was not killed: %v\n%s", cmd.ProcessState, &stderr)
	}
	return acked
}
