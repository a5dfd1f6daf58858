package commits

import (
	"context"
	"errors"
	"io"
	"strconv"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/kv"
)

// uploadsPerDay is how many times the largest publish the runs of a fork may upload for one pull request in a day,
// published or not.
const uploadsPerDay = 3

// counted counts what is read of an upload of a fork's run, and refuses one that has had enough.
func (s *Service) counted(ctx context.Context, who Uploader, r io.Reader) (io.Reader, error) {
	if !isFork(who) {
		return r, nil
	}
	proof := who.Proof()
	key := uploadsKey(PlaceOf(proof.Repository, proof.Pull), s.now())
	row, err := s.db.Get(ctx, key)
	if err != nil && !errors.Is(err, kv.ErrNotFound) {
		return nil, err
	}
	if err == nil {
		n, err := strconv.ParseInt(string(row.Value), 10, 64)
		if err != nil {
			return nil, err
		}
		if limit := uploadsPerDay * s.opt.MaxPublish; n >= limit {
			return nil, fault.New(fault.Forbidden, "pull request #%d of %s has uploaded %d bytes today, and forks may upload %d", proof.Pull, proof.Repository, n, limit).WithCode("quota")
		}
	}
	return &countedUpload{ctx: ctx, s: s, key: key, r: r}, nil
}

// countedUpload counts each few megabytes as they come, so that those count too that never come to their end.
type countedUpload struct {
	ctx   context.Context
	s     *Service
	key   kv.Key
	r     io.Reader
	since int64
}

const countEvery = 4 << 20

func (c *countedUpload) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.since += int64(n)
	if c.since > 0 && (err != nil || c.since >= countEvery) {
		if e := c.s.db.Apply(c.ctx, kv.AddUntil(c.key, c.since, c.s.now().Add(48*time.Hour))); e != nil {
			return n, e
		}
		c.since = 0
	}
	return n, err
}
