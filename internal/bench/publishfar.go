package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"

	"golang.org/x/sync/errgroup"
)

const (
	farAtOnce = 32 // publishes, each of another package
	farRounds = 3
	farSize   = 100_000 // bytes of a tarball, nearly
)

// farPublishing is the measurement "publish-s3".
type farPublishing struct {
	server   *server
	bare     *barePublisher
	versions int
}

// measurePublishFar compares publishing to a server on S3 and DynamoDB with the bare calls of the SDK that it can't do without.
func measurePublishFar(ctx context.Context, b *bench, dir string) (t table, err error) {
	t.Title = fmt.Sprintf("publishing versions of 100 kB to S3 and DynamoDB, %d at a time", farAtOnce)
	stores, err := startFar(ctx, true)
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, stores.stop()) }()
	p := &farPublishing{}
	if p.server, err = b.startServer(ctx, filepath.Join(dir, "data"), append(stores.options(), "--token", costToken, "--npm-fallback=false")...); err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, p.server.stop()) }()
	if err := awaitSweep(ctx, p.server.url); err != nil {
		return t, err
	}
	if _, err := p.run(ctx); err != nil { // the first versions take the names
		return t, err
	}
	if p.bare, err = startBarePublisher(ctx, stores); err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, p.bare.moto.Stop()) }()
	return t, p.compare(ctx, &t)
}

// compare lets the two take turns.
func (p *farPublishing) compare(ctx context.Context, t *table) error {
	var ours, bare []usage
	for range farRounds {
		for _, turn := range []struct {
			run  func(context.Context) (usage, error)
			list *[]usage
		}{{p.run, &ours}, {p.bare.run, &bare}} {
			u, err := turn.run(ctx)
			if err != nil {
				return err
			}
			*turn.list = append(*turn.list, u)
		}
	}
	wall, _ := times(ours, bare)
	t.add("a publish takes", typical(ours).Wall.Seconds()/farAtOnce, seconds)
	t.add("the calls that it can't do without take", typical(bare).Wall.Seconds()/farAtOnce, seconds)
	t.aim("… a publish against them", wall, ratio, atMost, 2)
	t.note("%d rounds of %d publishes, by turns, all on this machine; a time is that of a round divided by its publishes", farRounds, farAtOnce)
	t.note("not without: %d GetItem (the package, the version, its tombstone, who holds the bytes), a transaction of 2 rows that holds the bytes, PutObject, a transaction of 5 rows", bareReads)
	t.note("moto serves one request at a time, which is most of these times; each of the two has a moto of its own with as many rows")
	return nil
}

// run publishes a version of every package. Making them is not measured.
func (p *farPublishing) run(ctx context.Context) (usage, error) {
	p.versions++
	docs, name := make([][]byte, farAtOnce), func(i int) string { return fmt.Sprintf("@acme/far-%d", i) }
	for i := range docs {
		var err error
		if docs[i], err = npmDocument(p.server.url, name(i), fmt.Sprintf("1.%d.0", p.versions), farSize); err != nil {
			return usage{}, err
		}
	}
	return timed(func() error {
		return together(ctx, func(ctx context.Context, i int) error {
			_, err := send(ctx, http.MethodPut, p.server.url+"/"+url.PathEscape(name(i)), costToken, docs[i])
			return err
		})
	})
}

// together runs work farAtOnce times, at once.
func together(ctx context.Context, work func(ctx context.Context, i int) error) error {
	g, ctx := errgroup.WithContext(ctx)
	for i := range farAtOnce {
		g.Go(func() error { return work(ctx, i) })
	}
	return g.Wait()
}
