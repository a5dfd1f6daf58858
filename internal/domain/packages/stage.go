package packages

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/blob"
	"github.com/org/registry-action/internal/store/kv"
)

const (
	stageFor  = 30 * 24 * time.Hour
	maxStages = 100 // of one package that wait at a time
)

// stagedRow is the row of a staged version.
type stagedRow struct {
	Staged
	Artifact Artifact `json:"artifact"`
}

// stagedCandidate is a candidate but for its large parts, which have rows of their own.
type stagedCandidate struct {
	Tags   []string   `json:"tags"`
	Access string     `json:"access,omitempty"`
	Row    versionRow `json:"row"`
}

// Stage keeps a version for approval, for 30 days.
func (s *Service) Stage(ctx context.Context, who Principal, r Release) (Staged, error) {
	ctx, cancel := context.WithTimeout(ctx, publishFor)
	defer cancel()
	c, err := s.check(who, r)
	if err != nil {
		return Staged{}, err
	}
	st, err := s.planOne(ctx, s.mayPublish(who), c)
	switch {
	case err != nil:
		return Staged{}, err
	case st.unchanged:
		return Staged{}, exists(c)
	}
	if err := s.mayStage(ctx, c.name); err != nil {
		return Staged{}, err
	}
	now := s.now()
	if err := s.store(ctx, c, r.Upload); err != nil {
		return Staged{}, err
	}
	if err := s.life.Keep(ctx, blobKey(c.row.Artifact), now.Add(stageFor)); err != nil {
		return Staged{}, err
	}
	staged := Staged{
		ID: newUUID(), Name: c.name, Version: c.row.Version, Tag: append(c.tags, latest)[0],
		CreatedAt: now, Actor: c.owner, Shasum: c.row.Artifact.Shasum,
	}
	rows, err := s.stageRows(staged, c)
	if err != nil {
		return Staged{}, err
	}
	var ops []kv.Op
	for _, row := range rows {
		row.Expires = now.Add(stageFor)
		ops = append(ops, kv.PutNew(row))
	}
	if err := s.inTime(now, c.name); err != nil {
		return Staged{}, err
	}
	return staged, s.db.Apply(ctx, ops...)
}

// mayStage bounds what waits of one package.
func (s *Service) mayStage(ctx context.Context, name string) error {
	waiting, err := s.sorts(ctx, stagesPartition, stagesPrefix(name))
	if err == nil && len(waiting) >= maxStages {
		err = fault.New(fault.TooLarge, "%d versions of %s wait for approval, no more are kept; approve or reject some: npm stage list %s", len(waiting), name, name).WithCode("too_many_stages")
	}
	return err
}

// newUUID returns a random UUID (RFC 9562, version 4).
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// The rows of a stage.
const (
	stageRow      = "stage"
	candidateRow  = "candidate"
	readmeRow     = "readme"
	provenanceRow = "provenance"
)

func (s *Service) stageRows(staged Staged, c *candidate) ([]kv.Row, error) {
	text, err := s.codec.encode(stagedCandidate{Tags: c.tags, Access: c.access, Row: c.row})
	if err != nil {
		return nil, err
	}
	if len(text) > kv.MaxValue {
		return nil, tooLarge(c.name, c.row.Version)
	}
	rows := []kv.Row{
		kv.JSON(stageKey(staged.ID, stageRow), stagedRow{Staged: staged, Artifact: c.row.Artifact}),
		kv.JSON(stagesKey(staged.Name, staged.ID), staged),
		{Key: stageKey(staged.ID, candidateRow), Value: text},
	}
	for sort, text := range map[string]string{readmeRow: c.readme, provenanceRow: string(c.provenance)} {
		if text == "" {
			continue
		}
		value, err := s.codec.deflate([]byte(text))
		if err != nil {
			return nil, err
		}
		rows = append(rows, kv.Row{Key: stageKey(staged.ID, sort), Value: value})
	}
	return rows, nil
}

