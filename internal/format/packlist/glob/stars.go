package glob

// maxStars is how many "**" deep a search goes before it gives up: minimatch's
// maxGlobstarRecursion.
const maxStars = 200

// stars is a pattern cut at its "**": head must start a path, tail must end it,
// and the runs must occur in between, in order.
type stars struct {
	head, tail []part
	runs       []run
}

// run is what stands between two "**".
type run struct {
	parts []part
	after int // segments that must be left from the run's start on
}

// cutStars cuts parts for full matches and for partial ones, which need not
// reach the tail. Both are nil if there is no "**".
func cutStars(parts []part) (whole, prefix *stars) {
	first, last := -1, -1
	for i := range parts {
		if parts[i].kind == globstar {
			last = i
			if first < 0 {
				first = i
			}
		}
	}
	if first < 0 {
		return nil, nil
	}
	whole = &stars{head: parts[:first], tail: parts[last+1:]}
	if last > first {
		whole.runs = cutRuns(parts[first+1 : last])
	}
	prefix = &stars{head: parts[:first]}
	if body := parts[first+1:]; len(body) > 0 {
		prefix.runs = cutRuns(body)
	}
	return whole, prefix
}

func cutRuns(body []part) []run {
	var runs []run
	before := []int{0} // parts before each run
	from, n := 0, 0
	for i := range body {
		if body[i].kind == globstar {
			runs = append(runs, run{parts: body[from:i]})
			before = append(before, n)
			from = i + 1
			continue
		}
		n++
	}
	runs = append(runs, run{parts: body[from:]})
	// minimatch takes the counts from the far end. It decides which paths a
	// pattern with runs of different lengths can match, so it is kept.
	for i := range runs {
		runs[i].after = before[len(before)-1-i] + len(runs[i].parts)
	}
	return runs
}

func (s *stars) match(f file, partial bool) bool {
	start := len(s.head)
	if start > 0 && !f.matchSpan(0, start, s.head, partial) {
		return false
	}
	taken, ok := s.matchTail(f, start, partial)
	if !ok {
		return false
	}
	if len(s.runs) == 0 {
		return partial || taken > 0 || start < f.len()
	}
	return s.find(f, start, 0, taken, partial) == found
}

// matchTail matches the tail at the end of f, before a trailing slash if need
// be, and returns how many segments that took.
func (s *stars) matchTail(f file, start int, partial bool) (taken int, ok bool) {
	n := f.len()
	switch size := len(s.tail); {
	case size == 0:
		return 0, true
	case size+start > n:
		return 0, false
	case f.matchSpan(n-size, n, s.tail, partial):
		return size, true
	case f.at(n-1) != "" || start+size == n:
		return 0, false
	default:
		return size + 1, f.matchSpan(n-size-1, n, s.tail, partial)
	}
}

// outcome is what a search below a "**" came to.
type outcome int

const (
	missed outcome = iota // not here, later segments may do
	ended                 // not here and nowhere later
	found
)

// find looks for the runs from index on, at segment at or later. taken is the
// number of segments that the tail took.
func (s *stars) find(f file, at, index, taken int, partial bool) outcome {
	if index == len(s.runs) {
		if taken > 0 || at < f.len() {
			return found
		}
		return missed
	}
	r := s.runs[index]
	for ; at <= f.len()-taken-r.after; at++ {
		next := at + len(r.parts)
		if index < maxStars && f.matchSpan(at, next, r.parts, partial) {
			if o := s.find(f, next, index+1, taken, partial); o != missed {
				return o
			}
		}
	}
	if partial {
		return found
	}
	return ended
}
