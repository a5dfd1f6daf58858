package packages

import (
	"context"
	"errors"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/kv"
)

// step is what the publish of one candidate does to its package, as it is now.
type step struct {
	pkg
	c         *candidate
	taking    taking
	row       versionRow // of the candidate, or of the version that is there
	unchanged bool       // the version is there, with these bytes
	returns   bool       // it was unpublished, and comes back
	tagged    bool       // dist-tags change
}

// plan looks what publishing each candidate would do.
func (s *Service) plan(ctx context.Context, may authority, all []*candidate) ([]step, error) {
	steps := make([]step, 0, len(all))
	for _, c := range all {
		st, err := s.planOne(ctx, may, c)
		if err != nil {
			return nil, err
		}
		steps = append(steps, st)
	}
	return steps, nil
}

func (s *Service) planOne(ctx context.Context, may authority, c *candidate) (step, error) {
	st := step{c: c, row: c.row}
	var err error
	if st.pkg, err = s.load(ctx, c.name); err != nil {
		return st, err
	}
	if st.taking, err = may(ctx, st.pkg, c); err != nil {
		return st, err
	}
	if err := s.compare(ctx, &st); err != nil {
		return st, err
	}
	tags := c.tags
	if st.Tags[latest] == "" {
		tags = append([]string{latest}, tags...)
	}
	st.tagged = st.point(st.row.Version, tags...)
	return st, st.mustHold()
}

// renew is plan for steps that were planned before their bytes were stored. What was read of a package then, its
// versions and tombstones too, its head guards: every write of the package changes it, and the batch swaps it. Whether
// it may be published is decided again: that also goes by who owns the scope.
func (s *Service) renew(ctx context.Context, may authority, steps []step, all []*candidate) (_ []step, err error) {
	for i := range steps {
		st := &steps[i]
		if st.unchanged { // no batch swaps its head
			return s.plan(ctx, may, all)
		}
		st.row = st.c.row // it has its signature now
		if st.taking, err = may(ctx, st.pkg, st.c); err != nil {
			return nil, err
		}
	}
	return steps, nil
}

// compare looks for the version: there with the same bytes, or unpublished with
// them, is fine; other bytes never are.
func (s *Service) compare(ctx context.Context, st *step) error {
	row, err := s.db.Get(ctx, versionKey(st.name, st.row.Version))
	if err == nil {
		var old versionRow
		if err := s.codec.decode(row, &old); err != nil {
			return err
		}
		if old.Artifact.Integrity != st.c.row.Artifact.Integrity {
			return exists(st.c)
		}
		st.row, st.unchanged = old, true
		return nil
	}
	if !errors.Is(err, kv.ErrNotFound) {
		return err
	}
	gone, _, found, err := kv.ReadJSON[tombstone](ctx, s.db, goneKey(st.name, st.row.Version))
	if err == nil && found && gone.Integrity != st.row.Artifact.Integrity {
		return fault.New(fault.Exists, "%s@%s was unpublished on %s, and can come back with the same bytes only: what people have locked must not change. Publish a new version",
			st.name, st.row.Version, gone.When.Format("2006-01-02")).WithCode("version_gone")
	}
	st.returns = found
	return err
}

// exists refuses other bytes in the public registry's words, which release tools look for.
func exists(c *candidate) error {
	return fault.New(fault.Exists, "You cannot publish over the previously published versions: %s.", c.row.Version).WithCode("version_exists")
}

// stepOps returns the rows of a step: hidden ones that may be written before,
// and those that make it visible.
func (s *Service) stepOps(ctx context.Context, st step) (hidden, ops []kv.Op, err error) {
	p := st.pkg
	switch {
	case st.unchanged && !st.tagged:
		return nil, nil, nil
	case st.unchanged:
		p.touched(s.now())
	case !st.c.ready:
		return nil, nil, fault.New(fault.Unavailable, "%s has just been changed; send the request again", p.name) // it was there when its bytes came, and is just gone
	default:
		if hidden, ops, err = s.versionOps(ctx, st); err != nil {
			return nil, nil, err
		}
		p.Versions++
		p.touched(st.row.PublishedAt)
	}
	if !p.found {
		p.Owners = []string{st.c.owner}
		hidden = append(hidden, kv.Put(kv.Row{Key: ownerKey(st.c.owner, p.name)}))
	}
	if scope := st.taking.scope; scope != "" {
		ops = append(ops, kv.PutNew(kv.JSON(scopeKey(scope), scopeRow{Owners: []string{st.c.owner}, Created: s.now()})))
	}
	names, err := s.listed(ctx, &p, st)
	return hidden, append(append(ops, names...), p.next()), err
}

// listed returns the row of lists and searches, if the step changes it.
func (s *Service) listed(ctx context.Context, p *pkg, st step) ([]kv.Op, error) {
	was := p.Restricted
	if st.c.access != "" {
		p.Restricted = st.c.access == restricted
	}
	if p.Tags[latest] == st.row.Version {
		return s.nameOps(*p, st.row)
	}
	if p.Restricted == was {
		return nil, nil
	}
	return s.latestOps(ctx, *p)
}

// versionOps are the rows of a new version, and the pin of its bytes.
func (s *Service) versionOps(ctx context.Context, st step) (hidden, ops []kv.Op, err error) {
	row, err := s.encodeVersion(st.name, st.row)
	if err != nil {
		return nil, nil, err
	}
	pin, err := s.pin(ctx, st.c)
	if err != nil {
		return nil, nil, err
	}
	ops = []kv.Op{kv.PutNew(row), pin}
	if st.returns {
		ops = append(ops, kv.Delete(goneKey(st.name, st.row.Version)))
	}
	if len(st.c.provenance) > 0 {
		text, err := s.codec.deflate(st.c.provenance)
		if err != nil {
			return nil, nil, err
		}
		ops = append(ops, kv.Put(kv.Row{Key: provenanceKey(st.name, st.row.Version), Value: text}))
	}
	if st.row.Readme == "" {
		return nil, ops, nil
	}
	// Looked for after the head was read: if it goes in between, with the last
	// version that had it, the head has changed and the batch is lost.
	_, err = s.db.Get(ctx, readmeKey(st.name, st.row.Readme))
	if !errors.Is(err, kv.ErrNotFound) {
		return nil, ops, err
	}
	text, err := s.codec.deflate([]byte(st.c.readme))
	return []kv.Op{kv.Put(kv.Row{Key: readmeKey(st.name, st.row.Readme), Value: text})}, ops, err
}

// pin is the op that keeps a candidate's bytes for ever. What is known of their hold is of use for one batch.
func (s *Service) pin(ctx context.Context, c *candidate) (kv.Op, error) {
	if known := c.pin; known != nil {
		c.pin = nil
		return *known, nil
	}
	return s.life.Pin(ctx, blobKey(c.row.Artifact))
}
