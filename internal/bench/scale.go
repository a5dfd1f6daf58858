package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	scaleSmall    = 1000 // versions, of the registry that the large one is compared with
	scaleVersions = 100  // of each package
	scaleRounds   = 3
	scaleReads    = 4000 // packuments in a round
	scaleChanges  = 400  // packages that are changed, and then read, in a round
	scaleReaders  = 4
	scaleHot      = 10 // packages that are read again and again
)

// scaled is a server with many versions.
type scaled struct {
	*server
	packages int
	filling  time.Duration
}

// measureScale compares how long packuments take in a registry with few versions and in one with many.
func measureScale(ctx context.Context, b *bench, dir string) (t table, err error) {
	t.Title = fmt.Sprintf("packuments with %d versions stored, against %d", b.Versions, scaleSmall)
	if memory, err := os.MkdirTemp("/dev/shm", "bench-*"); err == nil { // filling needs no durable disk
		defer func() { _ = os.RemoveAll(memory) }()
		dir = memory
	}
	var all [2]*scaled
	for i, versions := range []int{scaleSmall, b.Versions} {
		if all[i], err = b.startScaled(ctx, filepath.Join(dir, fmt.Sprint(i)), versions/scaleVersions); err != nil {
			return t, err
		}
		defer func() { err = errors.Join(err, all[i].stop()) }()
	}
	t.add("filling", all[1].filling.Seconds(), seconds)
	if err := addResident(&t, all[1].server, "after the start"); err != nil {
		return t, err
	}
	for _, way := range []struct {
		what string
		read func(*scaled, context.Context) ([]time.Duration, error)
	}{
		{fmt.Sprintf("a packument, of the same %d packages", scaleHot), (*scaled).hot},
		{fmt.Sprintf("a packument that was just changed, of the same %d packages", scaleHot), (*scaled).changed},
		{"a packument of any package, from memory or made anew", (*scaled).everywhere},
	} {
		if err := compareScaled(ctx, &t, all, way.what, way.read); err != nil {
			return t, fmt.Errorf("%s: %w", way.what, err)
		}
	}
	t.note("p99 of %d requests (%d for changed ones), the median of %d rounds by turns; each packument has %d versions; the database is on a disk in memory. The last ratio compares two things: few packages are all in memory after the first reads, of many most must be made", scaleReads, scaleChanges, scaleRounds, scaleVersions)
	return t, nil
}

func compareScaled(ctx context.Context, t *table, all [2]*scaled, what string, read func(*scaled, context.Context) ([]time.Duration, error)) error {
	var p99 [2][]float64
	var ratios []float64
	for range scaleRounds {
		for i, s := range all {
			took, err := read(s, ctx)
			if err != nil {
				return err
			}
			slices.Sort(took)
			p99[i] = append(p99[i], took[len(took)*99/100].Seconds())
		}
		last := len(ratios)
		ratios = append(ratios, p99[1][last]/p99[0][last])
	}
	t.add(what+": p99 with few", median(p99[0])*1e6, micro)
	t.add(what+": p99 with many", median(p99[1])*1e6, micro)
	t.aim("… many against few", median(ratios), ratio, atMost, 1.5)
	return nil
}

func (b *bench) startScaled(ctx context.Context, data string, packages int) (*scaled, error) {
	start := time.Now()
	if err := b.fillRows(ctx, data, packages); err != nil {
		return nil, fmt.Errorf("filling a registry with %d packages: %w", packages, err)
	}
	took := time.Since(start)
	s, err := b.startServer(ctx, data)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(awaitSweep(ctx, s.url), awaitIdle(ctx, s.cmd.Process.Pid)); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return &scaled{s, packages, took}, nil
}

// packument is the URL of the packument of a package.
func (s *scaled) packument(i int) string { return s.url + "/" + scaledName(i) }

// anyOf is one of n packages that are spread over all.
func (s *scaled) anyOf(n int) int { return rand.N(n) * s.packages / n }

func (s *scaled) hot(ctx context.Context) ([]time.Duration, error) {
	return s.reading(ctx, min(scaleHot, s.packages))
}

func (s *scaled) everywhere(ctx context.Context) ([]time.Duration, error) {
	return s.reading(ctx, s.packages)
}

// reading reads packuments of n packages with several readers at once.
func (s *scaled) reading(ctx context.Context, n int) ([]time.Duration, error) {
	var mu sync.Mutex
	var all []time.Duration
	g, ctx := errgroup.WithContext(ctx)
	for range scaleReaders {
		g.Go(func() error {
			var own []time.Duration
			for range scaleReads / scaleReaders {
				took, err := s.timeOf(ctx, s.anyOf(n))
				if err != nil {
					return err
				}
				own = append(own, took)
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, own...)
			return nil
		})
	}
	return all, g.Wait()
}

// changed sets a dist-tag of a package before each read, so that its packument is made anew.
func (s *scaled) changed(ctx context.Context) (all []time.Duration, err error) {
	for n := range scaleChanges {
		i := s.anyOf(min(scaleHot, s.packages))
		url := fmt.Sprintf("%s/-/package/%s/dist-tags/next", s.url, scaledName(i))
		if _, err := send(ctx, http.MethodPut, url, "", fmt.Appendf(nil, `"1.%d.0"`, (n+rand.N(scaleVersions))%scaleVersions)); err != nil {
			return nil, err
		}
		took, err := s.timeOf(ctx, i)
		if err != nil {
			return nil, err
		}
		all = append(all, took)
	}
	return all, nil
}

func (s *scaled) timeOf(ctx context.Context, i int) (time.Duration, error) {
	start := time.Now()
	_, err := drain(ctx, s.packument(i), abbreviated[len("Accept: "):], "gzip")
	return time.Since(start), err
}
