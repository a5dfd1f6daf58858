package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/org/registry-action/internal/clients"
	"github.com/org/registry-action/internal/store/awsconfig"
)

const (
	costBucket   = "cost"
	costRounds   = 10      // of each kind of request
	costSize     = 100_000 // of a tarball
	costPackages = 5       // of the commit
	costToken    = "a-token-of-the-measurement"

	quietTime = 3 * time.Second
	flushTime = 30 * time.Second // until a download must be in the statistics
	watchTime = 30 * time.Second // that an idle server is watched for
)

// measureCost counts what the server asks of S3 and DynamoDB, which is what they are paid for.
func measureCost(ctx context.Context, b *bench, dir string) (t table, err error) {
	t.Title = fmt.Sprintf("requests to S3 and DynamoDB, tarballs of %d kB", costSize/1000)
	stores, err := startStores(ctx)
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, stores.stop()) }()
	c := &costing{b: b, dir: dir, stores: stores, table: &t}
	for _, step := range []func(context.Context) error{c.releases, c.commits, c.installs} {
		if err := step(ctx); err != nil {
			return t, err
		}
	}
	t.note("an install has its download counted by itself: each is waited for until it is in the statistics. Downloads within a second of one server share a write")
	t.note("the reads of an idle server, those of the change feed, are in none of the other rows")
	t.note("read units are strongly consistent reads of 4 KiB, write units writes of 1 KiB, twice that in transactions; updates of items count as 1 KiB")
	return t, nil
}

type costing struct {
	b      *bench
	dir    string
	stores *costStores
	table  *table
}

