package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	manyPackages = 1000
	manyVersions = 100 // of each
	manyAtOnce   = 16
)

// measureMany fills a registry with 100,000 versions, then starts it anew and reads, and verifies it.
func measureMany(ctx context.Context, b *bench, dir string) (t table, err error) {
	t.Title = "100,000 versions stored"
	data := filepath.Join(dir, "data")
	if memory, err := os.MkdirTemp("/dev/shm", "bench-*"); err == nil { // filling needs no durable disk
		defer func() { _ = os.RemoveAll(memory) }()
		data = filepath.Join(memory, "data")
	}
	if err := fill(ctx, b, data); err != nil {
		return t, err
	}
	if err := readMany(ctx, b, data, &t); err != nil {
		return t, err
	}
	if err := verifyMany(ctx, b, data, &t); err != nil {
		return t, err
	}
	t.note("%d packages with %d versions each; VmRSS, and of it RssAnon; the rest is pages of the program and of the database's file that are mapped, which the kernel takes back when it needs them", manyPackages, manyVersions)
	return t, nil
}

func readMany(ctx context.Context, b *bench, data string, t *table) (err error) {
	start := time.Now()
	s, err := b.startServer(ctx, data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	if _, err := fetch(ctx, s.url+"/p500", abbreviated); err != nil {
		return err
	}
	t.aim("start-up to the first packument", time.Since(start).Seconds(), seconds, atMost, 1)
	if err := addResident(t, s, "after the start"); err != nil {
		return err
	}
	for i := range manyPackages {
		if _, err := fetch(ctx, s.url+"/p"+strconv.Itoa(i), abbreviated); err != nil {
			return err
		}
	}
	return addResident(t, s, "after every packument was read")
}

// verifyMany reads all of it, with no server beside.
func verifyMany(ctx context.Context, b *bench, data string, t *table) error {
	start := time.Now()
	own, err := runPeak(ctx, filepath.Dir(data), "RssAnon", filepath.Join(b.Bin, "registry-server"), "verify", "--data", data)
	if err != nil {
		return err
	}
	t.add("registry-server verify of all of them, wall time", time.Since(start).Seconds(), seconds)
	t.aim("… its peak memory, of its own", float64(own), bytesOf, atMost, 128<<20)
	return nil
}

// addResident adds what the server has in RAM now.
func addResident(t *table, s *server, when string) error {
	all, err := statusOf(s.cmd.Process.Pid, "VmRSS")
	if err != nil {
		return err
	}
	own, err := statusOf(s.cmd.Process.Pid, "RssAnon")
	if err != nil {
		return err
	}
	t.add("resident "+when, float64(all), bytesOf)
	t.aim("… of it the program's own", float64(own), bytesOf, atMost, 128<<20)
	return nil
}

func fill(ctx context.Context, b *bench, data string) (err error) {
	s, err := b.startServer(ctx, data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(manyAtOnce)
	for i := range manyPackages {
		g.Go(func() error {
			for v := range manyVersions {
				if err := npmPublish(gctx, s.url, "", "p"+strconv.Itoa(i), fmt.Sprintf("1.%d.0", v), 100); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}
