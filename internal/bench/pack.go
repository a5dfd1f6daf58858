package main

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/org/registry-action/internal/action/pack"
	"github.com/org/registry-action/internal/clients"
)

// rounds is how often everything is measured, after one round that warms up.
// npm packs one fifth of the packages in each round: each package once.
const rounds = 5

// contest is what packs the same packages by turns.
type contest struct {
	repo *monorepo
	bin  string // of publish-commit
	npm  clients.Client
	each []pipe // one for each package
	all  []pipe // one for each half of the packages
	dir  string

	ours, inside, tar, halves []usage
	npmTotal                  usage
}

func measurePack(ctx context.Context, b *bench, dir string) (table, error) {
	c := &contest{bin: filepath.Join(b.Bin, "publish-commit"), dir: dir}
	var err error
	if c.npm, err = clients.Install(ctx, clients.NPM11); err != nil {
		return table{}, err
	}
	if c.repo, err = b.layOut(ctx, dir); err != nil {
		return table{}, err
	}
	packages, err := c.repo.packAll(ctx, packing(dir, ""))
	if err != nil {
		return table{}, err
	}
	if err := c.prepare(ctx, packages); err != nil {
		return table{}, err
	}
	for n := range rounds + 1 {
		if n == 1 { // the one before was to warm up
			c.ours, c.inside, c.tar, c.halves, c.npmTotal = nil, nil, nil, nil, usage{}
		}
		b.say("  round %d of %d", n, rounds)
		if err := c.round(ctx, n); err != nil {
			return table{}, err
		}
	}
	return c.table(packages)
}

// prepare makes the pipes and the lists of the files that the packages have.
func (c *contest) prepare(ctx context.Context, packages []*pack.Package) error {
	compressor, err := buildCompressor(ctx, c.dir)
	if err != nil {
		return err
	}
	newPipe := func(name, dir string, files []string) (pipe, error) {
		p := pipe{compressor, dir, filepath.Join(c.dir, name+".list"), filepath.Join(c.dir, name+".z")}
		return p, writeList(p.list, files)
	}
	for i, p := range packages {
		one, err := newPipe(strconv.Itoa(i), filepath.Join(c.repo.root, filepath.FromSlash(p.Dir)), paths(p, ""))
		if err != nil {
			return err
		}
		c.each = append(c.each, one)
	}
	for i, hand := range halves(packages) {
		var files []string
		for _, p := range hand {
			files = append(files, paths(p, p.Dir)...)
		}
		one, err := newPipe("half-"+strconv.Itoa(i), c.repo.root, files)
		if err != nil {
			return err
		}
		c.all = append(c.all, one)
	}
	return nil
}

func paths(p *pack.Package, below string) []string {
	list := make([]string, len(p.Files))
	for i, f := range p.Files {
		list[i] = path.Join(below, f.Path)
	}
	return list
}

// halves deals packages out into two hands of about the same size.
func halves(packages []*pack.Package) (hands [2][]*pack.Package) {
	var sizes [2]int64
	bySize := slices.SortedFunc(slices.Values(packages), func(a, b *pack.Package) int { return int(b.Unpacked - a.Unpacked) })
	for _, p := range bySize {
		to := 0
		if sizes[1] < sizes[0] {
			to = 1
		}
		hands[to] = append(hands[to], p)
		sizes[to] += p.Unpacked
	}
	return hands
}

// round lets everyone pack once. What they have written is removed outside the clock.
func (c *contest) round(ctx context.Context, n int) error {
	out := filepath.Join(c.dir, "round")
	if err := os.Mkdir(out, 0o755); err != nil {
		return err
	}
	for _, turn := range []struct {
		into *[]usage
		run  func() (usage, error)
	}{
		{&c.ours, func() (usage, error) {
			return runTool(ctx, c.repo.root, environment(), c.bin, "pack", "--keep-version", "--ignore-scripts", "--out", out)
		}},
		{&c.tar, func() (usage, error) { return runPipes(ctx, c.each) }},
		{&c.halves, func() (usage, error) { return runPipes(ctx, c.all) }},
		{&c.inside, func() (usage, error) {
			return timed(func() error {
				_, err := c.repo.packAll(ctx, packing(out, ""))
				return err
			})
		}},
	} {
		u, err := turn.run()
		if err != nil {
			return err
		}
		*turn.into = append(*turn.into, u)
	}
	if err := c.npmPacks(ctx, n, out); err != nil {
		return err
	}
	return os.RemoveAll(out)
}

// npmPacks lets npm pack the round's share of the packages.
func (c *contest) npmPacks(ctx context.Context, n int, out string) error {
	members := c.repo.ws.Members
	share := members[:1]
	if n > 0 {
		share = members[(n-1)*len(members)/rounds : n*len(members)/rounds]
	}
	for _, m := range share {
		u, err := runTool(ctx, m.Path, c.npm.Env, c.npm.Path, "pack", "--ignore-scripts", "--silent", "--pack-destination", out)
		if err != nil {
			return err
		}
		c.npmTotal.Wall += u.Wall
		c.npmTotal.CPU += u.CPU
	}
	return nil
}

func (c *contest) table(packages []*pack.Package) (table, error) {
	t := table{Title: fmt.Sprintf("packing %d packages", len(packages))}
	written, err := sizes(c.each)
	if err != nil {
		return t, err
	}
	t.add("files", float64(sum(packages, func(p *pack.Package) int64 { return int64(len(p.Files)) })), count)
	t.add("bytes of the files", float64(sum(packages, func(p *pack.Package) int64 { return p.Unpacked })), bytesOf)
	t.add("bytes of our tarballs", float64(sum(packages, func(p *pack.Package) int64 { return p.Size })), bytesOf)
	t.add("bytes from tar, compressed", float64(written), bytesOf)
	ours := typical(c.ours)
	t.took("npm pack on each", c.npmTotal)
	t.took("publish-commit pack, the process", ours)
	t.took("action/pack.Run, inside a process", typical(c.inside))
	t.took("tar, compressor: a pair for each package", typical(c.tar))
	t.took("tar, compressor: a pair for each half", typical(c.halves))
	t.aim("npm pack : publish-commit pack, wall time", share(c.npmTotal.Wall, ours.Wall), ratio, atLeast, 100)
	t.aim("npm pack : publish-commit pack, CPU time", share(c.npmTotal.CPU, ours.CPU), ratio, atLeast, 100)
	for _, other := range []struct {
		name string
		runs []usage
	}{{"a pair for each package", c.tar}, {"a pair for each half", c.halves}} {
		wall, cpu := times(c.ours, other.runs)
		t.aim("publish-commit pack : "+other.name+", wall time", wall, ratio, atMost, 1.3)
		t.aim("publish-commit pack : "+other.name+", CPU time", cpu, ratio, atMost, 1.3)
	}
	wall, cpu := times(c.inside, c.halves)
	t.add("action/pack.Run : a pair for each half, wall time", wall, ratio)
	t.add("action/pack.Run : a pair for each half, CPU time", cpu, ratio)
	return t, nil
}

func share(a, b time.Duration) float64 { return a.Seconds() / b.Seconds() }