// server starts one on the stores, with an empty cache.
func (c *costing) server(ctx context.Context, name string) (*server, error) {
	s, err := c.b.startServer(ctx, filepath.Join(c.dir, name), "--token", costToken, "--npm-fallback=false",
		"--s3-bucket", costBucket, "--s3-endpoint", c.stores.s3.url, "--s3-force-path-style",
		"--dynamodb-table", costBucket, "--dynamodb-endpoint", c.stores.dynamo.url, "--dynamodb-create")
	if err != nil {
		return nil, err
	}
	if err := awaitSweep(ctx, s.url); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	if err := c.awaitQuiet(ctx); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

// awaitQuiet waits until a server has done what it does once, after its start: it asks for nothing for some seconds.
func (c *costing) awaitQuiet(ctx context.Context) error {
	for last := -1; c.stores.count.asked() != last; {
		last = c.stores.count.asked()
		select {
		case <-time.After(quietTime):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// count adds rows of what work asked of the stores, for each of n.
func (c *costing) count(what string, n int, work func() error) error {
	c.stores.count.reset()
	if err := work(); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	c.stores.count.describe(c.table, what, float64(n))
	return nil
}

func (c *costing) releases(ctx context.Context) (err error) {
	s, err := c.server(ctx, "releases")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	publish := func(n int) error {
		return npmPublish(ctx, s.url, costToken, "@acme/measured", fmt.Sprintf("1.0.%d", n), costSize)
	}
	if err := publish(0); err != nil { // the first one takes the name
		return err
	}
	return c.count("publish of a version", costRounds, func() error {
		for n := range costRounds {
			if err := publish(n + 1); err != nil {
				return err
			}
		}
		return nil
	})
}

func (c *costing) commits(ctx context.Context) (err error) {
	s, err := c.server(ctx, "commits")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	root := filepath.Join(c.dir, "workspace")
	if err := layOutNoise(root, costPackages, costSize); err != nil {
		return err
	}
	push := func(n int) error {
		_, err := runTool(ctx, root, append(environment(), "REGISTRY_TOKEN="+costToken), filepath.Join(c.b.Bin, "publish-commit"),
			"--registry-url", s.url, "--sha", commitSHA(n), "--repository", repository, "--ignore-scripts", "--comment", "off")
		return err
	}
	if err := c.count(fmt.Sprintf("first commit of %d packages", costPackages), 1, func() error { return push(0) }); err != nil {
		return err
	}
	return c.count(fmt.Sprintf("commit of %d packages, one changed", costPackages), costRounds, func() error {
		for n := range costRounds {
			if err := os.WriteFile(filepath.Join(root, "packages", "0", "index.js"), noise(costSize, n+100), 0o644); err != nil {
				return err
			}
			if err := push(n + 1); err != nil {
				return err
			}
		}
		return nil
	})
}

// installs are of one package: its packument, its tarball, and that the download is counted.
func (c *costing) installs(ctx context.Context) (err error) {
	s, err := c.server(ctx, "installs")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	install := func(n int) error {
		before := c.stores.count.written()
		for _, path := range []string{"/@acme%2fmeasured", fmt.Sprintf("/@acme/measured/-/measured-1.0.%d.tgz", n)} {
			if err := download(ctx, s.url+path); err != nil {
				return err
			}
		}
		return c.awaitFlush(ctx, before)
	}
	for _, what := range []string{"install of a package, tarball not in the cache", "install of a package, tarball in the cache"} {
		err := c.count(what, costRounds, func() error {
			for n := range costRounds {
				if err := install(n); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return c.idle(ctx)
}

// awaitFlush waits until a download is in the statistics: an install writes nothing else.
func (c *costing) awaitFlush(ctx context.Context, before float64) error {
	ctx, cancel := context.WithTimeout(ctx, flushTime)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for c.stores.count.written() == before {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("waiting for the count of a download: %w", ctx.Err())
		}
	}
	return nil
}

// idle watches what a server asks for while nobody asks it anything.
func (c *costing) idle(ctx context.Context) error {
	c.stores.count.reset()
	select {
	case <-time.After(watchTime):
	case <-ctx.Done():
		return ctx.Err()
	}
	c.stores.count.idle(c.table, watchTime.Minutes())
	return nil
}

// download reads an answer to its end.
func download(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s answered %d", url, res.StatusCode)
	}
	return nil
}

// noise is text that hardly compresses.
func noise(size, seed int) []byte {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-"
	text, x := make([]byte, size), uint32(seed)*2654435761+1
	for i := range text {
		x = x*1664525 + 1013904223
		text[i] = letters[x>>26]
	}
	return append([]byte("//"), text...)
}

// layOutNoise makes a workspace of packages with a file of size bytes each.
func layOutNoise(root string, packages, size int) error {
	files := map[string][]byte{"package.json": []byte(`{"private": true, "workspaces": ["packages/*"]}`)}
	for i := range packages {
		dir := fmt.Sprintf("packages/%d/", i)
		files[dir+"package.json"] = fmt.Appendf(nil, `{"name": "@acme/of-commit-%d", "version": "1.0.0", "main": "index.js"}`, i)
		files[dir+"index.js"] = noise(size, i)
	}
	for name, text := range files {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, text, 0o644)); err != nil {
			return err
		}
	}
	return nil
}

// costStores are a DynamoDB and an S3 behind proxies that count.
type costStores struct {
	moto, bucket *clients.MotoServer
	s3, dynamo   *counter
	count        *counts
}

// startStores starts them with an empty bucket.
func startStores(ctx context.Context) (_ *costStores, err error) {
	c := &costStores{count: &counts{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.stop())
		}
	}()
	if c.moto, err = clients.StartMoto(ctx); err != nil {
		return nil, err
	}
	if c.bucket, err = clients.StartMoto(ctx); err != nil {
		return nil, err
	}
	if c.dynamo, err = newCounter(c.moto.URL, c.count.dynamo); err != nil {
		return nil, err
	}
	if c.s3, err = newCounter(c.bucket.URL, c.count.s3); err != nil {
		return nil, err
	}
	if err := useAWS(); err != nil {
		return nil, err
	}
	config, err := awsconfig.Load(ctx, "")
	if err != nil {
		return nil, err
	}
	api := s3.NewFromConfig(config, awsconfig.S3(c.bucket.URL, true))
	_, err = api.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: new(costBucket)})
	return c, err
}

func (c *costStores) stop() (err error) {
	for _, p := range []*counter{c.s3, c.dynamo} {
		if p != nil {
			p.close()
		}
	}
	for _, m := range []*clients.MotoServer{c.moto, c.bucket} {
		if m != nil {
			err = errors.Join(err, m.Stop())
		}
	}
	return err
}

// operation is the name of DynamoDB's operation in its header.
func operation(r *http.Request) string {
	_, name, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	return name
}
