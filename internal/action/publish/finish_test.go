package publish

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/org/registry-action/internal/forge/forgetest"
)

// stopper is a log that stops the run when it says a word.
type stopper struct {
	bytes.Buffer
	word string
	stop context.CancelFunc
}

func (s *stopper) Write(p []byte) (int, error) {
	if strings.Contains(string(p), s.word) {
		s.stop()
	}
	return s.Buffer.Write(p)
}

// The status of a commit says that its run was stopped before it published, only if it was.
func TestFinishAfterStop(t *testing.T) {
	for word, want := range map[string][]string{"published 1 package": nil, "blobs": {"error"}} {
		t.Run(word, func(t *testing.T) {
			b, gh := newBox(t), forgetest.New(t)
			b.registry.token, b.opt.Token = "stored", "stored"
			b.env["GITHUB_API_URL"], b.opt.GitHubToken, b.opt.CommitStatus = gh.URL, forgetest.Token, StatusAuto
			ctx, cancel := context.WithCancel(t.Context())
			log := &stopper{word: word, stop: cancel}
			s := b.streams(&log.Buffer)
			s.Stderr = log
			if err := Publish(ctx, b.opt, s); err == nil || ctx.Err() == nil {
				t.Fatalf("Publish = %v, want that it was stopped\n%s", err, log)
			}
			b.keepStates()
			if err := Finish(t.Context(), b.opt, s); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, status := range gh.StatusesOf(b.head) {
				got = append(got, status.State)
			}
			if !slices.Equal(got, want) {
				t.Errorf("the commit's statuses are %q, want %q\n%s", got, want, log)
			}
		})
	}
}

// keepStates hands what a step has kept on to its post step, as the runner does.
func (b *box) keepStates() {
	lines := strings.Split(b.file("GITHUB_STATE"), "\n")
	for i, line := range lines {
		if name, _, ok := strings.Cut(line, "<<"); ok {
			b.env["STATE_"+name] = lines[i+1]
		}
	}
}
