package registry

import (
	"context"
	"path/filepath"
	"sync"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/kv"
	"github.com/org/registry-action/internal/store/lifetime"
	"github.com/org/registry-action/internal/store/scrub"
	"github.com/org/registry-action/internal/store/transfer"
	"github.com/org/registry-action/internal/wire"
)

// Verification is what a verification of all that is kept found.
type Verification = wire.Verification

// Verify reads every row and every blob that something refers to, and reports what is damaged. It changes nothing, and the
// registry may be in use. There is one at a time.
func (r *Registry) Verify(ctx context.Context) (Verification, error) {
	v := r.verifier
	if err := v.begin(); err != nil {
		return Verification{}, err
	}
	v.end(v.run(ctx))
	out := v.Verification()
	if out.Phase == wire.VerifyFailed {
		return out, v.failure()
	}
	return out, nil
}

// recheckAfter is how long what is found wrong is given to come right: a write may have been seen in part.
const recheckAfter = time.Second

// verifier verifies the stores, once at a time. It belongs to a Registry, whose Close ends it.
type verifier struct {
	registry *Registry

	ctx    context.Context // until Close
	cancel context.CancelFunc
	runs   sync.WaitGroup

	mu      sync.Mutex
	status  Verification
	err     error // of the last
	rows    int64 // in all; 0: not known
	blobs   int64
	current *scrub.Verification
	stop    context.CancelFunc // of one that runs in the background
}

func newVerifier(r *Registry) *verifier {
	v := &verifier{registry: r, status: Verification{Phase: wire.VerifyNone, Problems: []wire.Problem{}}}
	v.ctx, v.cancel = context.WithCancel(context.Background())
	return v
}

func (v *verifier) close() {
	v.cancel()
	v.runs.Wait()
}

// Verify begins a verification; the rest goes on by itself.
func (v *verifier) Verify(context.Context) error {
	if err := v.begin(); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(v.ctx)
	v.mu.Lock()
	v.stop = stop
	v.mu.Unlock()
	v.runs.Go(func() {
		defer stop()
		v.end(v.run(ctx))
	})
	return nil
}

// StopVerification ends the one that was begun, if it runs.
func (v *verifier) StopVerification() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.stop != nil {
		v.stop()
	}
}

// Verification tells how far it is, or what the last one found.
func (v *verifier) Verification() Verification {
	v.mu.Lock()
	defer v.mu.Unlock()
	out := v.status
	if v.current != nil {
		out.Rows, out.Blobs, out.Bytes = v.current.Progress()
		out.RowsTotal, out.BlobsTotal = v.rows, v.blobs
	}
	return out
}

func (v *verifier) failure() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.err
}

func (v *verifier) begin() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.status.Phase == wire.VerifyRunning {
		return fault.New(fault.Exists, "a verification is under way; wait for its end").WithCode("verification_under_way")
	}
	v.status, v.err, v.rows, v.blobs = Verification{Phase: wire.VerifyRunning, Problems: []wire.Problem{}}, nil, 0, 0
	return nil
}

func (v *verifier) run(ctx context.Context) (scrub.Result, error) {
	r := v.registry
	keys := r.signing
	blobs := scrub.NewBlobs(r.stores.raw, r.life)
	run := scrub.New(scrub.Options{
		DB: r.stores.rows, Blobs: blobs, Spaces: transfer.Spaces, Settle: r.config.recheck, Now: r.config.Now,
		Checkers: []scrub.Checker{r.packages.Checker(blobs, keys), r.commits.Checker(blobs), r.zig.Checker(blobs), r.lumen.Checker(blobs), keys.Checker(), r.auth.Checker(), r.trust.Checker()},
	})
	rows, blobCount, err := r.countKept(ctx)
	if err != nil {
		return scrub.Result{}, err
	}
	v.mu.Lock()
	v.current, v.rows, v.blobs = run, rows, blobCount
	v.mu.Unlock()
	return run.Run(ctx)
}

// countKept counts the rows and the blobs that they keep, where that is fast.
func (r *Registry) countKept(ctx context.Context) (rows, blobs int64, err error) {
	if r.stores.place.table.Table != "" {
		return 0, 0, nil
	}
	for row, err := range r.stores.rows.Walk(ctx, kv.Key{}) {
		if err != nil {
			return 0, 0, err
		}
		rows++
		if _, kept, err := lifetime.HeldBy(row); err == nil && kept { // what can't be read is found later
			blobs++
		}
	}
	return rows, blobs, nil
}

// end is the last word about a verification.
func (v *verifier) end(found scrub.Result, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.current, v.stop, v.err = nil, nil, err
	if err != nil {
		v.status.Phase, v.status.Error = wire.VerifyFailed, said(err)
		if v.ctx.Err() == nil {
			v.registry.config.Log.Error("the verification could not be made", "err", err)
		}
		return
	}
	v.status = Verification{
		Phase: wire.VerifyDone, Rows: found.Rows, RowsTotal: found.Rows, Blobs: found.Blobs, BlobsTotal: found.Blobs, Bytes: found.Bytes, Checked: found.Checked,
		NotChecked: found.Rows - found.Known, Unreferenced: found.Unreferenced, Problems: []wire.Problem{}, More: found.More,
	}
	local := ""
	if v.registry.stores.place.bucket.Bucket == "" {
		local = filepath.Base(blobFolder(""))
	}
	for _, p := range found.Problems {
		v.status.Problems = append(v.status.Problems, wire.Problem{
			Kind: p.Kind, Name: p.Name, Code: string(p.Code), Blob: placeOf(p.Blob, local), Expected: p.Expected, Got: p.Got, Message: p.Message, Remedy: remedy(p),
		})
	}
	if n := len(found.Problems); n > 0 {
		v.registry.config.Log.Error("the verification has found damage", "problems", n)
	}
}
