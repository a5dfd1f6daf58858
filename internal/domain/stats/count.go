package stats

import (
	"strings"
)

// The bounds of what is counted.
const (
	maxWaiting = 50_000 // counts that wait in memory; each is a few hundred bytes
	maxName    = 214
	maxVersion = 256
)

// subject is what one count is of: a version of a package on a day or, with client set, all downloads by it.
type subject struct {
	kind          Kind
	name, version string
	client        string
	day           day
}

// count is what waits to be written.
type count struct {
	n    int64
	last int64 // Unix seconds
}

// Count counts a download by a client of a User-Agent; it never waits for a store. What can't be a name or a version
// is not counted.
func (s *Service) Count(kind, name, version, userAgent string) {
	now := s.opt.Now().Unix()
	client := ""
	if !s.opt.NoClients {
		client = clientOf(userAgent)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.countLocked(Kind(kind), name, version, client, now)
}

func (s *Service) countLocked(kind Kind, name, version, client string, now int64) {
	if !countable(name, maxName) || !countable(version, maxVersion) {
		return
	}
	today := day(now / secondsOfDay)
	s.addLocked(subject{kind: kind, name: name, version: version, day: today}, now)
	if client != "" {
		s.addLocked(subject{kind: kind, client: client, day: today}, now)
	}
}

// countable reports whether a text can stand in a key.
func countable(text string, limit int) bool {
	return text != "" && len(text) <= limit && strings.IndexByte(text, 0) < 0
}

func (s *Service) addLocked(what subject, now int64) {
	if c, ok := s.counts[what]; ok {
		c.n++
		c.last = now
		return
	}
	if len(s.order) >= maxWaiting {
		if oldest := s.order[0]; oldest.client == "" {
			s.dropped += s.counts[oldest].n
		}
		s.removeLocked(1)
	}
	s.counts[what] = &count{n: 1, last: now}
	s.order = append(s.order, what)
	if len(s.order) == 1 {
		select {
		case s.wake <- struct{}{}:
		default: // it will look
		}
	}
}

// removeLocked forgets the n oldest counts.
func (s *Service) removeLocked(n int) {
	for _, what := range s.order[:n] {
		delete(s.counts, what)
	}
	s.order = s.order[n:]
	if len(s.order) == 0 {
		s.order = nil // or what was removed would be kept
	}
}

// waiting is how many downloads are in memory only.
func (s *Service) waiting() (downloads int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for what, c := range s.counts {
		if what.client == "" {
			downloads += c.n
		}
	}
	return downloads
}
