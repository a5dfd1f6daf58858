package main

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"
)

const (
	lumenPackages = 100
	lumenVersions = 100     // of each
	lumenSource   = 8 << 10 // bytes of a package's source file
	lumenRounds   = 3
)

// measureLumen exports 10,000 versions of Lumen packages, and again what changed.
func measureLumen(ctx context.Context, b *bench, dir string) (t table, err error) {
	t.Title = "export of 10,000 versions of Lumen packages"
	data := filepath.Join(dir, "data")
	if memory, err := os.MkdirTemp("/dev/shm", "bench-*"); err == nil { // filling needs no durable disk
		defer func() { _ = os.RemoveAll(memory) }()
		data = filepath.Join(memory, "data")
	}
	s, err := b.startServer(ctx, data, "--no-npm-fallback")
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	if err := fillLumen(ctx, s.url); err != nil {
		return t, err
	}
	tree, copied := filepath.Join(dir, "tree"), filepath.Join(dir, "copied")
	export := func() (usage, error) {
		return runTool(ctx, dir, environment(), filepath.Join(b.Bin, "registry-server"), "export", "lumen", tree, "--registry", s.url)
	}
	var first, copies []usage
	for range lumenRounds {
		if err := errors.Join(os.RemoveAll(tree), os.RemoveAll(copied)); err != nil {
			return t, err
		}
		exported, err := export()
		if err != nil {
			return t, err
		}
		copiedIn, err := runTool(ctx, dir, environment(), "cp", "-r", tree, copied)
		if err != nil {
			return t, err
		}
		first, copies = append(first, exported), append(copies, copiedIn)
	}
	t.took("the first export", typical(first))
	t.took("cp -r of its tree", typical(copies))
	speed, _ := times(copies, first)
	t.aim("speed of the first export, of that of cp -r", speed, ratio, atLeast, 0.5)
	return t, measureLumenAgain(ctx, s.url, export, &t)
}

// measureLumenAgain exports when nothing has changed, and when one version has come.
func measureLumenAgain(ctx context.Context, url string, export func() (usage, error), t *table) error {
	var unchanged, one []usage
	for i := range rounds {
		u, err := export()
		if err != nil {
			return err
		}
		unchanged = append(unchanged, u)
		if err := lumenPublish(ctx, url, "@acme/p7", fmt.Sprintf("2.%d.0", i)); err != nil {
			return err
		}
		if u, err = export(); err != nil {
			return err
		}
		one = append(one, u)
	}
	t.aim("export when nothing has changed, wall time", typical(unchanged).Wall.Seconds(), seconds, atMost, 1)
	t.aim("export of one new version, wall time", typical(one).Wall.Seconds(), seconds, atMost, 1)
	t.note("%d packages with %d versions each, archives of %d KiB; the export makes what it writes durable, cp does not", lumenPackages, lumenVersions, (lumenSource+4<<10)>>10)
	return nil
}

func fillLumen(ctx context.Context, url string) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(manyAtOnce)
	for i := range lumenPackages {
		g.Go(func() error {
			for v := range lumenVersions {
				if err := lumenPublish(gctx, url, fmt.Sprintf("@acme/p%d", i), fmt.Sprintf("1.%d.0", v)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}

// lumenPublish publishes a version as the client does.
func lumenPublish(ctx context.Context, server, name, version string) error {
	archive, err := lumenArchive(name, version)
	if err != nil {
		return err
	}
	body, err := json.Marshal(map[string]string{
		"name": name, "version": version, "tarball": base64.StdEncoding.EncodeToString(archive), "shasum": fmt.Sprintf("%x", sha256.Sum256(archive)),
	})
	if err != nil {
		return err
	}
	_, err = send(ctx, http.MethodPut, server+"/lumen/v1/wares", "", body)
	return err
}

func lumenArchive(name, version string) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range []struct {
		name string
		text []byte
	}{
		{"lumen.toml", fmt.Appendf(nil, "[package]\nname = %q\nversion = %q\ndescription = \"A package to measure with\"\nlicense = \"MIT\"\n", name, version)},
		{"src/main.lm", bytes.Repeat([]byte("x"), lumenSource)},
	} {
		if err := w.WriteHeader(&tar.Header{Name: f.name, Mode: 0o644, Size: int64(len(f.text))}); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.text); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return b.Bytes(), err
}
