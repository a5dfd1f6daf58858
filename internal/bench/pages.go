package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	pageVersions = 2000 // of the package with many
	pageRequests = 200
	pageTarget   = 20 * time.Millisecond
	pageSize     = 100_000 // bytes
)

// measurePages asks for pages as a browser does, once they are warm.
func measurePages(ctx context.Context, b *bench, dir string) (t table, err error) {
	t.Title = "pages, warm"
	repo, err := b.layOut(ctx, dir)
	if err != nil {
		return t, err
	}
	s, err := b.startServer(ctx, filepath.Join(dir, "data"))
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	changed, err := furnish(ctx, b, s, repo, dir)
	if err != nil {
		return t, err
	}
	path := strings.TrimPrefix(repository, "https://github.com")
	for _, p := range []struct{ what, path string }{
		{"home", "/"},
		{"search", "/search?q=measure"},
		{"package with a README of 20 kB", "/packages/documented"},
		{"package with 2,000 versions", "/packages/busy"},
		{"its list of versions", "/packages/busy/versions"},
		{"files of a version", "/packages/busy/1.0.7/files"},
		{"difference of two versions", "/packages/busy/1.0.7/diff/1.0.6"},
		{"commit of 100 packages", "/commits/" + commitSHA(2)},
		{"package of a commit", "/commits/" + commitSHA(2) + "/" + changed},
		{"repository", path},
		{"comparison of two commits", path + "/compare/" + commitSHA(1) + "..." + commitSHA(2)},
	} {
		if err := visit(ctx, &t, p.what, s.url+p.path); err != nil {
			return t, err
		}
	}
	t.note("%d requests for each, one after the other; 99 of 100 have their first byte within the time shown; bytes as sent: pages are not compressed", pageRequests)
	return t, nil
}

// furnish publishes what the pages show, and names the package that the second commit changed.
func furnish(ctx context.Context, b *bench, s *server, repo *monorepo, dir string) (changed string, err error) {
	if err := publishDocumented(ctx, s.url); err != nil {
		return "", err
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(manyAtOnce)
	for v := range pageVersions {
		g.Go(func() error { return npmPublish(gctx, s.url, "", "busy", fmt.Sprintf("1.0.%d", v), 100) })
	}
	if err := g.Wait(); err != nil {
		return "", err
	}
	packages, err := repo.packAll(ctx, packing(dir, commitSHA(1)))
	if err != nil {
		return "", err
	}
	p := middle(packages)
	for n := 1; n <= 2; n++ {
		if n == 2 {
			if err := repo.touch(p, "changed"); err != nil {
				return "", err
			}
		}
		_, err := runTool(ctx, repo.root, environment(), filepath.Join(b.Bin, "publish-commit"),
			"--registry-url", s.url, "--sha", commitSHA(n), "--repository", repository, "--ref", "branch/main", "--ignore-scripts", "--comment", "off")
		if err != nil {
			return "", err
		}
	}
	return strings.Replace(p.Name, "/", "%2f", 1), nil
}

// pageHeading is one of a long README.
const pageHeading = "A heading"

// publishDocumented publishes a package with a long README, and sees to it that its page shows it.
func publishDocumented(ctx context.Context, registry string) error {
	readme := strings.Repeat("## "+pageHeading+"\n\nSome *text* with a [link](https://example.com) and `code`.\n\n```js\nconst a = require(\"documented\");\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n", 135)
	text, err := npmDocumentWith(registry, "documented", "1.0.0", readme, 100)
	if err != nil {
		return err
	}
	if _, err := send(ctx, http.MethodPut, registry+"/documented", "", text); err != nil {
		return err
	}
	page, err := pageAt(ctx, registry+"/packages/documented")
	if err == nil && !strings.Contains(page, ">"+pageHeading+"</h") {
		err = fmt.Errorf("the page of a package with a README of %d bytes does not show it", len(readme))
	}
	return err
}

// pageAt reads a page.
func pageAt(ctx context.Context, address string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("Accept", "text/html")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return string(text), err
}

// visit measures one page.
func visit(ctx context.Context, t *table, what, address string) error {
	var waits []time.Duration
	var size int64
	for i := range pageRequests + 10 {
		wait, n, err := firstByte(ctx, address)
		if err != nil {
			return err
		}
		if size = n; i >= 10 { // the first ones warm it up
			waits = append(waits, wait)
		}
	}
	slices.SortFunc(waits, cmp.Compare)
	t.aim(what+": first byte", waits[len(waits)*99/100].Seconds(), seconds, atMost, pageTarget.Seconds())
	t.aim(what+": bytes", float64(size), bytesOf, atMost, pageSize)
	return nil
}

// firstByte is how long an answer takes to begin, and how many bytes it has.
func firstByte(ctx context.Context, address string) (wait time.Duration, size int64, err error) {
	var asked, began time.Time
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteRequest:         func(httptrace.WroteRequestInfo) { asked = time.Now() },
		GotFirstResponseByte: func() { began = time.Now() },
	})
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, 0, err
	}
	req.Header.Set("Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")
	req.Header.Set("Accept-Encoding", "gzip")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, 0, err
	}
	defer resp.Body.Close()
	size, err = io.Copy(io.Discard, resp.Body)
	if err == nil && (resp.StatusCode != http.StatusOK || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html")) {
		err = fmt.Errorf("%s answers %d with %s", address, resp.StatusCode, resp.Header.Get("Content-Type"))
	}
	return began.Sub(asked), size, err
}
