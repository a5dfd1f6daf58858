package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/org/registry-action/internal/action/pack"
	"github.com/org/registry-action/internal/action/regclient"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/manifest"
	"github.com/org/registry-action/internal/format/npm"
	"github.com/org/registry-action/internal/format/tarball"
	"github.com/org/registry-action/internal/wire"
)

// history publishes commit after commit to a real server, with the client and
// the packer of publish-commit inside this process. Each commit changes the same
// package, the one of median size.
type history struct {
	repo     *monorepo
	packages []*pack.Package // as of the last commit
	client   *regclient.Client
	tar      tarball.Packer
	temp     string
	changing int    // index of the package that changes
	changed  string // folder with that package's tarball, once it has changed

	commits       int
	steps         [3]time.Duration // of the client: plan, uploads, publish
	heads, bodies int64            // bytes that the server missed
	whole         int64            // bytes of all the tarballs
}

func measureHistory(ctx context.Context, b *bench, dir string) (t table, err error) {
	repo, err := b.layOut(ctx, dir)
	if err != nil {
		return t, err
	}
	data := filepath.Join(dir, "data")
	s, err := b.startServer(ctx, data)
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	h := &history{repo: repo, temp: dir}
	if h.client, err = regclient.New(regclient.Options{BaseURL: s.url}); err != nil {
		return t, err
	}
	if h.packages, err = repo.packAll(ctx, packing(dir, commitSHA(0))); err != nil {
		return t, err
	}
	h.changing = slices.Index(h.packages, middle(h.packages))
	start := time.Now()
	for h.commits < b.Commits && time.Since(start) < b.HistoryTime {
		if err := h.commit(ctx); err != nil {
			return t, fmt.Errorf("commit %d: %w", h.commits, err)
		}
		if h.commits%100 == 0 {
			b.say("  %d commits, %s", h.commits, time.Since(start).Round(time.Second))
		}
	}
	took := time.Since(start)
	if err := s.stop(); err != nil {
		return t, err
	}
	grown, err := look(data)
	if err != nil {
		return t, err
	}
	return h.table(b, grown, took), nil
}

// commit changes one package, unless it is the first commit, and publishes all.
func (h *history) commit(ctx context.Context) error {
	sha := commitSHA(h.commits)
	if h.commits > 0 {
		if err := h.change(ctx, sha); err != nil {
			return err
		}
	}
	publication, sources, err := h.publication(sha)
	if err != nil {
		return err
	}
	var plan wire.Plan
	for i, step := range []func() error{
		func() (err error) { plan, err = h.client.Plan(ctx, publication); return err },
		func() error { return h.client.Upload(ctx, plan, sources, 0, nil) },
		func() error { _, _, err := h.client.Publish(ctx, publication); return err },
	} {
		start := time.Now()
		if err := step(); err != nil {
			return err
		}
		h.steps[i] += time.Since(start)
	}
	h.count(publication, plan)
	return nil
}

// change packs the package anew, after a change of a source file.
func (h *history) change(ctx context.Context, sha string) error {
	i := h.changing
	if err := h.repo.touch(h.packages[i], strconv.Itoa(h.commits)); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(h.temp, "changed-*")
	if err != nil {
		return err
	}
	packed, err := pack.Run(ctx, h.repo.ws, h.repo.ws.Members[i:i+1], packing(dir, sha))
	if err != nil {
		return err
	}
	old := h.changed
	h.packages[i], h.changed = packed[0], dir
	return os.RemoveAll(old)
}

// publication names the packages of a commit: their bodies as they were packed
// last, and heads with the commit's version.
func (h *history) publication(sha string) (wire.Publication, map[digest.SHA256]regclient.Source, error) {
	p := wire.Publication{SHA: sha, Repository: repository, Refs: []string{"branch/main"}}
	sources := map[digest.SHA256]regclient.Source{}
	version := npm.PreviewVersion(sha)
	siblings := h.repo.ws.Siblings()
	for name, s := range siblings {
		s.Pin = version
		siblings[name] = s
	}
	for i, m := range h.repo.ws.Members {
		body := h.packages[i].Recipe.Body
		src, err := m.Manifest.Rewrite(manifest.Rewrite{Version: version, Dir: m.Dir, Siblings: siblings})
		if err != nil {
			return p, nil, err
		}
		var head bytes.Buffer
		run, err := h.tar.WriteHead(&head, src, sha)
		if err != nil {
			return p, nil, err
		}
		p.Packages = append(p.Packages, wire.Package{
			Name: m.Manifest.Name, Version: version, PackageDir: m.Dir, Head: &run.Part, Body: &body, Holes: run.Holes,
		})
		sources[run.Digest] = regclient.Source{Name: m.Manifest.Name, Size: run.Size, Open: func() (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(head.Bytes())), nil
		}}
		sources[body.Digest] = regclient.Source{Name: m.Manifest.Name, Size: body.Size, Open: h.packages[i].OpenBody}
	}
	return p, sources, nil
}

// count adds up what the commit would have cost and what it has.
func (h *history) count(p wire.Publication, plan wire.Plan) {
	isHead := map[digest.SHA256]bool{}
	for _, pkg := range p.Packages {
		isHead[pkg.Head.Digest] = true
		h.whole += tarball.Recipe{Head: *pkg.Head, Body: *pkg.Body}.Size()
	}
	for _, up := range plan.Missing {
		if isHead[up.Digest] {
			h.heads += up.Size
		} else {
			h.bodies += up.Size
		}
	}
	h.commits++
}

func (h *history) table(b *bench, grown stored, took time.Duration) table {
	t := table{Title: fmt.Sprintf("%d commits of %d packages", h.commits, len(h.packages))}
	if h.commits < b.Commits {
		t.note("%d commits instead of %d: the %s for this measurement were over", h.commits, b.Commits, b.HistoryTime)
	}
	of := func(n int64) float64 { return 100 * float64(n) / float64(h.whole) }
	t.add("wall time of a commit", took.Seconds()/float64(h.commits), seconds)
	for i, name := range []string{"the plan", "the uploads", "the publish"} {
		t.add("… of it "+name, h.steps[i].Seconds()/float64(h.commits), seconds)
	}
	t.add("whole tarballs", float64(h.whole), bytesOf)
	for _, part := range []struct {
		name string
		n    int64
	}{
		{"bodies", h.bodies}, {"heads", h.heads}, {"blocks of the disk for bodies and heads", grown.blocks},
		{"rows of the database", grown.rows}, {"pages of the database for them", grown.pages}, {"file of the database", grown.file},
	} {
		t.add(part.name, float64(part.n), bytesOf)
		t.add(part.name+", of whole tarballs", of(part.n), percent)
	}
	both := grown.blobs + grown.pages
	t.aim("bodies and heads, of whole tarballs", of(grown.blobs), percent, atMost, 1)
	t.aim("bodies, heads and pages, of whole tarballs", of(both), percent, atMost, 1)
	// Bodies are stored once each, so what another choice would have cost follows.
	body := func(p *pack.Package) int64 { return p.Recipe.Body.Size }
	mean := sum(h.packages, body) / int64(len(h.packages))
	uniform := both + int64(h.commits-1)*(mean-body(h.packages[h.changing]))
	t.add("the same if every package changed in its turn (computed)", of(uniform), percent)
	t.note("each commit changes %s, of median size; if every package changes in its turn, the changed bodies alone are 1 of %d of the whole",
		h.packages[h.changing].Name, len(h.packages))
	return t
}
