package main

import (
	"bytes"
	"compress/flate"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/kv/boltkv"
)

// scaleWriters write at once, far more than the cores: what waits is committed together.
const scaleWriters = 64

// scaledName names a package; all names have one length.
func scaledName(i int) string { return fmt.Sprintf("scaled-%07d", i) }

// fillRows publishes one package and copies its rows under other names: as many rows as if all were published,
// without their bytes.
func (b *bench) fillRows(ctx context.Context, data string, packages int) error {
	if err := b.publishFirst(ctx, data); err != nil {
		return err
	}
	db, err := boltkv.Open(filepath.Join(data, "metadata.db"), boltkv.Options{})
	if err != nil {
		return err
	}
	first, err := readFirst(ctx, db)
	if err == nil {
		g, gctx := errgroup.WithContext(ctx)
		g.SetLimit(scaleWriters)
		for i := 1; i < packages; i++ {
			g.Go(func() error { return first.copyTo(gctx, db, scaledName(i)) })
		}
		err = g.Wait()
	}
	return errors.Join(err, db.Close())
}

func (b *bench) publishFirst(ctx context.Context, data string) (err error) {
	s, err := b.startServer(ctx, data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	for v := range scaleVersions {
		if err := npmPublish(ctx, s.url, "", scaledName(0), fmt.Sprintf("1.%d.0", v), 100); err != nil {
			return err
		}
	}
	return nil
}

// firstRows are the rows of the first package.
type firstRows struct {
	versions []kv.Row // their values inflated
	others   []kv.Row
	held     kv.Row // a row that holds bytes, of which each version has one
}

func readFirst(ctx context.Context, db kv.Walker) (f firstRows, err error) {
	for row, err := range db.Walk(ctx, kv.Key{}) {
		switch {
		case err != nil:
			return f, err
		case strings.HasPrefix(row.Partition, "blob/packages/"):
			f.held = row
		case row.Partition == "package/"+scaledName(0) && strings.HasPrefix(row.Sort, "version/"):
			if row.Value, err = io.ReadAll(flate.NewReader(bytes.NewReader(row.Value))); err != nil {
				return f, err
			}
			f.versions = append(f.versions, row)
		case strings.Contains(row.Partition+row.Sort, scaledName(0)):
			f.others = append(f.others, row)
		}
	}
	if len(f.versions) != scaleVersions || len(f.others) == 0 || f.held.Partition == "" {
		return f, errors.New("the rows of a package are not what they were when this was written")
	}
	return f, nil
}

// copyTo writes the rows of another package; those of the names last.
func (f firstRows) copyTo(ctx context.Context, db kv.DB, name string) error {
	w, err := flate.NewWriter(nil, flate.BestSpeed)
	if err != nil {
		return err
	}
	var versions, holds, others []kv.Op
	for _, row := range f.versions {
		op := renamed(row, name)
		if op.Row.Value, err = deflated(w, op.Row.Value); err != nil {
			return err
		}
		held, sum := f.held, sha256.Sum256([]byte(name+row.Sort))
		held.Partition = "blob/packages/" + hex.EncodeToString(sum[:])
		versions, holds = append(versions, op), append(holds, kv.Put(held))
	}
	for _, row := range f.others {
		others = append(others, renamed(row, name))
	}
	return errors.Join(db.Apply(ctx, versions...), db.Apply(ctx, holds...), db.Apply(ctx, others...))
}

func renamed(row kv.Row, name string) kv.Op {
	row.Partition, row.Sort = strings.ReplaceAll(row.Partition, scaledName(0), name), strings.ReplaceAll(row.Sort, scaledName(0), name)
	row.Value = bytes.ReplaceAll(row.Value, []byte(scaledName(0)), []byte(name))
	return kv.Put(row)
}

func deflated(w *flate.Writer, text []byte) ([]byte, error) {
	var b bytes.Buffer
	w.Reset(&b)
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	err := w.Close()
	return b.Bytes(), err
}

// idleTime is how long a server may take until it has nothing to do after its start.
const idleTime = 3 * time.Minute

// awaitIdle waits until a process uses next to no CPU time.
func awaitIdle(ctx context.Context, pid int) error {
	ctx, cancel := context.WithTimeout(ctx, idleTime)
	defer cancel()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for last := -1; ; {
		ticks, err := cpuTicks(pid)
		if err != nil {
			return err
		}
		if last >= 0 && ticks-last <= 5 { // hundredths of a second
			return nil
		}
		last = ticks
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("waiting until the server has nothing to do: %w", ctx.Err())
		}
	}
}

// cpuTicks is the CPU time of a process, as Linux counts it.
func cpuTicks(pid int) (int, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, errors.New("the process has ended")
	}
	user, err := strconv.Atoi(fields[11])
	if err != nil {
		return 0, err
	}
	system, err := strconv.Atoi(fields[12])
	return user + system, err
}
