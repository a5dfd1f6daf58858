package e2e

import (
	"io"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// transcript is what a program has written so far.
type transcript struct {
	mu   sync.Mutex
	text strings.Builder
	more chan struct{} // closed at the next write
	over bool
}

func (s *transcript) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text.Write(p)
	s.wake()
	return len(p), nil
}

// end says that nothing more will come.
func (s *transcript) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	s.wake()
}

func (s *transcript) wake() {
	if s.more != nil {
		close(s.more)
		s.more = nil
	}
}

// read returns all there is, and a channel that is closed when there is more; nil if never.
func (s *transcript) read() (string, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.more == nil && !s.over {
		s.more = make(chan struct{})
	}
	return s.text.String(), s.more
}

func (s *transcript) String() string {
	text, _ := s.read()
	return text
}

// talk is a program that is spoken with.
type talk struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   transcript
	heard int           // bytes of out
	done  chan struct{} // closed when the program has ended
}

// start begins a talk with a command line.
func start(t *testing.T, dir string, env []string, line string) *talk {
	t.Helper()
	k := &talk{cmd: exec.CommandContext(t.Context(), "bash", "-c", "exec "+line), done: make(chan struct{})}
	k.cmd.Dir, k.cmd.Env, k.cmd.Stdout, k.cmd.Stderr = dir, env, &k.out, &k.out
	k.cmd.WaitDelay = lastWords
	var err error
	if k.in, err = k.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := k.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = k.cmd.Wait() // the exit code tells
		k.out.end()
		close(k.done)
	}()
	t.Cleanup(func() { <-k.done }) // the test's context, which has ended, has killed it
	return k
}

// hear waits until the program has said something new that matches, and returns it without
// the space around it. What has no fixed end is matched with a space behind, since more may come.
func (k *talk) hear(t *testing.T, pattern string) string {
	t.Helper()
	re, limit := regexp.MustCompile(pattern), time.After(patience)
	for {
		text, more := k.out.read()
		if at := re.FindStringIndex(text[k.heard:]); at != nil {
			found := text[k.heard+at[0] : k.heard+at[1]]
			k.heard += at[1]
			return strings.TrimSpace(found)
		}
		if more == nil {
			t.Fatalf("the program ended without saying %q:\n%s", pattern, text)
		}
		select {
		case <-more:
		case <-limit:
			t.Fatalf("the program does not say %q:\n%s", pattern, text)
		}
	}
}

// say writes a line to the program.
func (k *talk) say(t *testing.T, line string) {
	t.Helper()
	if _, err := io.WriteString(k.in, line+"\n"); err != nil {
		t.Fatalf("speaking to the program: %v\n%s", err, &k.out)
	}
}

// end waits until the program ends.
func (k *talk) end() result {
	<-k.done
	return result{stdout: k.out.String(), code: k.cmd.ProcessState.ExitCode()}
}
