package textdiff

// matcher marks the lines that are only in one of two texts.
type matcher struct {
	a, b           []string
	ia, ib         []int // the lines as numbers: equal ones are equal
	removed, added []bool
	steps          int // that may still be made
	forward, back  []int
}

func (m *matcher) number() {
	numbers := map[string]int{}
	of := func(text []string) []int {
		out := make([]int, len(text))
		for i, line := range text {
			n, ok := numbers[line]
			if !ok {
				n = len(numbers)
				numbers[line] = n
			}
			out[i] = n
		}
		return out
	}
	m.ia, m.ib = of(m.a), of(m.b)
	size := 2*(len(m.a)+len(m.b)) + 3
	m.forward, m.back = make([]int, size), make([]int, size)
}

// compare marks what differs in a[a0:a1] and b[b0:b1].
func (m *matcher) compare(a0, a1, b0, b1 int) {
	for a0 < a1 && b0 < b1 && m.ia[a0] == m.ib[b0] {
		a0, b0 = a0+1, b0+1
	}
	for a0 < a1 && b0 < b1 && m.ia[a1-1] == m.ib[b1-1] {
		a1, b1 = a1-1, b1-1
	}
	if a0 < a1 && b0 < b1 {
		if x, y, ok := m.middle(a0, a1, b0, b1); ok {
			m.compare(a0, x, b0, y)
			m.compare(x, a1, y, b1)
			return
		}
	}
	for i := a0; i < a1; i++ {
		m.removed[i] = true
	}
	for i := b0; i < b1; i++ {
		m.added[i] = true
	}
}

// middle finds a point on a shortest path from (a0, b0) to (a1, b1), looking from both ends at once.
// Both ranges have lines, and neither their first nor their last are equal. ok is false if the work is too much.
func (m *matcher) middle(a0, a1, b0, b1 int) (x, y int, ok bool) {
	n, k := a1-a0, b1-b0
	delta, zero := n-k, len(m.forward)/2
	odd := delta&1 != 0
	start, end := front{m.forward, zero, n, k}, front{m.back, zero, n, k}
	for d := 0; d <= (n+k+1)/2; d++ {
		if m.steps -= d + 1; m.steps < 0 {
			return 0, 0, false
		}
		low, high := start.diagonals(d)
		for i := low; i <= high; i += 2 {
			x := start.step(d, i)
			for x >= 0 && x < n && x-i < k && m.ia[a0+x] == m.ib[b0+x-i] {
				x++
				m.steps--
			}
			start.x[zero+i] = x
			if j := delta - i; odd && x >= 0 && j > -d && j < d && x+end.x[zero+j] >= n {
				return a0 + x, b0 + x - i, true
			}
		}
		for i := low; i <= high; i += 2 {
			x := end.step(d, i)
			for x >= 0 && x < n && x-i < k && m.ia[a1-1-x] == m.ib[b1-1-x+i] {
				x++
				m.steps--
			}
			end.x[zero+i] = x
			if j := delta - i; !odd && x >= 0 && j >= -d && j <= d && x+start.x[zero+j] >= n {
				return a1 - x, b1 - x + i, true
			}
		}
	}
	return 0, 0, false
}

// front is how far one end has come: for each diagonal (x minus y) the furthest x, nowhere if it can't be reached.
type front struct {
	x    []int
	zero int // the place of diagonal 0
	n, k int // lines of both ranges
}

const nowhere = -1 << 40

// diagonals are those that d steps reach: every second one from low to high.
func (f front) diagonals(d int) (low, high int) {
	return -d + max(0, d-f.k+(d-f.k)&1), d - max(0, d-f.n+(d-f.n)&1)
}

// step is the furthest point on diagonal i after one more step, the d-th: down from the diagonal above or right from the one below.
func (f front) step(d, i int) int {
	if d == 0 {
		return 0
	}
	x := nowhere
	if i > -d && i > -f.k && f.x[f.zero+i-1] < f.n {
		x = f.x[f.zero+i-1] + 1
	}
	if i < d && i < f.n {
		if down := f.x[f.zero+i+1]; down-i <= f.k {
			x = max(x, down)
		}
	}
	return x
}

// hunks gathers the marked lines.
func (m *matcher) hunks(context int) Diff {
	var d Diff
	var h Hunk
	last := 0 // unchanged lines since the last change
	for i, j := 0, 0; i < len(m.a) || j < len(m.b); {
		line := Line{}
		switch {
		case i < len(m.a) && m.removed[i]:
			line = Line{Removed, i + 1, 0, text(m.a[i])}
			d.Removed++
			i++
		case j < len(m.b) && m.added[j]:
			line = Line{Added, 0, j + 1, text(m.b[j])}
			d.Added++
			j++
		default:
			line = Line{Same, i + 1, j + 1, text(m.a[i])}
			i, j = i+1, j+1
		}
		changed := line.Op != Same
		if changed {
			last = 0
		} else {
			last++
		}
		h.Lines = append(h.Lines, line)
		begun := len(h.Lines) > last // it has a change
		switch {
		case !begun && len(h.Lines) > context:
			h.Lines = h.Lines[1:]
		case begun && last > 2*context:
			d.Hunks = append(d.Hunks, Hunk{h.Lines[: len(h.Lines)-last+context : len(h.Lines)-last+context]})
			h = Hunk{append([]Line(nil), h.Lines[len(h.Lines)-context:]...)}
			last = len(h.Lines)
		}
	}
	if len(h.Lines) > last {
		d.Hunks = append(d.Hunks, Hunk{h.Lines[:len(h.Lines)-max(0, last-context)]})
	}
	return d
}

func text(line string) string {
	if n := len(line); n > 0 && line[n-1] == '\n' {
		return line[:n-1]
	}
	return line
}
