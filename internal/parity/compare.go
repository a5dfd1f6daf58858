package parity

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"github.com/org/registry-action/internal/format/tarball"
)

// Tree is a folder to pack.
type Tree struct {
	Name string
	Dir  string
	// Workspace is the root of the workspace around it, Members that workspace's
	// folders; empty if it is packed on its own. All are absolute.
	Workspace string
	Members   []string
}

// Result is what the comparison of a tree came to.
type Result struct {
	Tree
	Files       int
	Differences []string
	Err         error // we could not pack it
}

// Compare packs trees with npm and with our packages, and compares. The result
// has the order of trees; scratch is a folder for the tars.
func Compare(ctx context.Context, npm *NPM, trees []Tree, scratch string) ([]Result, error) {
	jobs := make([]job, len(trees))
	for i, t := range trees {
		jobs[i] = job{
			Dir: t.Dir, Out: filepath.Join(scratch, fmt.Sprintf("%d.tar", i)),
			Prefix: cmp.Or(t.Workspace, t.Dir), Workspaces: t.Members,
		}
	}
	results := make([]Result, len(trees))
	g, ctx := errgroup.WithContext(ctx)
	for part := range parallel {
		g.Go(func() error {
			from, to := part*len(trees)/parallel, (part+1)*len(trees)/parallel
			if err := npm.pack(ctx, jobs[from:to]); err != nil {
				return err
			}
			packer := &tarball.Packer{}
			for i := from; i < to; i++ {
				var err error
				if results[i], err = compareOne(packer, trees[i], jobs[i].Out, scratch); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return results, g.Wait()
}

func compareOne(packer *tarball.Packer, tree Tree, out, scratch string) (Result, error) {
	npms, err := ReadFile(out, false)
	if err != nil {
		return Result{}, fmt.Errorf("reading npm's tar of %s: %w", tree.Name, err)
	}
	if err := os.Remove(out); err != nil {
		return Result{}, err
	}
	r := Result{Tree: tree, Files: len(npms)}
	own, err := ours(packer, tree, scratch)
	if err != nil {
		r.Err = err
		return r, nil
	}
	r.Differences = Diff(own, npms)
	return r, nil
}
