package publish

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/schollz/progressbar/v3"

	"github.com/org/registry-action/internal/action/pack"
	"github.com/org/registry-action/internal/action/regclient"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/format/tarball"
	"github.com/org/registry-action/internal/wire"
)

// planTries bounds how often the plan is asked for: blobs that a publish finds
// missing can have expired since the plan.
const planTries = 3

// connect checks the registry's address before anything is built for it.
func (j *job) connect(context.Context) (err error) {
	if j.opt.RegistryURL == "" {
		return nil // nothing is sent, nor refers to it
	}
	j.registry, err = regclient.New(regclient.Options{
		BaseURL: j.opt.RegistryURL, AllowHTTP: j.opt.InsecureHTTP, UserAgent: j.userAgent(), Logger: j.streams.Log,
	})
	return err
}

// upload sends what the registry does not have, then publishes.
func (j *job) upload(ctx context.Context) (err error) {
	if len(j.packages) == 0 {
		j.published = j.skipped.published(j.source.SHA)
		j.keepPublished(ctx)
		return nil
	}
	if j.source.Repository == "" {
		j.warn("git has no remote origin, so these are packages of no repository, without a preview registry; name one with --repository owner/name")
	}
	publication, sources := j.publication()
	for range planTries {
		if err = j.send(ctx, j.registry, publication, sources); err != nil {
			return err
		}
		var created bool
		j.published, created, err = j.registry.Publish(ctx, publication)
		if err == nil {
			j.keepPublished(ctx)
			j.sayPublished(created)
			return j.checkHashes()
		}
		e, ok := errors.AsType[*regclient.Error](err)
		switch {
		case ok && e.Code == "already_published":
			return fmt.Errorf("%w; with --force the new bytes take their place", err)
		case !ok || e.Code != "missing_blobs":
			return err
		}
	}
	return err
}

func (j *job) sayPublished(created bool) {
	var kept []string
	for _, p := range j.published.Packages {
		if p.Kept {
			kept = append(kept, p.Name)
		}
	}
	if len(kept) > 0 { // push and pull_request run for one head, and pack different trees
		j.warn("%s: this commit was published before with other bytes, from another tree such as a merge into another base; those stay, and are what is shown (force replaces them)", strings.Join(kept, ", "))
	}
	if !created {
		j.say("commit %.10s was published before, with the same %s", j.published.SHA, packagesText(len(j.published.Packages)))
		return
	}
	j.say("published %s of commit %.10s, kept until %s", packagesText(len(j.published.Packages)), j.published.SHA, j.published.ExpiresAt.UTC().Format("2006-01-02"))
}

func packagesText(n int) string { return counted(n, "package") }

// counted is a number of things, of one thing too.
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// publication says what is published, and where each blob of it can be read.
func (j *job) publication() (wire.Publication, map[digest.SHA256]regclient.Source) {
	p := wire.Publication{
		SHA: j.source.SHA, Repository: j.source.Repository, Refs: append(j.source.Refs, j.opt.Refs...),
		Run: j.source.Run, Replace: j.opt.Force, Keep: j.source.InCI,
	}
	sources := map[digest.SHA256]regclient.Source{}
	for _, pkg := range j.packages {
		w := wire.Package{Name: pkg.Name, Version: pkg.Version, PackageDir: pkg.Dir, Integrity: pkg.Sums.Integrity}
		if pkg.Split() {
			w.Head, w.Body, w.Holes = new(pkg.Recipe.Head), new(pkg.Recipe.Body), pkg.Recipe.Holes
			addSource(sources, pkg, "head", pkg.Recipe.Head, func() (io.ReadCloser, error) {
				return io.NopCloser(bytes.NewReader(pkg.Head)), nil
			})
			addSource(sources, pkg, "body", pkg.Recipe.Body, pkg.OpenBody)
		} else {
			w.Tarball = &tarball.Part{Digest: pkg.Sums.SHA256, Size: pkg.Size}
			addSource(sources, pkg, "tarball", *w.Tarball, pkg.Open)
		}
		p.Packages = append(p.Packages, w)
	}
	return p, sources
}

func addSource(to map[digest.SHA256]regclient.Source, pkg *pack.Package, what string, part tarball.Part, open func() (io.ReadCloser, error)) {
	to[part.Digest] = regclient.Source{Name: fmt.Sprintf("%s (%s)", pkg.Name, what), Size: part.Size, Open: open}
}

// send uploads what the plan misses.
func (j *job) send(ctx context.Context, client *regclient.Client, p wire.Publication, sources map[digest.SHA256]regclient.Source) error {
	p.Packages = slices.Clone(p.Packages)
	for i := range p.Packages {
		p.Packages[i].Integrity = "" // a plan has no use for it, and it does not compress
	}
	plan, err := client.Plan(ctx, p)
	if err != nil {
		return err
	}
	var total int64
	for _, m := range plan.Missing {
		total += m.Size
	}
	if len(plan.Missing) == 0 {
		j.say("the registry has all %d blobs already", len(sources))
		return nil
	}
	j.say("uploading %d of %d blobs (%s)", len(plan.Missing), len(sources), bytesText(total))
	progress, done := j.progress(total)
	defer done()
	return client.Upload(ctx, plan, sources, 0, progress)
}

// progress shows a moving bar on a terminal, and nothing elsewhere: the lines
// around it are enough there.
func (j *job) progress(total int64) (add func(int64), done func()) {
	if !j.streams.Terminal {
		return nil, func() {}
	}
	bar := progressbar.NewOptions64(total, progressbar.OptionSetWriter(j.streams.Stderr), progressbar.OptionShowBytes(true),
		progressbar.OptionSetWidth(30), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100e6))
	return func(n int64) { _ = bar.Add64(n) }, func() { _ = bar.Finish() }
}

// bytesText writes a size as npm does.
func bytesText(n int64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d B", n)
	case n < 1_000_000:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	case n < 1_000_000_000:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.1f GB", float64(n)/1e9)
}
