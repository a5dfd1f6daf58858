package main

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

const bigRounds = 3

// measureBig downloads one large tarball from a server that has it on disk, and from one that has it in S3.
func measureBig(ctx context.Context, b *bench, dir string) (table, error) {
	t := table{Title: fmt.Sprintf("download of %d MiB", b.BigMiB)}
	files := filepath.Join(dir, "files")
	if err := os.Mkdir(files, 0o755); err != nil {
		return t, err
	}
	if err := writeStored(filepath.Join(files, "big.tgz"), b.BigMiB); err != nil {
		return t, err
	}
	m := &bigDownload{b: b, dir: dir, tarball: filepath.Join(files, "big.tgz")}
	if err := m.fromDisk(ctx, &t, files); err != nil {
		return t, err
	}
	if err := m.fromS3(ctx, &t); err != nil {
		return t, err
	}
	t.note("by curl on the same machine, %d rounds by turns; memory is VmHWM; the bare handler of the disk opens and copies the file, that of S3 copies the answer of GetObject", bigRounds)
	return t, nil
}

// writeStored makes a package of so many MiB that are not compressed.
func writeStored(path string, mib int64) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	gz, err := gzip.NewWriterLevel(f, gzip.NoCompression)
	if err != nil {
		return err
	}
	tw, block, manifest := tar.NewWriter(gz), make([]byte, 1<<20), `{"name": "big", "version": "1.0.0"}`
	_, _ = rand.Read(block) // it never fails
	if err := tw.WriteHeader(&tar.Header{Name: "package/package.json", Mode: 0o644, Size: int64(len(manifest))}); err != nil {
		return err
	}
	if _, err := io.WriteString(tw, manifest); err != nil {
		return err
	}
	if err := tw.WriteHeader(&tar.Header{Name: "package/data.bin", Mode: 0o644, Size: mib << 20}); err != nil {
		return err
	}
	for range mib {
		if _, err := tw.Write(block); err != nil {
			return err
		}
	}
	return errors.Join(tw.Close(), gz.Close())
}

type bigDownload struct {
	b            *bench
	dir, tarball string
}

func (m *bigDownload) fromDisk(ctx context.Context, t *table, files string) error {
	bare, err := startBare(ctx, m.dir, files)
	if err != nil {
		return err
	}
	defer bare.stop()
	return m.compare(ctx, t, "from disk", nil, func() (string, error) { return bare.url + "/file/big.tgz", nil })
}

func (m *bigDownload) fromS3(ctx context.Context, t *table) (err error) {
	stores, err := startFar(ctx, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stores.stop()) }()
	var bare *httptest.Server
	defer func() {
		if bare != nil {
			bare.Close()
		}
	}()
	return m.compare(ctx, t, "from S3", stores.options(), func() (string, error) {
		key, err := onlyKey(ctx, stores.bucket())
		if err != nil {
			return "", err
		}
		bare = httptest.NewServer(bareBucket(stores.bucket(), key))
		return bare.URL, nil
	})
}

// onlyKey is the key of the one large object of the bucket.
func onlyKey(ctx context.Context, bucket *s3.Client) (string, error) {
	out, err := bucket.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: new(farName)})
	if err != nil {
		return "", err
	}
	for _, o := range out.Contents {
		if aws.ToInt64(o.Size) > 1<<20 {
			return aws.ToString(o.Key), nil
		}
	}
	return "", errors.New("the tarball is not in the bucket")
}

// bareBucket does what can't be done without to pass an object on.
func bareBucket(bucket *s3.Client, key string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out, err := bucket.GetObject(r.Context(), &s3.GetObjectInput{Bucket: new(farName), Key: &key})
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer out.Body.Close()
		w.Header().Set("Content-Length", strconv.FormatInt(aws.ToInt64(out.ContentLength), 10))
		_, _ = io.Copy(w, out.Body) // curl sees a short answer
	})
}

// compare publishes the tarball, starts the server anew and lets the two take turns.
func (m *bigDownload) compare(ctx context.Context, t *table, what string, options []string, bare func() (string, error)) (err error) {
	data := filepath.Join(m.dir, what)
	options = append(options, "--max-package-size", "5GiB", "--max-publish-size", "6GiB")
	if err := m.publish(ctx, t, what, data, options); err != nil {
		return err
	}
	bareURL, err := bare()
	if err != nil {
		return err
	}
	s, err := m.b.startServer(ctx, data, options...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	idle, err := peak(s.cmd.Process.Pid)
	if err != nil {
		return err
	}
	var ours, theirs []usage
	for range bigRounds {
		for url, list := range map[string]*[]usage{s.url + "/commits/" + commitSHA(3) + "/big/tarball": &ours, bareURL: &theirs} {
			u, err := m.curl(ctx, "--output", os.DevNull, url)
			if err != nil {
				return err
			}
			*list = append(*list, u)
		}
	}
	after, err := peak(s.cmd.Process.Pid)
	if err != nil {
		return err
	}
	wall, _ := times(theirs, ours)
	t.add(what+": a download takes", typical(ours).Wall.Seconds(), seconds)
	t.add(what+": speed, of the bare handler's", wall, ratio)
	t.aim(what+": server above idle", float64(after-idle), bytesOf, atMost, memoryLimit)
	return nil
}

func (m *bigDownload) publish(ctx context.Context, t *table, what, data string, options []string) (err error) {
	s, err := m.b.startServer(ctx, data, options...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	idle, err := peak(s.cmd.Process.Pid)
	if err != nil {
		return err
	}
	took, err := m.curl(ctx, "--output", os.DevNull, "-F", "sha="+commitSHA(3), "-F", "repository="+repository, "-F", "package:big=@"+m.tarball, s.url+"/publish/commit")
	if err != nil {
		return err
	}
	after, err := peak(s.cmd.Process.Pid)
	if err != nil {
		return err
	}
	t.add(what+": the publish took", took.Wall.Seconds(), seconds)
	t.aim(what+": the publish, server above idle", float64(after-idle), bytesOf, atMost, memoryLimit)
	return nil
}

func (m *bigDownload) curl(ctx context.Context, args ...string) (usage, error) {
	return runTool(ctx, m.dir, environment(), "curl", append([]string{"--silent", "--show-error", "--fail"}, args...)...)
}
