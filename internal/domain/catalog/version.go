package catalog

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/packument"
	"github.com/org/registry-action/internal/format/semver"
)

// Version finds one version by its version or a dist-tag.
func (s *Service) Version(ctx context.Context, root Root, name, versionOrTag string) (Found, error) {
	if err := checkName(name); err != nil {
		return Found{}, err
	}
	set, err := s.previews(ctx, root, name)
	if err != nil {
		return Found{}, err
	}
	wanted := versionOrTag
	if to := set.Tags[wanted]; to != "" && wanted != latest {
		wanted = to
	}
	if found, ok, err := s.foundPreview(ctx, root, set, wanted); ok || err != nil {
		return found, err
	}
	found, err := s.baseVersion(ctx, root, name, versionOrTag)
	if absent(err) && versionOrTag == latest {
		if found, ok, err := s.foundPreview(ctx, root, set, set.Latest); ok || err != nil {
			return found, err
		}
	}
	return found, err
}

// foundPreview finds a version among previews.
func (s *Service) foundPreview(ctx context.Context, root Root, set PreviewSet, version string) (found Found, ok bool, err error) {
	v, ok := set.find(version)
	if !ok {
		return Found{}, false, nil
	}
	signed, err := s.signed(ctx, []Preview{v})
	if err != nil {
		return Found{}, false, err
	}
	v = signed[0]
	locate(&v.Version, v.Name, root.URL)
	return Found{Version: v.Version, PublishedAt: v.PublishedAt, Checksum: v.Checksum}, true, nil
}

// baseVersion finds a version that the main root has.
func (s *Service) baseVersion(ctx context.Context, root Root, name, versionOrTag string) (found Found, err error) {
	found, err = s.src.Releases.Version(ctx, name, versionOrTag)
	if err == nil {
		locate(&found.Version, name, root.URL)
		return found, nil
	}
	b, release, err := s.foreignText(ctx, name, packument.Full, err)
	if err != nil {
		return Found{}, err
	}
	defer release()
	if found, err = pick(b, name, versionOrTag); err != nil {
		return Found{}, err
	}
	if s.opt.Rewrite {
		found.Dist.Tarball = packument.TarballURL(root.URL, name, found.Version.Version)
	}
	return found, nil
}

// pick finds a version in upstream's document.
func pick(text []byte, name, versionOrTag string) (Found, error) {
	manifest, err := packument.Pick(text, name, versionOrTag)
	if err != nil {
		return Found{}, err
	}
	found := Found{Upstream: true}
	if err := json.Unmarshal(manifest, &found.Version); err != nil || found.Name != name {
		return Found{}, fault.Wrap(err, fault.Upstream, "upstream's manifest of %s %.260q can't be read", name, versionOrTag)
	}
	times, err := timesOf(text)
	found.PublishedAt, _ = parseTime(times.Text(found.Version.Version)) // zero: not known
	return found, err
}

// timesOf reads when upstream has published each version; of what it does not say there is nothing.
func timesOf(text []byte) (packument.Object, error) {
	document, err := packument.ParseObject(text)
	if err != nil {
		return nil, err
	}
	times, err := packument.ParseObject(document.Get("time"))
	if err != nil {
		return nil, nil // not every registry has it
	}
	return times, nil
}

// Dates returns when upstream says that it has published the versions of a name that is not ours.
func (s *Service) Dates(ctx context.Context, name string) (map[string]time.Time, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	b, release, err := s.foreignText(ctx, name, packument.Full, noPackage(name))
	if err != nil {
		return nil, err
	}
	defer release()
	times, err := timesOf(b)
	dates := make(map[string]time.Time, len(times))
	for _, m := range times {
		var text string
		if json.Unmarshal(m.Value, &text) != nil {
			continue
		}
		if at, ok := parseTime(text); ok {
			dates[m.Key] = at
		}
	}
	return dates, err
}

// foreignText reads a document of upstream, of a name to which Releases answered
// miss. It and every part of it is good until release is called.
func (s *Service) foreignText(ctx context.Context, name string, f packument.Form, miss error) (text []byte, release func(), err error) {
	up, err := s.elsewhere(ctx, name, miss)
	if err != nil {
		return nil, nil, err
	}
	doc, err := ask(ctx, up, name, f, false)
	if err != nil {
		return nil, nil, err
	}
	defer doc.Text.Close() // it is only read
	return s.read(ctx, doc, 1)
}

// Versions lists the versions of a name by semver, highest first.
func (s *Service) Versions(ctx context.Context, root Root, name string) ([]string, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	set, err := s.previews(ctx, root, name)
	if err != nil {
		return nil, err
	}
	versions, err := s.baseVersions(ctx, name)
	if err != nil && !hidden(err, set) {
		return nil, err
	}
	for _, v := range set.Versions {
		versions = append(versions, v.Version.Version)
	}
	return descending(versions), nil
}

// hidden reports whether a base that is not there, or can't be asked, is no
// reason not to show the previews of a name.
func hidden(err error, set PreviewSet) bool {
	return len(set.Versions) > 0 && (absent(err) || unreachable(err))
}

func (s *Service) baseVersions(ctx context.Context, name string) ([]string, error) {
	var versions []string
	p, err := s.src.Releases.Packument(ctx, name)
	if err == nil {
		for _, v := range p.Versions {
			versions = append(versions, v.Version)
		}
		return versions, nil
	}
	b, release, err := s.foreignText(ctx, name, packument.Abbreviated, err)
	if err != nil {
		return nil, err
	}
	defer release()
	refs, err := packument.Refs(b, name)
	for _, ref := range refs {
		versions = append(versions, ref.Version)
	}
	return versions, err
}

// descending sorts versions by precedence and drops what comes twice. What is no
// version by today's rules comes last.
func descending(versions []string) []string {
	type ranked struct {
		text  string
		ok    bool
		value semver.Version
	}
	all := make([]ranked, len(versions))
	for i, text := range versions {
		v, err := semver.Parse(text)
		all[i] = ranked{text: text, ok: err == nil, value: v}
	}
	slices.SortFunc(all, func(a, b ranked) int {
		if a.ok != b.ok {
			if a.ok {
				return -1
			}
			return 1
		}
		return cmp.Or(semver.Compare(b.value, a.value), cmp.Compare(b.text, a.text))
	})
	out := make([]string, len(all))
	for i, v := range all {
		out[i] = v.text
	}
	return slices.Compact(out)
}

// Tags returns the dist-tags of a name.
func (s *Service) Tags(ctx context.Context, root Root, name string) (map[string]string, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	set, err := s.previews(ctx, root, name)
	if err != nil {
		return nil, err
	}
	tags, err := s.baseTags(ctx, name)
	if err != nil && !hidden(err, set) {
		return nil, err
	}
	return mergeTags(tags, set, unreachable(err)), nil
}

func (s *Service) baseTags(ctx context.Context, name string) (map[string]string, error) {
	tags, err := s.src.Index.Tags(ctx, name)
	if err == nil {
		return tags, nil
	}
	b, release, err := s.foreignText(ctx, name, packument.Abbreviated, err)
	if err != nil {
		return nil, err
	}
	defer release()
	o, err := packument.ParseObject(b)
	if err != nil || o.Text("name") != name {
		return nil, fault.Wrap(err, fault.Upstream, "upstream sent no packument of %q", name)
	}
	if err := json.Unmarshal(o.Get("dist-tags"), &tags); err != nil {
		return nil, fault.Wrap(err, fault.Upstream, "upstream's packument of %q has no dist-tags", name)
	}
	return tags, nil
}
