package stats

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/org/registry-action/internal/store/kv"
)

// When counts are written.
const (
	flushEvery = time.Second
	lastPause  = 30 * time.Second // between tries while the store is away, from flushEvery on, twice as long each time
	lastFlush  = 10 * time.Second // what Close may take
)

// perBatch subjects make at most 6 rows each, with the writer's own less than kv.MaxBatch.
const perBatch = 16

// batch is counts on their way into the store. It is repeated as it is until its fate is known.
type batch struct {
	ops       []kv.Op
	downloads int64
}

// writer writes batches one after another. With each goes a row of its own that has the batch's number: of a
// batch whose answer was lost, it tells whether it happened.
type writer struct {
	id      string    // of its row
	number  int64     // of the last batch that is known to have happened; 0: none
	at      time.Time // of that
	doubt   bool      // the one behind it may have happened
	pending *batch
}

func (s *Service) run() {
	for {
		select {
		case <-s.wake:
		case <-s.closing:
			return
		}
		if !s.wait(flushEvery) || !s.flushUntilDone() {
			return
		}
	}
}

// flushUntilDone writes what waits, however long the store is away; false at the end of the service.
func (s *Service) flushUntilDone() bool {
	for pause := flushEvery; ; pause = min(2*pause, lastPause) {
		err := s.flush(context.Background()) // Apply has a limit of its own
		s.tellDropped()
		if err == nil {
			return true
		}
		s.opt.Log.Warn("counts of downloads can't be written; they wait in memory", "err", err, "again in", pause)
		if !s.wait(pause) {
			return false
		}
	}
}

// wait returns false if the service is closed before a time is over.
func (s *Service) wait(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.closing:
		return false
	}
}

// Close writes what waits and ends the service; nothing may be counted any more. It takes seconds at most: if the
// store is away the counts are lost, and the log says how many.
func (s *Service) Close() error { return s.close() }

func (s *Service) shutdown() error {
	s.makers.Close()
	close(s.closing)
	s.flusher.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), lastFlush)
	defer cancel()
	if err := s.flush(ctx); err != nil {
		lost := s.waiting()
		if s.out.pending != nil {
			lost += s.out.pending.downloads
		}
		s.lose(lost)
		s.opt.Log.Error("the last counts of downloads could not be written", "downloads", lost, "err", err)
	}
	return nil
}

// tellDropped logs what maxWaiting has cost.
func (s *Service) tellDropped() {
	s.mu.Lock()
	n := s.dropped
	s.dropped = 0
	s.mu.Unlock()
	if n > 0 {
		s.lose(n)
		s.opt.Log.Error("too many counts wait for the store; the oldest were dropped", "downloads", n, "bound", maxWaiting)
	}
}

func (s *Service) lose(n int64) {
	if s.opt.Lost != nil && n > 0 {
		s.opt.Lost(n)
	}
}

// flush writes batches until nothing waits. One that fails is kept for the next call.
func (s *Service) flush(ctx context.Context) error {
	for {
		if s.out.pending == nil {
			s.out.pending = s.take()
		}
		if s.out.pending == nil {
			return nil
		}
		if err := s.write(ctx, s.out.pending); err != nil {
			return err
		}
		s.out.pending = nil
	}
}

// take makes a batch of the oldest counts; nil if there are none.
func (s *Service) take() *batch {
	s.mu.Lock()
	n := min(len(s.order), perBatch)
	subjects, counts := make([]subject, n), make([]count, n)
	for i, what := range s.order[:n] {
		subjects[i], counts[i] = what, *s.counts[what]
	}
	s.removeLocked(n)
	s.mu.Unlock()
	if n == 0 {
		return nil
	}
	made := builder{at: map[kv.Key]int{}}
	for i, what := range subjects {
		made.subject(what, counts[i])
	}
	return &made.batch
}

// builder adds up what is about the same row.
type builder struct {
	batch
	at map[kv.Key]int // where a row's op is
}

