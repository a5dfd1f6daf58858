package changes

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
)

// Compare tells what became of packages: changed, added, removed and then unchanged ones, each by name. Without a base
// (based is false, no pair has a Before) there is nothing to tell but which entries are broken.
func (s *Service) Compare(ctx context.Context, pairs []Pair, based bool) ([]Change, error) {
	all := make([]Change, len(pairs))
	for i, p := range pairs {
		all[i].Pair = p
		if based {
			all[i].What = p.what()
		}
	}
	sort(all)
	s.open(ctx, all)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for i := range all {
		switch c := &all[i]; {
		case !based:
			c.Facts = Facts{Broken: c.Broken, Incomplete: c.Incomplete}
		case c.same:
			c.What, c.Facts = Same, Facts{}
		}
	}
	sort(all)
	return all, nil
}

// what is what became of a package as far as is known without a look into it.
func (p Pair) what() What {
	switch {
	case p.Before == nil:
		return Added
	case p.After == nil:
		return Removed
	case p.Same:
		return Same
	}
	return Changed
}

func sort(all []Change) {
	order := []What{"", Changed, Added, Removed, Same}
	slices.SortFunc(all, func(a, b Change) int {
		return cmp.Or(slices.Index(order, a.What)-slices.Index(order, b.What), strings.Compare(a.Name, b.Name))
	})
}

// open looks into the packages that may have changed, the first of them, until the time is over.
func (s *Service) open(ctx context.Context, all []Change) {
	ctx, cancel := context.WithTimeout(ctx, s.opt.Time)
	defer cancel()
	var g errgroup.Group
	g.SetLimit(s.opt.AtOnce)
	opened := 0
	for i := range all {
		c := &all[i]
		if c.What == Removed || c.What == Same {
			continue
		}
		if opened++; opened > s.opt.Packages {
			c.Incomplete = true
			continue
		}
		g.Go(func() error {
			c.Facts = s.look(ctx, c.Pair)
			return nil
		})
	}
	_ = g.Wait() // look has no errors
}
