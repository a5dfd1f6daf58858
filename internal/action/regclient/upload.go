package regclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/wire"
)

const (
	defaultParallel = 4
	maxParallel     = 32
	// expectFrom is the size from which the server is asked before the bytes
	// go out, so that a refusal costs one round trip instead of the upload.
	expectFrom = 1 << 20
)

// Put sends a blob to where the plan wants it. Every try opens the blob anew; it
// must have up.Size bytes. Progress, which may be nil, hears of the bytes as
// they go out; a repeated try gives back what the one before had reported, as a
// negative number. up.URL is relative to the plan's, of the registry's origin, or an https URL
// elsewhere, which does not get the token. Where the plan has a shorter way, up.Direct, that is tried first.
func (c *Client) Put(ctx context.Context, up wire.Upload, open func() (io.ReadCloser, error), progress func(n int64)) error {
	target, err := c.target(up.URL)
	if err != nil {
		return err
	}
	src := &source{size: up.Size, open: open, progress: progress}
	if done, err := c.putDirect(ctx, up, src); done || err != nil {
		return err
	}
	call := c.call(http.MethodPut, target)
	call.header.Set("Content-Type", "application/octet-stream")
	if up.Size >= expectFrom {
		call.header.Set("Expect", "100-continue")
	}
	if up.Size > 0 {
		call.body, call.size = src.reader(), up.Size
	}
	_, err = call.do(ctx)
	return err
}

// target resolves an upload's URL as a browser would, against the plan's.
func (c *Client) target(raw string) (*url.URL, error) {
	ref, err := url.Parse(raw)
	if err != nil {
		return nil, errors.New("the registry gave an upload URL that is none") // the error's text has all of it
	}
	u := c.base.JoinPath(planPath).ResolveReference(ref)
	if u.User != nil || u.Hostname() == "" || u.Scheme != "https" && !sameOrigin(u, c.base) {
		return nil, fmt.Errorf("the registry gave an upload URL at %s://%s: only https, or its own address, is trusted with packages", u.Scheme, u.Host)
	}
	return u, nil
}

// Source is a blob that can be uploaded.
type Source struct {
	Name string // for errors: what the blob is, such as "@acme/core (body)"
	Size int64  // bytes
	Open func() (io.ReadCloser, error)
}

// Upload sends the blobs that plan misses, at most parallel at a time (0 means
// 4). The first failure ends all. Progress is as in Put; its calls do not overlap.
func (c *Client) Upload(ctx context.Context, plan wire.Plan, sources map[digest.SHA256]Source, parallel int, progress func(n int64)) error {
	if parallel <= 0 {
		parallel = defaultParallel
	}
	var mu sync.Mutex
	report := func(n int64) {
		if progress != nil {
			mu.Lock()
			defer mu.Unlock()
			progress(n)
		}
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(min(parallel, maxParallel))
	seen := map[digest.SHA256]bool{}
	for _, up := range plan.Missing {
		if gctx.Err() != nil {
			break
		}
		if seen[up.Digest] {
			continue
		}
		seen[up.Digest] = true
		g.Go(func() error { return c.upload(gctx, up, sources, report) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return context.Cause(ctx)
}

func (c *Client) upload(ctx context.Context, up wire.Upload, sources map[digest.SHA256]Source, progress func(int64)) error {
	src, ok := sources[up.Digest]
	if !ok {
		return fmt.Errorf("the registry asks for %s, which is no part of this publish", up.Digest)
	}
	if src.Size != up.Size {
		return fmt.Errorf("the registry asks for %d bytes of %s, which has %d", up.Size, src.Name, src.Size)
	}
	if err := c.Put(ctx, up, src.Open, progress); err != nil {
		return fmt.Errorf("uploading %s, %s: %w", src.Name, up.Digest, err)
	}
	return nil
}
