package s3blob

import "time"

// SetStall changes how long one read of a body may take.
func (s *Store) SetStall(d time.Duration) { s.stall = d }

// SetCopyAtOnce changes how many bytes are copied in one request.
func (s *Store) SetCopyAtOnce(bytes int64) { s.copyAtOnce = bytes }
