package upstream

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"time"
)

const (
	maxAnswer  = 5 << 20
	answerTime = time.Minute
)

// json sends a call whose answer is a JSON document in memory. An answer of
// another status than 200 is not read; those that say nothing of what was asked
// for are errors.
func (s *Service) json(ctx context.Context, c call, max int64, into any) (status int, err error) {
	if c.header == nil {
		c.header = http.Header{}
	}
	c.header.Set("Accept", "application/json")
	resp, err := s.send(ctx, c)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }() // it was read to the end, or is not wanted
	if busy(resp.StatusCode) {
		return 0, s.answered(resp, c.url.Path)
	}
	if resp.StatusCode != http.StatusOK {
		return resp.StatusCode, nil
	}
	text, err := io.ReadAll(s.bounded(resp.Body, max, "the answer to "+c.url.Path))
	if err != nil {
		return 0, s.broken(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return 0, s.wrong(err, "the answer to %s is not what it should be", c.url.Path)
	}
	return resp.StatusCode, nil
}
