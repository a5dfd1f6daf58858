package lumenpackages

import (
	"context"
	"slices"
	"strings"

	"github.com/org/registry-action/internal/format/lumen"
	"github.com/org/registry-action/internal/store/kv"
)

// entries reads what lists need of a package's versions, by semver, lowest first.
func (s *Service) entries(ctx context.Context, name string) ([]entry, error) {
	all, err := s.scanEntries(ctx, entryPrefix(name))
	slices.SortFunc(all, func(a, b entry) int { return lumen.Compare(a.version, b.version) })
	return all, err
}

// entriesOf is entries for a write of the package: kv.ErrConflict if they are not those of its head. DynamoDB may show the head of another
// server's batch before its entries (law 2 of package kv), and what follows from some of them must not be written.
func (s *Service) entriesOf(ctx context.Context, p *pkg) ([]entry, error) {
	all, err := s.entries(ctx, p.name)
	if err != nil {
		return nil, err
	}
	last := int64(0)
	for _, e := range all {
		last = max(last, e.Revision)
	}
	counted := !p.found || p.Written > 0 // heads of the first servers did not tell
	if counted && (len(all) != p.Versions || last != p.Written) {
		return nil, kv.ErrConflict
	}
	return all, nil
}

// scanEntries reads entries by name, and by the text of the version.
func (s *Service) scanEntries(ctx context.Context, prefix string) ([]entry, error) {
	var all []entry
	for row, err := range s.db.Scan(ctx, versionsPartition, kv.Query{Prefix: prefix}) {
		if err != nil {
			return nil, err
		}
		var e entry
		if err := decodeRow(row.Key, row.Value, &e); err != nil {
			return nil, err
		}
		e.name, e.version, _ = strings.Cut(row.Sort, " ")
		all = append(all, e)
	}
	return all, nil
}

// summaryOf reads what index.json has of a package.
func (s *Service) summaryOf(ctx context.Context, name string) (summary, bool, error) {
	sum, _, found, err := kv.ReadJSON[summary](ctx, s.db, summaryKey(name))
	sum.name = name
	return sum, found, err
}

// packageIndex is a package's index.json. The entries are by semver.
func packageIndex(sum summary, entries []entry) lumen.PackageIndex {
	x := lumen.PackageIndex{Name: sum.name, Yanked: map[string]string{}, Description: sum.Description, Categories: sum.Categories}
	for _, e := range entries {
		x.Versions = append(x.Versions, e.version)
		if lumen.Prerelease(e.version) {
			x.Prereleases = append(x.Prereleases, e.version)
		}
		if e.Yanked {
			x.Yanked[e.version] = e.Reason
		}
	}
	x.Latest = lumen.Latest(x.Versions, x.Yanked)
	return x
}

// summarize returns the op that writes what index.json has of a package whose versions are these now. changed is
// the metadata of the one that this write is about.
func (s *Service) summarize(ctx context.Context, p *pkg, entries []entry, changed lumen.Metadata) (kv.Op, error) {
	slices.SortFunc(entries, func(a, b entry) int { return lumen.Compare(a.version, b.version) })
	sum := summary{name: p.name, Modified: p.Modified}
	x := packageIndex(sum, entries)
	sum.Latest, sum.Shown = x.Latest, x.Latest
	if sum.Shown == "" {
		sum.Shown = entries[len(entries)-1].version
	}
	shown := changed
	if sum.Shown != changed.Version {
		var err error
		if shown, err = s.metadata(ctx, p.name, sum.Shown); err != nil {
			return kv.Op{}, err
		}
	}
	i := slices.IndexFunc(entries, func(e entry) bool { return e.version == sum.Shown })
	sum.Description, sum.Categories = shown.Description, entries[i].Categories
	x.Description, x.Categories = sum.Description, sum.Categories
	sum.Index = partOf(lumen.Encode(x))
	return kv.Put(kv.JSON(summaryKey(p.name), sum)), nil
}
