package catalog

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/packument"
	"github.com/org/registry-action/internal/format/signature"
)

const latest = "latest"

// previewPackument answers for the preview registry of a repository: the base
// and, beside its versions, the previews.
//
// While upstream can't be asked and no copy of its document is here, a name that
// has previews is answered with them alone, marked stale and without "latest",
// which would else move from upstream's version to a preview: who asks for a preview by
// version or tag gets it, and the rest fails rather than getting what was not meant.
func (s *Service) previewPackument(ctx context.Context, root Root, name string, f packument.Form, fresh bool) (*Document, error) {
	revision, err := s.src.Previews.Revision(ctx, root.Repository)
	if err != nil {
		return nil, err
	}
	b, missing := s.base(ctx, name, f, fresh)
	defer b.close()
	if missing != nil && !absent(missing) && !unreachable(missing) {
		return nil, missing
	}
	r := rendering{
		key:   key{root: root.URL, name: name, form: f},
		stamp: stamp{release: b.revision, previews: revision, partial: unreachable(missing)},
	}
	stale := false
	if b.foreign != nil {
		r.foreign, stale = b.foreign.ID, b.foreign.Stale
	}
	doc, err := s.merged(ctx, root, r, b.foreign)
	switch {
	case err != nil:
		return nil, err
	case doc != nil:
		return doc.asStale(stale || r.partial), nil
	case missing != nil:
		return nil, missing
	}
	return s.plain(ctx, root, name, f, b)
}

// merged renders a base with previews; nil if the name has none.
func (s *Service) merged(ctx context.Context, root Root, r rendering, f *Foreign) (*Document, error) {
	if doc := s.memory.get(&r); doc != nil {
		return doc, nil
	}
	return s.rendering.do(ctx, r, func() (*Document, error) {
		if doc := s.memory.get(&r); doc != nil {
			return doc, nil
		}
		set, err := s.src.Previews.Previews(ctx, root.Repository, r.name)
		if err != nil || len(set.Versions) == 0 {
			return nil, err
		}
		p, release, err := s.decoded(ctx, r, f)
		if err != nil {
			return nil, err
		}
		defer release()
		if set.Versions, err = s.signed(ctx, set.Versions); err != nil {
			return nil, err
		}
		return s.encode(r, merge(p, set, r), set.Until)
	})
}

// decoded reads the base of a rendering, good until release is called; a name that has none has an empty one.
func (s *Service) decoded(ctx context.Context, r rendering, f *Foreign) (p *packument.Packument, release func(), err error) {
	if f != nil {
		b, release, err := s.read(ctx, f, parseWeight)
		if err != nil {
			return nil, nil, err
		}
		if p, err = s.parse(b, r); err != nil {
			release()
			return nil, nil, err
		}
		return p, release, nil
	}
	if release, err = s.enter(ctx, ownWeight); err != nil {
		return nil, nil, err
	}
	p = &packument.Packument{Name: r.name}
	if r.release == "" {
		return p, release, nil
	}
	switch ours, err := s.src.Releases.Packument(ctx, r.name); {
	case err == nil:
		p = located(ours, r.root)
	case !absent(err):
		release()
		return nil, nil, err
	}
	return p, release, nil
}

// parse decodes a document of upstream.
func (s *Service) parse(b []byte, r rendering) (*packument.Packument, error) {
	if s.opt.Rewrite {
		var err error
		if b, err = packument.Retarget(b, r.name, r.root); err != nil {
			return nil, err
		}
	}
	p, err := packument.Parse(b, r.name)
	if err != nil {
		return nil, fault.Wrap(err, fault.Upstream, "upstream's packument of %q can't be read", r.name)
	}
	return p, nil
}

// signed returns the previews with our signatures.
func (s *Service) signed(ctx context.Context, previews []Preview) ([]Preview, error) {
	out := slices.Clone(previews)
	for i := range out {
		v := &out[i].Version
		sig, err := s.src.Signer.Sign(ctx, v.Name, v.Version, v.Dist.Integrity)
		if err != nil {
			return nil, err
		}
		v.Dist.Signatures = []signature.Signature{sig}
	}
	return out, nil
}

// merge adds previews to a base. Of a version and of a tag that both have, the
// base's is left out; "latest" stays the base's.
func merge(p *packument.Packument, set PreviewSet, r rendering) *packument.Packument {
	shown := map[string]bool{}
	times := maps.Clone(p.Time)
	if times == nil {
		times = map[string]string{}
	}
	var versions []packument.Version
	for _, v := range slices.Backward(set.Versions) {
		locate(&v.Version, r.name, r.root)
		shown[v.Version.Version] = true
		versions = append(versions, v.Version)
		noteTime(times, v.Version.Version, v.PublishedAt.UTC())
	}
	base := slices.DeleteFunc(slices.Clone(p.Versions), func(v packument.Version) bool { return shown[v.Version] })
	out := *p
	out.Versions = append(base, versions...)
	out.Time = times
	out.DistTags = mergeTags(p.DistTags, set, r.partial)
	return &out
}

// noteTime adds the time of a version.
func noteTime(times map[string]string, version string, at time.Time) {
	text := at.Format(isoTime)
	times[version] = text
	if created, ok := parseTime(times["created"]); !ok || at.Before(created) {
		times["created"] = text
	}
	if modified, ok := parseTime(times["modified"]); !ok || at.After(modified) {
		times["modified"] = text
	}
}

// mergeTags adds the tags of previews to those of a base; partial says that the base is not known.
func mergeTags(base map[string]string, set PreviewSet, partial bool) map[string]string {
	tags := maps.Clone(base)
	if tags == nil {
		tags = map[string]string{}
	}
	maps.Copy(tags, set.Tags)
	delete(tags, latest)
	switch to := base[latest]; {
	case to != "":
		tags[latest] = to
	case !partial && set.Latest != "":
		tags[latest] = set.Latest
	}
	return tags
}

// isoTime is how npm's documents write times.
const isoTime = "2006-01-02T15:04:05.000Z"

func parseTime(s string) (time.Time, bool) {
	t, err := time.Parse(time.RFC3339, s)
	return t, err == nil
}
