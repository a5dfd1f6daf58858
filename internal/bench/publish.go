package main

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/org/registry-action/internal/action/pack"
)

// allowance is what a commit may cost beside the bodies that changed.
const allowance = 64 << 10

// repository is the one that is published from.
const repository = "https://github.com/org/monorepo"

// commitSHA is the made-up SHA of the n-th commit.
func commitSHA(n int) string {
	sum := sha1.Sum([]byte("commit " + strconv.Itoa(n)))
	return hex.EncodeToString(sum[:])
}

// push is one run of publish-commit, and what it led to.
type push struct {
	usage
	sent, headers, requests int64
	plan, uploads, publish  int64 // bodies sent
	grown                   stored
}

func measurePublish(ctx context.Context, b *bench, dir string) (table, error) {
	repo, err := b.layOut(ctx, dir)
	if err != nil {
		return table{}, err
	}
	data := filepath.Join(dir, "data")
	first, err := b.push(ctx, repo, data, 1, stored{})
	if err != nil {
		return table{}, err
	}
	packages, err := repo.packAll(ctx, packing(dir, ""))
	if err != nil {
		return table{}, err
	}
	changed := middle(packages)
	if err := repo.touch(changed, "changed"); err != nil {
		return table{}, err
	}
	again, err := repo.packAll(ctx, packing(dir, commitSHA(2)))
	if err != nil {
		return table{}, err
	}
	body := again[slices.Index(packages, changed)].Recipe.Body.Size
	next, err := b.push(ctx, repo, data, 2, first.grown)
	if err != nil {
		return table{}, err
	}
	t := table{Title: fmt.Sprintf("publishing %d packages", len(packages))}
	first.describe(&t, "first commit")
	t.add(fmt.Sprintf("next commit: body of %s, the one changed", changed.Name), float64(body), bytesOf)
	next.describe(&t, "next commit")
	limit := float64(body + allowance)
	t.aim("next commit: bytes sent, headers included", float64(next.sent), bytesOf, atMost, limit)
	t.aim("next commit: stored, blobs", float64(next.grown.blobs), bytesOf, atMost, limit)
	t.aim("next commit: stored, pages of the database", float64(next.grown.pages), bytesOf, atMost, limit)
	t.aim("next commit: stored, both", float64(next.grown.blobs+next.grown.pages), bytesOf, atMost, limit)
	return t, nil
}

// push publishes the monorepo as the n-th commit. Before is what the data folder holds.
func (b *bench) push(ctx context.Context, repo *monorepo, data string, n int, before stored) (p push, err error) {
	s, err := b.startCounted(ctx, data)
	if err != nil {
		return p, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	p.usage, err = runTool(ctx, repo.root, environment(), filepath.Join(b.Bin, "publish-commit"),
		"--registry-url", s.url, "--sha", commitSHA(n), "--repository", repository, "--ignore-scripts", "--comment", "off")
	if err != nil {
		return p, err
	}
	if err := s.stop(); err != nil {
		return p, err
	}
	p.sent, p.headers = s.proxy.sent()
	p.requests, p.plan, p.uploads, p.publish = s.proxy.requests.Load(), s.proxy.plans.Load(), s.proxy.blobs.Load(), s.proxy.publishes.Load()
	after, err := look(data)
	p.grown = after.minus(before)
	return p, err
}

func (p push) describe(t *table, name string) {
	t.took(name+": publish-commit", p.usage)
	t.add(name+": requests", float64(p.requests), count)
	t.add(name+": bytes sent", float64(p.sent), bytesOf)
	t.add(name+": … of them blobs", float64(p.uploads), bytesOf)
	t.add(name+": … of them the plan", float64(p.plan), bytesOf)
	t.add(name+": … of them the publish", float64(p.publish), bytesOf)
	t.add(name+": … of them headers", float64(p.headers), bytesOf)
	t.add(name+": stored, blobs", float64(p.grown.blobs), bytesOf)
	t.add(name+": stored, blocks of the disk for them", float64(p.grown.blocks), bytesOf)
	t.add(name+": stored, rows of the database", float64(p.grown.rows), bytesOf)
	t.add(name+": stored, pages of the database for them", float64(p.grown.pages), bytesOf)
	t.add(name+": stored, growth of the database's file", float64(p.grown.file), bytesOf)
}

// middle is the package with the median size.
func middle(packages []*pack.Package) *pack.Package {
	bySize := slices.SortedFunc(slices.Values(packages), func(a, b *pack.Package) int { return int(a.Size - b.Size) })
	return bySize[len(bySize)/2]
}