// stagedCandidate reads what approving a stage publishes.
func (s *Service) stagedCandidate(ctx context.Context, staged Staged) (*candidate, error) {
	c := &candidate{name: staged.Name, owner: staged.Actor}
	for row, err := range s.db.Scan(ctx, stageKey(staged.ID, stageRow).Partition, kv.Query{}) {
		if err != nil {
			return nil, err
		}
		switch row.Sort {
		case candidateRow:
			var sc stagedCandidate
			err = s.codec.decode(row, &sc)
			c.tags, c.access, c.row = sc.Tags, sc.Access, sc.Row
		case readmeRow:
			var text []byte
			text, err = s.codec.inflate(row)
			c.readme = string(text)
		case provenanceRow:
			c.provenance, err = s.codec.inflate(row)
		}
		if err != nil {
			return nil, err
		}
	}
	if c.row.Version == "" {
		return nil, noStage(staged.ID)
	}
	return c, nil
}

// Approve publishes a staged version; an owner may. It repeats the checks of a publish, since what is
// here may have changed.
func (s *Service) Approve(ctx context.Context, who Principal, id string) (Published, error) {
	ctx, cancel := context.WithTimeout(ctx, publishFor)
	defer cancel()
	if err := mayGovern(who, "approve"); err != nil {
		return Published{}, err
	}
	staged, _, err := s.staged(ctx, who, id)
	if err != nil {
		return Published{}, err
	}
	c, err := s.stagedCandidate(ctx, staged.Staged)
	if err != nil {
		return Published{}, err
	}
	begun, may := s.now(), s.mayApprove(who)
	st, err := s.planOne(ctx, may, c)
	if err != nil {
		return Published{}, err
	}
	if err := s.life.Hold(ctx, blobKey(c.row.Artifact)); err != nil {
		return Published{}, err
	}
	if _, err := s.blobs.Stat(ctx, blobKey(c.row.Artifact)); err != nil {
		return Published{}, bytesGone(err, staged.Staged)
	}
	if err := s.sign(ctx, c); err != nil {
		return Published{}, err
	}
	all, err := s.commit(ctx, begun, may, []step{st}, func() ([]kv.Op, error) {
		_, raw, err := s.staged(ctx, who, id) // of two who approve one is the first
		return unstage(staged.Staged, raw), err
	})
	if err != nil {
		return Published{}, err
	}
	return all[0], nil
}

// bytesGone tells of a stage whose bytes are not there: they were a version's
// that was unpublished since.
func bytesGone(err error, staged Staged) error {
	if !errors.Is(err, blob.ErrNotFound) {
		return err
	}
	return fault.Wrap(err, fault.NotFound, "the bytes of %s@%s, staged as %s, are gone; stage it again", staged.Name, staged.Version, staged.ID).WithCode("stage_gone")
}

// unstage removes the rows of a stage, if it is still there.
func unstage(staged Staged, raw []byte) []kv.Op {
	ops := []kv.Op{kv.Drop(raw, stageKey(staged.ID, stageRow)), kv.Delete(stagesKey(staged.Name, staged.ID))}
	for _, sort := range []string{candidateRow, readmeRow, provenanceRow} {
		ops = append(ops, kv.Delete(stageKey(staged.ID, sort)))
	}
	return ops
}

// mayApprove is the authority of somebody who approves: an owner of the package,
// or who may own it, since nobody does. Being granted the package is not enough:
// what a machine has staged is for people to approve.
func (s *Service) mayApprove(who Principal) authority {
	return func(ctx context.Context, p pkg, c *candidate) (taking, error) {
		if err := admit(who, c.name); err != nil {
			return taking{}, err
		}
		owns, err := s.owns(ctx, who.User(), p)
		if err != nil {
			return taking{}, err
		}
		switch {
		case !who.IsAdmin() && !owns && (p.found || who.User() != c.owner):
			return taking{}, notOwner(who, c.name)
		case p.found:
			return taking{}, nil
		}
		return s.mayTake(ctx, who, c)
	}
}

// Reject drops a staged version; an owner or who staged it may.
func (s *Service) Reject(ctx context.Context, who Principal, id string) error {
	staged, raw, err := s.staged(ctx, who, id)
	if err != nil {
		return err
	}
	err = s.db.Apply(ctx, unstage(staged.Staged, raw)...)
	if errors.Is(err, kv.ErrConflict) {
		return noStage(id)
	}
	return err
}

func noStage(id string) error {
	return fault.New(fault.NotFound, "no version is staged as %.80q for you; it may be approved, rejected or expired", id)
}

func newestFirst(a, b Staged) int {
	return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), strings.Compare(a.ID, b.ID))
}
