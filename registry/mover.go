package registry

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/transfer"
	"github.com/org/registry-action/internal/wire"
)

// mover moves the registry to other stores, once at a time. It belongs to a Registry, whose Close ends it.
type mover struct {
	config Config
	stores stores

	ctx    context.Context // until Close
	cancel context.CancelFunc
	runs   sync.WaitGroup

	snapping sync.Mutex // held while a snapshot is written

	mu       sync.Mutex
	running  bool
	moved    bool // the server has to be restarted
	status   wire.MigrationStatus
	progress *transfer.Progress
}

func newMover(c Config, s stores) *mover {
	m := &mover{config: c, stores: s, status: wire.MigrationStatus{Phase: wire.PhaseNone}, progress: &transfer.Progress{}}
	m.ctx, m.cancel = context.WithCancel(context.Background())
	return m
}

// close ends a move that is under way; it can be begun again.
func (m *mover) close() {
	m.cancel()
	m.runs.Wait()
}

// Migrate checks a move and begins it; the rest goes on by itself.
func (m *mover) Migrate(_ context.Context, in wire.Migration) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.running:
		return fault.New(fault.Exists, "a migration is under way; wait for its end")
	case m.moved:
		return fault.New(fault.Exists, "the registry was moved; restart its server")
	}
	p, err := makePlan(m.stores.place, in)
	if err != nil {
		return err
	}
	if err := p.begin(m.config.DataDir); err != nil {
		return err
	}
	m.running = true
	m.status, m.progress = wire.MigrationStatus{Phase: wire.PhaseChecking}, &transfer.Progress{}
	m.runs.Go(func() { m.end(m.run(m.ctx, p)) })
	return nil
}

// end is the last word about a move.
func (m *mover) end(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.count()
	m.running = false
	if err == nil {
		m.status.Phase = wire.PhaseDone
		return
	}
	m.config.Log.Error("the migration has failed", "err", err)
	m.status.Phase, m.status.Resumable = wire.PhaseFailed, !errors.Is(err, fault.Invalid)
	if m.status.Error = err.Error(); m.ctx.Err() != nil {
		m.status.Error = "the server was stopped; begin the migration again, it goes on from there"
	} else if e, ok := fault.Public(err); ok {
		m.status.Error = e.Message
	}
}

// Migration tells how far the move is, or how the last one ended.
func (m *mover) Migration() wire.MigrationStatus {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.status
	n := m.progress.Counts()
	s.Rows, s.Blobs = n.Rows, n.Blobs
	s.RowsCopied, s.BlobsCopied, s.Bytes = s.RowsCopied+n.RowsCopied, s.BlobsCopied+n.BlobsCopied, s.Bytes+n.Bytes
	return s
}

// count adds what was done in a phase to the sum of all.
func (m *mover) count() {
	n := m.progress.Counts()
	m.status.RowsCopied += n.RowsCopied
	m.status.BlobsCopied += n.BlobsCopied
	m.status.Bytes += n.Bytes
	m.progress = &transfer.Progress{}
}

// phase begins the next one, in which so many rows and blobs are looked at, and returns what counts them.
func (m *mover) phase(name string, rows, blobs int64) *transfer.Progress {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.count()
	m.status.Phase, m.status.RowsTotal, m.status.BlobsTotal = name, rows, blobs
	m.config.Log.Info("migrating", "phase", name)
	return m.progress
}

func (m *mover) note(format string, args ...any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.status.Notes = append(m.status.Notes, fmt.Sprintf(format, args...))
}

// Abandon gives up a move that was begun: the registry stays where it is, and takes writes.
func (m *mover) Abandon(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	p, found, err := begunPlan(m.config.DataDir)
	switch {
	case m.running:
		return fault.New(fault.Exists, "the migration is under way; stop the server to interrupt it")
	case err != nil:
		return err
	case m.moved:
		return fault.New(fault.Exists, "the registry was moved; restart its server")
	case !found:
		return fault.New(fault.NotFound, "there is no migration to give up")
	}
	if err := errors.Join(transfer.Unmark(ctx, m.stores.rows, p.ID), releaseCounting(ctx, m.stores.rows, p.ID)); err != nil {
		return err
	}
	return removeFile(filepath.Join(m.config.DataDir, moveFile))
}

// waitFor waits, unless ctx ends.
func waitFor(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
