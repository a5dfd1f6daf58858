package registry_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/org/registry-action/internal/adminclient"
	"github.com/org/registry-action/internal/clients/s3server"
	"github.com/org/registry-action/internal/store/crashtest"
	"github.com/org/registry-action/internal/wire"
	"github.com/org/registry-action/registry"
)

// What the process that is killed finds in its environment: the URLs of the stores.
const (
	killS3       = "MIGRATE_KILL_S3"
	killDynamoDB = "MIGRATE_KILL_DYNAMODB"
)

func TestMain(m *testing.M) { crashtest.Main(m, moveUntilKilled) }

// Besides versions, tick is acknowledged now and then, so that kills come at any time, and not only when something was
// published, and moved at the end of each move.
const tick, moved = "tick", "moved"

// moveUntilKilled moves the registry of a folder away and back, again and again, while packages are published to it.
func moveUntilKilled(dir string, ack func(line string)) error {
	go func() {
		for {
			time.Sleep(400 * time.Millisecond)
			ack(tick)
		}
	}()
	for {
		if err := moveOnce(dir, ack); err != nil {
			return err
		}
		ack(moved)
	}
}

func moveOnce(dir string, ack func(line string)) error {
	reg, err := registry.New(registry.Settling(registry.Config{
		DataDir: dir, BaseURL: "http://localhost", NoUpstream: true, ControlToken: control,
	}, 10*time.Millisecond))
	if err != nil {
		return err
	}
	move, err := nextMove(dir, reg)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var g errgroup.Group
	for range 2 {
		g.Go(func() error { publishUntil(ctx, reg, ack); return nil })
	}
	g.Go(func() error {
		defer cancel()
		return moveAndWait(ctx, adminclient.InProcess(reg.Handler(), control), move)
	})
	return errors.Join(g.Wait(), reg.Close())
}

// nextMove goes home from afar, and from home to a place that is new, or that was begun to be filled.
func nextMove(dir string, reg *registry.Registry) (wire.Migration, error) {
	if bucket, table := reg.Storage(); table.Table != "" {
		back := home
		if registry.Counts(reg).Table != "" {
			back.From = append(slices.Clone(back.From), wire.StoreAnalytics)
		}
		return back, nil
	} else if _, err := os.Stat(filepath.Join(dir, "migration.json")); bucket.Bucket != "" && err != nil {
		return wire.Migration{From: []string{wire.StoreS3}, To: []string{wire.StoreLocal}}, nil
	}
	file := dir + ".target"
	name, err := os.ReadFile(file)
	if _, begun := os.Stat(filepath.Join(dir, "migration.json")); begun != nil || err != nil {
		name = []byte(strings.ToLower(rand.Text()))
		if err := os.WriteFile(file, name, 0o600); err != nil {
			return wire.Migration{}, err
		}
	}
	table := registry.DynamoDB{Table: string(name), Endpoint: os.Getenv(killDynamoDB), Create: true}
	there := stores(registry.S3{Bucket: s3server.Bucket, Prefix: string(name), Endpoint: os.Getenv(killS3), PathStyle: true}, table)
	if name[0] < 'n' { // now and then
		there.To, there.Analytics = append(there.To, wire.StoreAnalytics), wire.Table(countsOf(table, string(name)+"-counts"))
	}
	return there, nil
}

func moveAndWait(ctx context.Context, client *adminclient.Client, m wire.Migration) error {
	if _, err := client.Migrate(ctx, m); err != nil {
		if !strings.Contains(err.Error(), "--abandon") {
			return fmt.Errorf("%v: %w", m, err)
		}
		return client.AbandonMigration(ctx) // the way back, of which a half was turned before the kill
	}
	for {
		status, err := client.Migration(ctx)
		switch {
		case err != nil:
			return err
		case status.Phase == wire.PhaseFailed:
			return errors.New(status.Error)
		case status.Phase == wire.PhaseDone:
			return nil
		}
		time.Sleep(time.Millisecond)
	}
}

// publishUntil publishes versions of a package and acknowledges those that were published.
func publishUntil(ctx context.Context, reg *registry.Registry, ack func(line string)) {
	for ctx.Err() == nil {
		version := fmt.Sprintf("1.%d.%d", time.Now().UnixMicro(), os.Getpid())
		if _, err := reg.Publish(ctx, bytes.NewReader(pack("killed", version))); err == nil {
			ack(version)
		}
		time.Sleep(300 * time.Millisecond) // a kill comes after so many lines: few of them leave time to move
	}
}

// pack makes a tarball; writing to memory does not fail.
func pack(name, version string) []byte {
	var b bytes.Buffer
	gz := gzip.NewWriter(&b)
	tw := tar.NewWriter(gz)
	text := fmt.Sprintf(`{"name":%q,"version":%q}`, name, version)
	_ = tw.WriteHeader(&tar.Header{Name: "package/package.json", Mode: 0o644, Size: int64(len(text))})
	_, _ = io.WriteString(tw, text)
	_ = errors.Join(tw.Close(), gz.Close())
	return b.Bytes()
}

// Whenever a server is killed that moves, everything that was acknowledged is in the one place or the other.
func TestKilledMigrations(t *testing.T) {
	server, _ := onS3(t)
	table, _ := onTable(t)
	t.Setenv(killS3, server.URL)
	t.Setenv(killDynamoDB, table.URL)
	dir := filepath.Join(t.TempDir(), "data")
	var all []string
	places := map[string]int{}
	check := func(versions []string) {
		t.Helper()
		reg, err := registry.New(registry.Config{DataDir: dir, BaseURL: "http://localhost", NoUpstream: true})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := reg.Close(); err != nil {
				t.Error(err)
			}
		}()
		bucket, rows := reg.Storage()
		places[fmt.Sprintf("bucket %t, table %t, of statistics %t", bucket.Bucket != "", rows.Table != "", registry.Counts(reg).Table != "")]++
		for _, v := range versions {
			f, err := reg.Tarball(t.Context(), "killed", v)
			if err != nil {
				t.Fatalf("%s was acknowledged: %v", v, err)
			}
			got, err := io.ReadAll(f)
			if err := errors.Join(err, f.Close()); err != nil || !bytes.Equal(got, pack("killed", v)) {
				t.Fatalf("%s has %d bytes, %v", v, len(got), err)
			}
		}
	}
	keep := func(_ int, acked []string) {
		versions := slices.DeleteFunc(acked, func(line string) bool { return line == tick || line == moved })
		all = append(all, versions...)
		check(versions)
	}
	crashtest.Run(t, dir, 8, keep)
	keep(8, crashtest.Kill(t, dir, func(acked []string) bool { return slices.Contains(acked, moved) })) // however slow this machine is
	check(all)
	moves, err := filepath.Glob(filepath.Join(dir, "*.moved-*"))
	if err != nil || len(moves) == 0 {
		t.Errorf("no move came to its end: %v", err)
	}
	t.Logf("%d versions; killed in %v, after %d moves of a half", len(all), places, len(moves))
}
