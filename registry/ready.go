package registry

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/store/blob"
	"github.com/org/registry-action/internal/store/kv"
)

const (
	probeTimeout = 2 * time.Second // of one look at a store
	probeShare   = time.Second     // for which the result is everybody's: probes are no load
)

// readiness knows whether the server should be sent requests.
type readiness struct {
	stopping atomic.Bool
	probes   []*probe
	life     context.Context // of looks under way: they are shared, so they don't end with who began them
	end      context.CancelFunc
	working  sync.WaitGroup
}

// looks are by name how the parts that every request may need are looked at.
type looks map[string]func(context.Context) error

func newReadiness(all looks, log *slog.Logger) *readiness {
	r := &readiness{}
	r.life, r.end = context.WithCancel(context.Background())
	for name, look := range all {
		r.probes = append(r.probes, &probe{name: name, look: look, log: log, works: true})
	}
	return r
}

// lookAt looks at stores by reading what is never there, and at a folder for files by writing one.
func lookAt(db kv.DB, blobs blob.Store, folder string) looks {
	return looks{
		"metadata": func(ctx context.Context) error {
			_, err := db.Get(ctx, kv.Key{Partition: "ready", Sort: "ready"})
			return unless(err, kv.ErrNotFound)
		},
		"blobs": func(ctx context.Context) error {
			// A Stat would do but for S3, which does not say of what it is asked by HEAD whether it is the bucket that is gone.
			b, _, err := blobs.Open(ctx, blob.Key{Space: blob.Packages, Digest: digest.Of([]byte("ready"))})
			if err == nil {
				return b.Close()
			}
			return unless(err, blob.ErrNotFound)
		},
		"disk": func(context.Context) error { return writable(folder) },
	}
}

// writable writes a file, durably, and removes it: a full disk, or one that is gone, takes none.
func writable(folder string) error {
	f, err := os.CreateTemp(folder, "ready-*")
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, 4<<10))
	return errors.Join(err, f.Sync(), f.Close(), os.Remove(f.Name()))
}

// unless is err, but for one that is none.
func unless(err, none error) error {
	if errors.Is(err, none) {
		return nil
	}
	return err
}

// check looks at all stores at the same time; how they were a moment ago is good enough.
func (r *readiness) check(ctx context.Context) (parts map[string]bool, stopping bool) {
	parts = map[string]bool{}
	flights := make([]chan struct{}, len(r.probes))
	for i, p := range r.probes {
		flights[i] = p.begin(r)
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	for i, p := range r.probes {
		parts[p.name] = p.result(ctx, flights[i])
	}
	return parts, r.stopping.Load()
}

// close waits for the looks under way.
func (r *readiness) close() {
	r.end()
	r.working.Wait()
}

// probe looks at one store, once at a time.
type probe struct {
	name string
	look func(context.Context) error
	log  *slog.Logger

	mu     sync.Mutex
	flight chan struct{} // closed when the look under way ends; nil: there is none
	looked time.Time
	works  bool
}

// begin starts a look if the last one is too old, and returns the one to wait for, if any.
func (p *probe) begin(r *readiness) chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.flight != nil || !p.looked.IsZero() && time.Since(p.looked) < probeShare || r.life.Err() != nil {
		return p.flight
	}
	p.flight = make(chan struct{})
	r.working.Go(func() {
		ctx, cancel := context.WithTimeout(r.life, probeTimeout)
		defer cancel()
		p.end(r.life, p.look(ctx))
	})
	return p.flight
}

// end notes how a look ended. A change is logged, with its cause.
func (p *probe) end(life context.Context, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if life.Err() == nil {
		switch works := err == nil; {
		case p.works && !works:
			p.log.Error("not ready: a store does not answer", "store", p.name, "err", err)
		case !p.works && works:
			p.log.Info("the store answers again", "store", p.name)
		}
	}
	p.works, p.looked = err == nil, time.Now()
	close(p.flight)
	p.flight = nil
}

// result is what the look has found, or that it takes too long.
func (p *probe) result(ctx context.Context, flight chan struct{}) bool {
	if flight != nil {
		select {
		case <-flight:
		case <-ctx.Done():
		}
		select {
		case <-flight:
		default:
			return false
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.works
}
