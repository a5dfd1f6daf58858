package zigpackages

import (
	"context"
	"io"
	"slices"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/zig"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/turns"
)

const publishFor = 30 * time.Minute // a publish takes less, or fails; well below what bytes are held for

// Publish makes a version visible. The same content again is a success; another is fault.Exists with the code
// "version_exists"; another fingerprint than the name's is fault.Forbidden with the code "other_fingerprint".
func (s *Service) Publish(ctx context.Context, who Principal, r Release) (Published, error) {
	ctx, cancel := context.WithTimeout(ctx, publishFor)
	defer cancel()
	v, err := s.check(who, r)
	if err != nil {
		return Published{}, err
	}
	p, err := s.load(ctx, v.Name)
	if err != nil {
		return Published{}, err
	}
	out, err := s.plan(ctx, who, p, v) // who is refused stores no bytes
	if err != nil {
		return Published{}, err
	}
	if !out.Unchanged {
		if err := s.store(ctx, r.Upload); err != nil {
			return Published{}, err
		}
		if out, err = s.commit(ctx, who, v); err != nil {
			return Published{}, err
		}
	}
	out.Warnings = slices.Concat(r.Upload.Warnings, out.Warnings)
	return out, nil
}

// store makes the bytes of an upload durable. They stay for some hours, and for
// good once a batch pins them.
func (s *Service) store(ctx context.Context, u *Upload) error {
	key := blobKey(u.Artifact)
	if err := s.life.Hold(ctx, key); err != nil {
		return err
	}
	if _, err := u.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	_, _, err := s.blobs.Put(ctx, key, u.file)
	return err
}

// commit makes a version visible whose bytes have been stored since its PublishedAt.
func (s *Service) commit(ctx context.Context, who Principal, v Version) (out Published, err error) {
	err = s.revise(ctx, v.Name, func(p *pkg) ([]kv.Op, error) {
		if out, err = s.plan(ctx, who, *p, v); err != nil {
			return nil, err
		}
		if out.Unchanged {
			return nil, turns.ErrUnchanged
		}
		// The time of a context stands still while the machine sleeps; the sweeper's does not.
		if s.now().Sub(v.PublishedAt) > publishFor {
			return nil, fault.New(fault.Unavailable, "the publish of %s %s took more than %s; send the request again", v.Name, v.Version, publishFor)
		}
		return s.publishOps(ctx, p, v)
	})
	return out, err
}

// plan looks what publishing v would lead to, as its package is now. Of the warnings it has those about the name.
func (s *Service) plan(ctx context.Context, who Principal, p pkg, v Version) (Published, error) {
	out := Published{Version: v, First: !p.found}
	if !p.found {
		return out, p.admit(who)
	}
	if err := p.mayChange(who); err != nil {
		return out, err
	}
	old, _, found, err := kv.ReadJSON[Version](ctx, s.db, versionKey(p.key, v.Version))
	if err != nil {
		return out, err
	}
	if found {
		out.Version, out.Unchanged = old, true
		if old.Hash != v.Hash || old.Legacy != v.Legacy {
			return out, exists(old, v)
		}
		if old.Yanked {
			out.Warnings = append(out.Warnings, zig.Warning{Code: "yanked", Message: v.Name + " " + v.Version + " is yanked, and stays so until it is un-yanked"})
		}
		return out, nil
	}
	switch {
	case p.ID == 0 || v.id() == p.ID:
	case v.Fingerprint == 0:
		out.Warnings = append(out.Warnings, zig.Warning{
			Code:    "fingerprint_dropped",
			Message: "earlier versions of " + p.Name + " have a .fingerprint, this one has none: compilers from 0.16 on refuse it, and its users can't tell it from another project",
		})
	default:
		s.opt.Log.WarnContext(ctx, "another project's fingerprint was refused", "name", p.Name, "version", v.Version, "by", who.String())
		return out, otherFingerprint(p, v)
	}
	return out, nil
}

// exists refuses other content for a version.
func exists(old, v Version) error {
	return fault.New(fault.Exists, "Version %s of %s already exists with other content: it has the hash %s, what was sent %s; a version never changes, raise .version in build.zig.zon",
		old.Version, old.Name, old.Legacy, v.Legacy).WithCode("version_exists")
}

func otherFingerprint(p pkg, v Version) error {
	return fault.New(fault.Forbidden, "the fingerprint %#x of %s %s has the id %#x, but %s has had %#x since it was first published with one: to compilers it is another project; keep the .fingerprint, or publish it under another name",
		v.Fingerprint, v.Name, v.Version, v.id(), p.Name, p.ID).WithCode("other_fingerprint")
}

// publishOps are the rows of a new version, and the pin of its bytes.
func (s *Service) publishOps(ctx context.Context, p *pkg, v Version) ([]kv.Op, error) {
	pin, err := s.life.Pin(ctx, blobKey(v.Artifact))
	if err != nil {
		return nil, err
	}
	ops := []kv.Op{kv.PutNew(kv.JSON(versionKey(p.key, v.Version), v)), pin}
	for _, hash := range v.hashes() {
		ops = append(ops, kv.Put(kv.JSON(hashKey(hash, p.key, v.Version), hashRow{Name: p.key, Version: v.Version, PublishedAt: v.PublishedAt})))
	}
	offered := []Version{v}
	if p.found {
		old, err := s.readVersion(ctx, *p, p.Latest)
		if err != nil {
			return nil, err
		}
		offered = append(offered, old)
	} else {
		p.Owners = []string{v.Publisher}
	}
	if latestOf(offered).Version == v.Version {
		ops = append(ops, p.offer(v))
	}
	if p.ID == 0 {
		p.ID = v.id()
	}
	p.touched(v.PublishedAt)
	return ops, nil
}
