package verdaccio

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/org/registry-action/internal/foreign"
	"github.com/org/registry-action/internal/format/packument"
)

// stored is what verdaccio adds to a packument, by the names of tarballs.
type stored struct {
	attachments map[string]json.RawMessage // that are there
	distfiles   map[string]json.RawMessage // that an uplink has
}

func readStored(p *packument.Packument) (s stored, err error) {
	for key, to := range map[string]*map[string]json.RawMessage{"_attachments": &s.attachments, "_distfiles": &s.distfiles} {
		raw := p.Other.Get(key)
		if raw == nil {
			continue
		}
		if err := json.Unmarshal(raw, to); err != nil {
			return s, fmt.Errorf("%s has a member %s that is not an object: %w", packumentDoc, key, err)
		}
	}
	return s, nil
}

// versions are the published ones, and with Folder.all those that an uplink has
// and whose tarballs were fetched.
func (f *Folder) versions(name string, text []byte) ([]foreign.Version, error) {
	p, err := packument.Parse(text, name)
	if err != nil {
		return nil, err
	}
	s, err := readStored(p)
	if err != nil {
		return nil, err
	}
	tags := foreign.TagsOf(p.DistTags)
	var out []foreign.Version
	for _, v := range p.Versions {
		file := fileOf(v)
		_, fetched := s.distfiles[file]
		_, there := s.attachments[file]
		delete(s.attachments, file)
		if !fetched || f.all && there {
			out = append(out, version(name, file, v, p.Time[v.Version], tags[v.Version]))
		}
	}
	for _, file := range slices.Sorted(maps.Keys(s.attachments)) {
		if _, fetched := s.distfiles[file]; !fetched || f.all {
			out = append(out, foreign.Version{Version: file, Problem: fmt.Errorf("%s describes no version that has this tarball", packumentDoc)})
		}
	}
	foreign.Sort(out)
	return out, nil
}

func version(name, file string, v packument.Version, published string, tags []string) foreign.Version {
	out := foreign.Version{
		Version: v.Version, Tags: tags, Deprecated: v.Deprecated, Publisher: publisher(v), Shasum: v.Dist.Shasum,
	}
	if strings.Contains(v.Dist.Integrity, "sha512-") { // of other hashes the server takes none
		out.Integrity = v.Dist.Integrity
	}
	if !isFileName(file) {
		out.Problem = fmt.Errorf("%.230q is no name of a tarball", file)
		return out
	}
	out.File = path.Join(name, file)
	if published == "" {
		return out
	}
	var err error
	if out.PublishedAt, err = time.Parse(time.RFC3339, published); err != nil {
		out.Problem = fmt.Errorf("%.60q, when it was published, is no time", published)
	}
	return out
}

func isFileName(name string) bool {
	return fs.ValidPath(name) && name == path.Base(name) && name != "." && !strings.ContainsRune(name, '\\')
}

// fileOf is the name of a version's tarball: the end of its URL, as verdaccio takes it.
func fileOf(v packument.Version) string {
	u, err := url.Parse(v.Dist.Tarball)
	if err != nil {
		return ""
	}
	return path.Base(u.Path)
}

func publisher(v packument.Version) string {
	switch {
	case v.Publisher != nil && v.Publisher.Name != "":
		return v.Publisher.Name
	case len(v.Maintainers) > 0:
		return v.Maintainers[0].Name
	}
	return ""
}
