package lumentree

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/lumen"
)

// Source is a registry to export.
type Source interface {
	Tree
	// Files lists the whole tree.
	Files(ctx context.Context) ([]File, error)
}

// Options of an export. The zero value works.
type Options struct {
	Verify   bool              // what is there is read and hashed, not believed
	Extras   map[string][]byte // more files, by path: of Extras
	Progress func(Progress)    // told of steps; not by several goroutines at once
}

// Progress is how far an export or a verification is.
type Progress struct {
	Stage       string
	Done, Total int // files or versions, of all stages
}

// Report is what an export led to.
type Report struct {
	Files   int   `json:"files"`   // of the tree, and extras
	Written int   `json:"written"` // of them
	Deleted int   `json:"deleted"`
	Bytes   int64 `json:"bytes"` // written
}

const (
	atOnce    = 8    // files that are fetched, written or hashed at the same time
	batch     = 1000 // files that become visible together
	tries     = 5    // of an export of a registry that changes meanwhile
	retryWait = 200 * time.Millisecond
)

// Export makes a sink the tree of a source. What is there already is not written again.
func Export(ctx context.Context, source Source, sink Sink, opt Options) (r Report, err error) {
	e := &export{source: source, sink: sink, opt: opt}
	for try := range tries {
		if err = pause(ctx, retryWait*time.Duration(try)); err != nil {
			break
		}
		if err = e.run(ctx); !errors.Is(err, errChanged) {
			break
		}
	}
	if errors.Is(err, errChanged) {
		err = fault.Wrap(err, fault.Unavailable, "the registry changed during each of %d attempts to export it, or serves other bytes than it lists; run the export again", tries)
	}
	return e.report, err
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

type export struct {
	source Source
	sink   Sink
	opt    Options
	report Report

	known map[string]File // what the sink has
	fresh bool            // known is the state of the last export that came to its end
	steps *steps

	revoking []byte // keys.json that revokes a key: written when nothing that the key signed is left; nil: none does
}

// run is one attempt. What it wrote is known to the next one.
func (e *export) run(ctx context.Context) error {
	files, err := e.source.Files(ctx)
	if err != nil {
		return err
	}
	e.report.Files = len(files) + len(e.opt.Extras)
	if e.known == nil {
		if err := e.look(ctx, files); err != nil {
			return err
		}
	}
	changed, removed := e.compare(files)
	if e.fresh && len(changed) == 0 && len(removed) == 0 {
		return e.finish(ctx, nil)
	}
	next, err := e.next(ctx, files)
	if err != nil {
		return err
	}
	e.fresh = false
	if slices.ContainsFunc(changed, func(f File) bool { return !Immutable(f.Path) }) {
		if changed, err = e.introduce(ctx, changed); err != nil {
			return err
		}
		if err := announce(ctx, e.sink, e.known, next); err != nil {
			return err
		}
	}
	if err := e.write(ctx, changed); err != nil {
		return err
	}
	for _, path := range removed {
		if err := e.sink.Delete(ctx, path); err != nil {
			return err
		}
		delete(e.known, path)
		e.report.Deleted++
	}
	return e.finish(ctx, files)
}

// look finds out what the sink has.
func (e *export) look(ctx context.Context, files []File) (err error) {
	e.known, e.fresh, err = readState(ctx, e.sink)
	if err == nil {
		err = e.guard(ctx, files)
	}
	if err != nil || e.fresh && !e.opt.Verify {
		return err
	}
	old := e.known
	all := make(map[string]File, len(files))
	for _, f := range files {
		all[f.Path] = f
	}
	maps.Copy(all, old) // what is no longer listed is to be deleted
	if e.known, err = survey(ctx, e.sink, slices.Collect(maps.Values(all)), e.opt.Verify); err != nil {
		return err
	}
	e.fresh = e.fresh && maps.Equal(e.known, old)
	return nil
}

// compare tells what is to be written and what to be deleted.
func (e *export) compare(files []File) (changed []File, removed []string) {
	listed := make(map[string]bool, len(files))
	for _, f := range files {
		listed[f.Path] = true
		if e.known[f.Path] != f {
			changed = append(changed, f)
		}
	}
	for path := range e.known {
		if !listed[path] {
			removed = append(removed, path)
		}
	}
	slices.Sort(removed)
	return changed, removed
}

// next is the snapshot that is to be written. A checkpoint that is not over the package indexes that are listed with it comes from a
// registry that has changed in between.
func (e *export) next(ctx context.Context, files []File) (s snapshot, err error) {
	s.Indexes = indexesOf(files)
	i := slices.IndexFunc(files, func(f File) bool { return f.Path == lumen.CheckpointPath() })
	if i < 0 {
		return s, nil
	}
	text, err := e.fetch(ctx, files[i])
	if err != nil {
		return s, err
	}
	s.Checkpoint = new(lumen.Envelope)
	if json.Unmarshal(text, s.Checkpoint) != nil || !s.fits() {
		return s, errChanged
	}
	return s, nil
}

// fetch reads a document of the source.
func (e *export) fetch(ctx context.Context, f File) ([]byte, error) {
	if f.Size > maxDocument {
		return nil, fault.New(fault.Upstream, "the registry's %.200q has %d bytes", f.Path, f.Size)
	}
	r, err := e.source.Open(ctx, f.Path)
	if err != nil {
		return nil, gone(err)
	}
	text, err := io.ReadAll(newChecked(r, f))
	return text, errors.Join(err, r.Close())
}

// write writes files, stage by stage.
func (e *export) write(ctx context.Context, changed []File) error {
	by := make([][]File, stages)
	for _, f := range changed {
		s, err := stageOf(f.Path)
		if err != nil {
			return err
		}
		by[s] = append(by[s], f)
	}
	e.steps = &steps{total: len(changed), tell: e.opt.Progress}
	for s, files := range by {
		for part := range slices.Chunk(files, batch) {
			if err := e.writeBatch(ctx, stage(s), part); err != nil {
				return err
			}
		}
	}
	return nil
}

func (e *export) writeBatch(ctx context.Context, s stage, files []File) error {
	err := each(ctx, len(files), func(ctx context.Context, i int) error {
		defer e.steps.add(s.String())
		return e.copy(ctx, files[i])
	})
	if err != nil {
		return err
	}
	if err := e.sink.Commit(ctx); err != nil {
		return err
	}
	for _, f := range files {
		e.known[f.Path] = f
		e.report.Written++
		e.report.Bytes += f.Size
	}
	return nil
}

func (e *export) copy(ctx context.Context, f File) (err error) {
	r, err := e.source.Open(ctx, f.Path)
	if err != nil {
		return gone(err)
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return e.sink.Put(ctx, f, newChecked(r, f))
}

// finish writes the extras, and that the export came to its end; files is nil if nothing changed.
func (e *export) finish(ctx context.Context, files []File) error {
	for path, text := range e.opt.Extras {
		old, err := readDocument(ctx, e.sink, path)
		if err == nil && string(old) == string(text) {
			continue
		}
		if err := putDocument(ctx, e.sink, path, text); err != nil {
			return err
		}
		e.report.Written++
		e.report.Bytes += int64(len(text))
	}
	if err := e.revoke(ctx); err != nil {
		return err
	}
	if files != nil {
		if err := writeState(ctx, e.sink, files); err != nil {
			return err
		}
	}
	return withdraw(ctx, e.sink)
}

// each calls f for 0 to n-1, some at once, until one fails.
func each(ctx context.Context, n int, f func(ctx context.Context, i int) error) error {
	g, one := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for i := range n {
		if one.Err() != nil {
			break
		}
		g.Go(func() error { return f(one, i) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}

// steps counts what is done and tells of it.
type steps struct {
	mu          sync.Mutex
	done, total int
	tell        func(Progress)
}

func (s *steps) add(stage string) {
	if s.tell == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done++
	s.tell(Progress{Stage: stage, Done: s.done, Total: s.total})
}

// gone is the error of a listed file that is not there.
func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %w", errChanged, err)
	}
	return err
}
