package main

import "github.com/schollz/progressbar/v3"

// gauge tells how far something is that has several parts: a moving bar in a terminal, elsewhere a line for each part
// and now and then one.
type gauge struct {
	s    streams
	what string
	bar  *progressbar.ProgressBar // nil outside of a terminal, and before the first step
	last int64                    // that was said
}

func newGauge(s streams) *gauge { return &gauge{s: s} }

// show shows that done of total is done, where total is 0 if nobody knows.
func (g *gauge) show(what string, done, total int64) {
	total = max(total, done)
	if !isTerminal(g.s.stderr) {
		switch {
		case what != g.what:
			g.s.say("%s", what)
			g.what, g.last = what, 0
		case total > 0 && done-g.last >= max(1000, total/lines):
			g.s.say("%s: %d of %d", what, done, total)
			g.last = done
		}
		return
	}
	if what != g.what {
		g.end()
		g.what = what
		g.bar = progressbar.NewOptions64(max(total, 1), progressbar.OptionSetWriter(g.s.stderr), progressbar.OptionSetDescription(what),
			progressbar.OptionShowCount(), progressbar.OptionSetWidth(30), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100e6))
	}
	g.bar.ChangeMax64(max(total, 1))
	_ = g.bar.Set64(done) // a bar that can't be drawn is no reason to stop
}

func (g *gauge) end() {
	if g.bar != nil {
		_ = g.bar.Finish()
	}
}
