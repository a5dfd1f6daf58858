package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	largeSize    = 8 << 20 // of the packument, which is what typescript's has
	largeClients = 16
	largeEach    = 5 // times each client reads it
)

// measureLarge lets many clients read an upstream packument of 8 MB at once.
func measureLarge(ctx context.Context, b *bench, dir string) (t table, err error) {
	t.Title = "an upstream packument of 8 MB, 16 clients at once"
	files := filepath.Join(dir, "files")
	if err := errors.Join(os.Mkdir(files, 0o755), os.WriteFile(filepath.Join(files, "large"), largePackument("large"), 0o644)); err != nil {
		return t, err
	}
	upstream, err := startBare(ctx, dir, files)
	if err != nil {
		return t, err
	}
	defer upstream.stop()
	s, err := b.startServer(ctx, filepath.Join(dir, "data"), "--npm-upstream", upstream.url+"/npm")
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	idle, err := peak(s.cmd.Process.Pid)
	if err != nil {
		return t, err
	}
	for _, form := range []struct{ what, accept, encoding string }{
		{"full, cold", "application/json", "identity"}, {"full, warm", "application/json", "identity"},
		{"full, gzip, first", "application/json", "gzip"}, {"full, gzip, warm", "application/json", "gzip"}, {"abbreviated, gzip", abbreviated[len("Accept: "):], "gzip"},
	} {
		took, size, err := readTogether(ctx, s.url+"/large", form.accept, form.encoding)
		if err != nil {
			return t, err
		}
		t.add(form.what+", "+fmt.Sprint(largeClients*largeEach)+" answers in", took.Seconds(), seconds)
		t.note("%s: %.1f MiB each", form.what, float64(size)/(1<<20))
	}
	straight, _, err := readTogether(ctx, upstream.url+"/npm/large", "application/json", "identity")
	if err != nil {
		return t, err
	}
	t.add("the same from the bare server's memory", straight.Seconds(), seconds)
	used, err := peak(s.cmd.Process.Pid)
	if err != nil {
		return t, err
	}
	t.aim("peak memory above idle", float64(used-idle), bytesOf, atMost, 128<<20)
	return t, nil
}

// readTogether reads a URL with all clients at once and returns the time of all and the size of one answer.
func readTogether(ctx context.Context, url, accept, encoding string) (time.Duration, int64, error) {
	var size int64
	start := time.Now()
	g, ctx := errgroup.WithContext(ctx)
	for i := range largeClients {
		g.Go(func() error {
			for range largeEach {
				n, err := drain(ctx, url, accept, encoding)
				if err != nil {
					return err
				}
				if i == 0 {
					size = n
				}
			}
			return nil
		})
	}
	err := g.Wait()
	return time.Since(start), size, err
}

func drain(ctx context.Context, url, accept, encoding string) (int64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Accept", accept)
	req.Header.Set("Accept-Encoding", encoding)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("GET %s answered %d", url, resp.StatusCode)
	}
	return io.Copy(io.Discard, resp.Body)
}

// largePackument has as many versions as make largeSize bytes.
func largePackument(name string) []byte {
	var versions, times bytes.Buffer
	n := 0
	for versions.Len()+times.Len() < largeSize {
		v := fmt.Sprintf("1.0.%d", n)
		fmt.Fprintf(&versions, `%s%q:{"name":%q,"version":%q,"description":"A language for application scale development","main":"lib/index.js","bin":{"tool":"bin/tool"},`+
			`"keywords":["language","compiler"],"repository":{"type":"git","url":"git+https://github.com/acme/large.git"},"author":{"name":"Acme"},"license":"MIT",`+
			`"devDependencies":{"a":"^1.0.0","b":"^2.0.0","c":"^3.0.0","d":"^4.0.0","e":"^5.0.0","f":"^6.0.0"},"scripts":{"test":"jake test","build":"jake build"},"_id":"%s@%s",`+
			`"dist":{"integrity":"sha512-%086d==","shasum":"%040d","tarball":"http://upstream.example/%s/-/%s-%s.tgz","fileCount":100,"unpackedSize":1000000}}`,
			comma(n), v, name, v, name, v, n, n, name, name, v)
		fmt.Fprintf(&times, `,%q:"2026-01-01T00:00:00.%03dZ"`, v, n%1000)
		n++
	}
	return fmt.Appendf(nil, `{"_id":%q,"name":%q,"dist-tags":{"latest":"1.0.%d"},"versions":{%s},"time":{"created":"2020-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z"%s}}`,
		name, name, n-1, versions.Bytes(), times.Bytes())
}

func comma(n int) string {
	if n == 0 {
		return ""
	}
	return ","
}
