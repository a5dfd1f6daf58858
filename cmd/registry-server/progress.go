package main

import (
	"io"
	"os"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress tells how far an import is: a moving bar in a terminal, elsewhere a
// line for each package.
type progress struct {
	bar *progressbar.ProgressBar // nil outside of a terminal
	s   streams
}

func newProgress(total int, s streams) *progress {
	p := &progress{s: s}
	if isTerminal(s.stderr) {
		p.bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(s.stderr), progressbar.OptionSetDescription("importing"),
			progressbar.OptionShowCount(), progressbar.OptionSetWidth(30), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100e6))
	}
	return p
}

func (p *progress) add(t tally) {
	if p.bar == nil {
		p.s.say("%s", t)
		return
	}
	_ = p.bar.Add(1) // a bar that can't be drawn is no reason to stop
}

func (p *progress) end() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