func (b *builder) subject(what subject, c count) {
	until := what.day.until(dailyLife)
	if what.client != "" {
		b.add(kv.AddUntil(clientKey(what.kind, what.day, what.client), c.n, until))
		return
	}
	b.downloads += c.n
	ofVersion, ofName := sumsUntil(what.kind, until)
	b.add(kv.AddUntil(versionKey(what.kind, what.name, what.version), c.n, ofVersion))
	b.add(kv.AddUntil(totalKey(what.kind, what.name), c.n, ofName))
	b.add(kv.AddUntil(dayKey(what.kind, what.name, what.day), c.n, until))
	b.add(kv.AddUntil(nameKey(what.kind, what.day, what.name), c.n, until))
	b.add(kv.AddUntil(recentKey(what.kind, what.name, what.version, what.day), c.n, what.day.until(recentLife)))
	b.last(kv.Row{Key: lastKey(what.kind, what.name), Expires: ofName}, c.last)
}

// sumsUntil returns when the sums of a version and of a name are forgotten unless something is added to them; zero:
// never. until is that of a day. Of what is published here there are as many as packages and versions; versions of
// commits end, and what events name is made up by whoever reports them.
func sumsUntil(k Kind, until time.Time) (version, name time.Time) {
	switch {
	case slices.Contains(Events(), k):
		return until, until
	case k == Commit:
		return until, time.Time{}
	}
	return time.Time{}, time.Time{}
}

func (b *builder) add(op kv.Op) {
	if i, ok := b.at[op.Row.Key]; ok {
		b.ops[i].Delta += op.Delta
		if op.Row.Expires.After(b.ops[i].Row.Expires) {
			b.ops[i].Row.Expires = op.Row.Expires
		}
		return
	}
	b.at[op.Row.Key] = len(b.ops)
	b.ops = append(b.ops, op)
}

// last notes a moment. Of two servers the one that writes later decides: they write within a second.
func (b *builder) last(r kv.Row, at int64) {
	r.Value = strconv.AppendInt(nil, at, 10)
	op := kv.Put(r)
	i, ok := b.at[r.Key]
	if !ok {
		b.add(op)
		return
	}
	if n, _ := b.ops[i].Row.Counter(); n < at {
		b.ops[i] = op
	}
}

// write writes a batch, once however often it is called.
func (s *Service) write(ctx context.Context, b *batch) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		mark := s.out.next(s.opt.Now())
		err := s.db.Apply(ctx, append([]kv.Op{mark}, b.ops...)...)
		lost, conflict := errors.AsType[*kv.ConflictError](err)
		switch {
		case err == nil:
			s.out.done(s.opt.Now())
			return nil
		case errors.Is(err, kv.ErrLimit): // no other try can help
			s.lose(b.downloads)
			s.opt.Log.Error("counts of downloads are refused by the store", "downloads", b.downloads, "err", err)
			return nil
		case !conflict:
			s.out.doubt = true
			return fmt.Errorf("writing counts: %w", err)
		case lost.Key != mark.Row.Key:
			b.leaveOut(lost.Key)
			s.opt.Log.Error("a row of statistics can't be added to; it is left as it is", "row", lost.Key.String())
			continue
		}
		happened, err := s.out.happened(ctx, s.db)
		if err != nil {
			return fmt.Errorf("reading what became of counts: %w", err)
		}
		if happened {
			s.out.done(s.opt.Now())
			return nil
		}
		s.out.id = "" // its row is gone
	}
}

// leaveOut drops the op on a row, which is damaged.
func (b *batch) leaveOut(k kv.Key) {
	for i, op := range b.ops {
		if op.Row.Key == k {
			b.ops = append(b.ops[:i:i], b.ops[i+1:]...)
			return
		}
	}
}

// next is what a batch has to write with it. A writer whose row may expire while it is idle begins anew, but
// not with a batch whose fate is not known.
func (w *writer) next(now time.Time) kv.Op {
	if w.id == "" || !w.doubt && now.Sub(w.at) > writerLife/2 {
		w.id, w.number, w.at, w.doubt = rand.Text(), 0, now, false
	}
	row := kv.Row{Key: writerKey(w.id), Value: strconv.AppendInt(nil, w.number+1, 10), Expires: now.Add(writerLife)}
	if w.number == 0 {
		return kv.PutNew(row)
	}
	return kv.Swap(strconv.AppendInt(nil, w.number, 10), row)
}

func (w *writer) done(now time.Time) { w.number, w.at, w.doubt = w.number+1, now, false }

// happened reports whether the batch behind the last one that is known has been written.
func (w *writer) happened(ctx context.Context, db kv.DB) (bool, error) {
	row, err := db.Get(ctx, writerKey(w.id))
	if errors.Is(err, kv.ErrNotFound) {
		return false, nil
	}
	n, ok := row.Counter()
	return ok && n == w.number+1, err
}
