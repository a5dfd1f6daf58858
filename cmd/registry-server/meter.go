package main

import (
	"fmt"

	"github.com/schollz/progressbar/v3"

	"github.com/org/registry-action/internal/lumentree"
)

// meter tells how far an export or a verification is: a moving bar in a terminal, elsewhere a line now and then.
type meter struct {
	what string
	s    streams
	bar  *progressbar.ProgressBar // nil outside of a terminal, and before the first step
	last lumentree.Progress       // that was said
}

func newMeter(what string, s streams) *meter { return &meter{what: what, s: s} }

// lines is about how many lines a meter writes.
const lines = 10

func (m *meter) show(p lumentree.Progress) {
	if !isTerminal(m.s.stderr) {
		if p.Done == p.Total || p.Done-m.last.Done >= max(1, p.Total/lines) {
			m.s.say("%s: %d of %d (%s)", m.what, p.Done, p.Total, shown(p.Stage))
			m.last = p
		}
		return
	}
	if m.bar == nil {
		m.bar = progressbar.NewOptions(p.Total, progressbar.OptionSetWriter(m.s.stderr), progressbar.OptionSetDescription(m.what),
			progressbar.OptionShowCount(), progressbar.OptionSetWidth(30), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100e6))
	}
	m.bar.ChangeMax(p.Total)
	_ = m.bar.Set(p.Done) // a bar that can't be drawn is no reason to stop
}

func (m *meter) end() {
	if m.bar != nil {
		_ = m.bar.Finish()
	}
}

// sizeOf is a number of bytes as people read it.
func sizeOf(n int64) string {
	for _, step := range []struct {
		size int64
		name string
	}{{1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}} {
		if n >= step.size {
			return fmt.Sprintf("%.1f %s", float64(n)/float64(step.size), step.name)
		}
	}
	return countOf(int(n), "byte", "bytes")
}
