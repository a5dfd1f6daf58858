package lumenpackages

import (
	"sync"
	"time"
)

// sighting is when this server first saw the newest revision that it knows of.
type sighting struct {
	mu       sync.Mutex
	revision int64
	at       time.Time
}

// keepUntil is until when what is read from now on, as of a revision, may be kept: the zero time means as long as the revision
// is the present one. A revision that has just been seen may be of a batch that shows a part of its rows only; see Options.Settle.
func (s *Service) keepUntil(revision int64) time.Time {
	if s.opt.Settle <= 0 {
		return time.Time{}
	}
	now := s.opt.Now()
	s.seen.mu.Lock()
	defer s.seen.mu.Unlock()
	at := now // of one that is older than the newest nothing is known
	if revision > s.seen.revision || s.seen.at.IsZero() {
		s.seen.revision, s.seen.at = revision, now
	} else if revision == s.seen.revision {
		at = s.seen.at
	}
	if settled := at.Add(s.opt.Settle); now.Before(settled) {
		return settled
	}
	return time.Time{}
}

// expired reports whether a time that keepUntil said is over.
func (s *Service) expired(until time.Time) bool {
	return !until.IsZero() && !s.opt.Now().Before(until)
}
