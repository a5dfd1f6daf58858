package changes

import (
	"context"
	"slices"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/filelist"
)

// The bounds of an answer. The bytes are those of all texts in a list.
const (
	maxPaths    = 100 // of a kind; their number is told
	maxListed   = 200 // dependencies, entries
	maxBytes    = 16 << 10
	maxText     = 200     // bytes of one text; a longer one is cut
	maxManifest = 1 << 20 // bytes
)

// look is facts from memory, or of what can be read.
func (s *Service) look(ctx context.Context, p Pair) Facts {
	key := p.key()
	if known, ok := s.known.Get(key); ok {
		return known
	}
	if ctx.Err() != nil {
		return Facts{Incomplete: true}
	}
	f, err := facts(ctx, p)
	if err != nil {
		if _, said := fault.Public(err); !said && ctx.Err() == nil {
			s.opt.Log.WarnContext(ctx, "reading a package to compare", "package", p.Name, "commit", p.After.Commit, "err", err)
		}
		return Facts{Incomplete: true}
	}
	s.known.Put(key, f, keepKnown)
	return f
}

// key names all that facts are made of.
func (p Pair) key() string {
	key := string(p.After.Kind) + " " + p.After.ID + " " + p.After.Commit
	if p.Before != nil {
		key += " " + string(p.Before.Kind) + " " + p.Before.ID + " " + p.Before.Commit
	}
	return key
}

// facts compares two packages, of which the earlier one may be missing.
func facts(ctx context.Context, p Pair) (Facts, error) {
	after, err := read(ctx, p.After)
	if err != nil {
		return Facts{}, err
	}
	before := &content{list: &filelist.List{}}
	if p.Before != nil {
		if before, err = read(ctx, p.Before); err != nil {
			return Facts{}, err
		}
	}
	f := Facts{Incomplete: before.list.More || after.list.More}
	changed, _ := filelist.Compare(before.list, after.list)
	if digits := f.manifests(p, before, after); digits {
		changed = slices.DeleteFunc(changed, func(c filelist.Change) bool { return c.What == filelist.Changed && c.Path() == string(NPM) })
	}
	if p.Before != nil {
		f.Files = filesOf(changed)
		f.same = len(changed) == 0 && !f.Incomplete
	}
	return f, nil
}

// content is a package as far as it is looked at.
type content struct {
	list     *filelist.List
	manifest []byte // nil if there is none that can be read
}

func read(ctx context.Context, p *Package) (*content, error) {
	list, err := p.Archive.List(ctx)
	if err != nil {
		return nil, err
	}
	f, ok := list.Find(string(p.Kind))
	if !ok || f.Size > maxManifest || f.Link != "" {
		return &content{list: list}, nil
	}
	texts, err := p.Archive.Read(ctx, maxManifest, f)
	return &content{list, texts[f.Path]}, err
}

func filesOf(changed []filelist.Change) *Files {
	paths := map[string][]string{}
	for _, c := range changed {
		paths[c.What] = append(paths[c.What], c.Path())
	}
	return &Files{pathsOf(paths[filelist.Added]), pathsOf(paths[filelist.Removed]), pathsOf(paths[filelist.Changed])}
}

func pathsOf(all []string) Paths {
	first, _ := fit(all, maxPaths, func(path *string) int { return len(*path) })
	return Paths{first, len(all)}
}

// fit cuts a list to a number of items and of bytes, which size tells of an item after it has cut its texts.
func fit[T any](all []T, most int, size func(*T) int) (some []T, cut bool) {
	left := maxBytes
	for i := range all {
		if left -= size(&all[i]); left < 0 || i == most {
			return slices.Clone(all[:i]), true // which may be remembered, all are not
		}
	}
	return all, false
}
