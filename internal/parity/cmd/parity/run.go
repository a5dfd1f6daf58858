package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/org/registry-action/internal/parity"
)

// names are packages by downloads, most used first, one a line. Their newest
// versions are compared; binaries for one platform each are left out.
//
//go:embed names.txt
var names string

type options struct {
	n, synthetic int
	seed         uint64
	cache        string
}

// errDiffers says that the table has a difference.
var errDiffers = errors.New("some packages differ from npm's")

func run(ctx context.Context, w io.Writer, o options) error {
	npm, err := parity.FindNPM(ctx)
	if err != nil {
		return err
	}
	cache, err := parity.NewCache(npm, o.cache)
	if err != nil {
		return err
	}
	list := strings.Fields(names)
	if o.n > len(list) {
		return fmt.Errorf("the list has %d packages only, -n %d is more", len(list), o.n)
	}
	list = list[:o.n]
	scratch, err := os.MkdirTemp("", "parity")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)

	failed := cache.Fetch(ctx, list)
	trees, err := layOut(cache, list, failed, o, scratch)
	if err != nil {
		return err
	}
	results, err := parity.Compare(ctx, npm, trees, scratch)
	if err != nil {
		return err
	}
	return report(w, results, failed)
}

// layOut unpacks the packages that could be fetched and makes up others.
func layOut(cache *parity.Cache, list []string, failed map[string]error, o options, scratch string) ([]parity.Tree, error) {
	var trees []parity.Tree
	for i, name := range list {
		if failed[name] != nil {
			continue
		}
		tree := parity.Tree{Name: name, Dir: filepath.Join(scratch, strconv.Itoa(i))}
		if err := parity.Unpack(cache.Path(name), tree.Dir); err != nil {
			return nil, err
		}
		trees = append(trees, tree)
	}
	for i := range o.synthetic {
		tree, err := parity.Synthetic(filepath.Join(scratch, fmt.Sprintf("synthetic-%d", i)), o.seed+uint64(i))
		if err != nil {
			return nil, err
		}
		trees = append(trees, tree)
	}
	return trees, nil
}

// report prints the packages that differ, one difference a line.
func report(w io.Writer, results []parity.Result, failed map[string]error) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	differ, files := 0, 0
	for _, r := range results {
		files += r.Files
		switch {
		case r.Err != nil:
			fmt.Fprintf(t, "%s\tnot packed: %v\n", r.Name, r.Err)
		case len(r.Differences) > 0:
			fmt.Fprintf(t, "%s\t%s\n", r.Name, strings.Join(r.Differences, "\n\t"))
		default:
			continue
		}
		differ++
	}
	for _, name := range slices.Sorted(maps.Keys(failed)) {
		fmt.Fprintf(t, "%s\tnot fetched: %v\n", name, failed[name])
	}
	fmt.Fprintf(t, "%d packages, %d files: %d packages differ, %d not fetched\n", len(results), files, differ, len(failed))
	if err := t.Flush(); err != nil {
		return err
	}
	if differ+len(failed) > 0 {
		return errDiffers
	}
	return nil
}
