package lumenpackages

import (
	"context"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/lumen"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/turns"
)

const publishFor = 30 * time.Minute // a publish takes less, or fails; well below what bytes are held for

// Publish makes a version visible. The same bytes again are a success; others are fault.Exists with the code "version_exists".
func (s *Service) Publish(ctx context.Context, who Principal, r Release) (Published, error) {
	ctx, cancel := context.WithTimeout(ctx, publishFor)
	defer cancel()
	c, err := s.check(who, r)
	if err != nil {
		return Published{}, err
	}
	p, err := s.load(ctx, c.metadata.Name)
	if err != nil {
		return Published{}, err
	}
	plan, err := s.plan(ctx, who, p, c) // who is refused stores no bytes
	if err != nil || plan.Unchanged {
		return plan.Published, err
	}
	if err := s.store(ctx, r.Upload.archives()...); err != nil {
		return Published{}, err
	}
	return s.commit(ctx, who, c)
}

// plan is what publishing a candidate would lead to.
type plan struct {
	Published
	takes  string  // the scope that gets its owner by it
	guard  []kv.Op // without which it may not happen
	signer signer  // that it was planned with; zero: whichever is the current one
}

// commit makes a version visible whose bytes have been stored since it began.
func (s *Service) commit(ctx context.Context, who Principal, c candidate) (out Published, err error) {
	err = s.revise(ctx, c.metadata.Name, func(p *pkg) ([]kv.Op, error) {
		plan, err := s.plan(ctx, who, *p, c)
		if err != nil {
			return nil, err
		}
		out = plan.Published
		if out.Unchanged {
			return nil, turns.ErrUnchanged
		}
		// The time of a context stands still while the machine sleeps; the sweeper's does not.
		if s.now().Sub(c.began) > publishFor {
			return nil, fault.New(fault.Unavailable, "the publish of %s %s took more than %s; send the request again", p.name, c.metadata.Version, publishFor)
		}
		return s.publishOps(ctx, who, p, c, plan)
	})
	return out, err
}

// plan looks what publishing c would lead to, as its package is now.
func (s *Service) plan(ctx context.Context, who Principal, p pkg, c candidate) (out plan, err error) {
	out.Published = Published{Metadata: c.metadata, First: !p.found}
	if p.found {
		err = s.mayChange(ctx, who, p)
	} else {
		out.takes, err = s.mayTake(ctx, who, p)
	}
	if err == nil {
		err = s.verifyUpload(ctx, who, p, c, &out)
	}
	if err != nil || !p.found {
		return out, err
	}
	e, _, found, err := kv.ReadJSON[entry](ctx, s.db, entryKey(p.name, c.metadata.Version))
	if err != nil || !found {
		return out, err
	}
	if old, sent := e.Artifacts[0].Digest, c.artifacts[0].Digest; old != sent {
		return out, fault.New(fault.Exists, "Version %s of %s already exists with other content: its archive has the hash %s, what was sent %s; a version never changes, raise version in lumen.toml", c.metadata.Version, p.name, old, sent).WithCode("version_exists")
	}
	out.Unchanged = true
	out.Metadata, err = s.metadata(ctx, p.name, c.metadata.Version)
	return out, err
}

// metadata reads what is published of a version.
func (s *Service) metadata(ctx context.Context, name, version string) (m lumen.Metadata, err error) {
	row, err := s.db.Get(ctx, metadataKey(name, version))
	if err != nil {
		return m, err
	}
	return m, decodeRow(row.Key, row.Value, &m)
}

// publishOps are the rows of a new version, and the pins of its bytes.
func (s *Service) publishOps(ctx context.Context, who Principal, p *pkg, c candidate, plan plan) ([]kv.Op, error) {
	entries, err := s.entriesOf(ctx, p)
	if err == nil {
		err = c.checkNew(entries)
	}
	if err != nil {
		return nil, err
	}
	signer := plan.signer
	if signer.key == nil {
		signer, err = s.signer(ctx)
	}
	if err != nil {
		return nil, err
	}
	m := plan.Metadata
	metadata := lumen.Encode(m)
	signature := lumen.Encode(lumen.Seal(signer.key, lumen.StatementType, lumen.Encode(m.Statement()), timeText(s.now())))
	e := entry{
		Metadata: partOf(metadata), Signature: partOf(signature), Artifacts: c.artifacts,
		Yanked: m.Yanked, Reason: m.YankReason, Categories: c.categories, name: m.Name, version: m.Version,
	}
	p.writes(len(entries)+1, &e)
	ops := []kv.Op{
		kv.PutNew(kv.Row{Key: metadataKey(m.Name, m.Version), Value: metadata}),
		kv.PutNew(kv.Row{Key: signatureKey(m.Name, m.Version), Value: signature}),
		kv.PutNew(kv.JSON(entryKey(m.Name, m.Version), e)),
		signer.unchanged(), revised(),
	}
	ops = append(ops, plan.guard...)
	for _, a := range c.artifacts {
		pin, err := s.life.Pin(ctx, a.blobKey())
		if err != nil {
			return nil, err
		}
		ops = append(ops, pin, kv.Put(kv.JSON(artifactKey(a.Digest), artifactRow{a, m.Name, m.Version})))
	}
	if !p.found {
		p.Owners = []Owner{{User: who.User(), Role: RoleOwner, AddedAt: s.now(), AddedBy: who.User()}}
	}
	if plan.takes != "" {
		ops = append(ops, kv.PutNew(kv.JSON(scopeKey(plan.takes), scopeRow{[]string{who.User()}})))
	}
	p.touched(c.at)
	shown, err := s.summarize(ctx, p, append(entries, e), m)
	return append(ops, shown), err
}
