package s3tree

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/lumentree"
	"github.com/org/registry-action/internal/store/awsconfig"
)

// The times of a lease. Its age is told by the clock of the service alone: the clocks of writers may differ.
const (
	leaseLife  = 30 * time.Second // after its last renewal it is anybody's
	leaseSpare = 5 * time.Second  // before its end its holder stops to write
	renewEvery = leaseLife / 4
	leaseWait  = leaseLife + 15*time.Second // for another writer
	askEvery   = time.Second
	leaseCall  = 5 * time.Second // a request
	maxLease   = 4 << 10         // bytes
)

// leaseDocument is the lock of a prefix. An object that is there and let go of stays: not every service deletes on a condition.
type leaseDocument struct {
	lumentree.Holder
	Token string `json:"token"` // of the one writer; empty: nobody's
}

// lease is the right to write below a prefix. The service's conditional writes see to it that one writer has it.
type lease struct {
	bucket *Bucket
	doc    leaseDocument
	ctx    context.Context // ends when the lease is lost
	lose   context.CancelCauseFunc
	ended  chan struct{} // the renewal has

	mu   sync.Mutex
	etag string
	good time.Time // until when this process may write
}

// errTaken says that another writer holds the lease.
var errTaken = errors.New("taken")

// Lock makes this the one writer below the prefix until Close. It waits a while for another one; one that was killed holds the lock for
// 30 seconds. Writes fail once the lock is lost.
func (b *Bucket) Lock(ctx context.Context) error {
	if b.cfg.NoLock {
		return nil
	}
	l := &lease{bucket: b, doc: leaseDocument{Holder: lumentree.Self(), Token: rand.Text()}, ended: make(chan struct{})}
	if err := l.await(ctx); err != nil {
		return err
	}
	if err := l.probe(ctx); err != nil {
		return err
	}
	l.ctx, l.lose = context.WithCancelCause(context.WithoutCancel(ctx)) // Close ends it
	go l.renew()
	b.lease = l
	return nil
}

// await takes the lease, or waits until it is free.
func (l *lease) await(ctx context.Context) error {
	wait, cancel := context.WithTimeout(ctx, leaseWait)
	defer cancel()
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	var holder lumentree.Holder
	for {
		found, err := l.take(wait)
		switch {
		case errors.Is(err, errTaken):
			holder = found
		case err == nil || wait.Err() == nil:
			return err
		}
		select {
		case <-tick.C:
		case <-wait.Done():
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return fault.New(fault.Unavailable, "%s holds the lock %s and did not let go of it for %s; wait for it to end and try again, or end it",
				holder, l.bucket.name(lumentree.LockPath), leaseWait).WithCode("locked")
		}
	}
}

// take tries to take the lease; errTaken if another writer has it.
func (l *lease) take(ctx context.Context) (holder lumentree.Holder, err error) {
	there, err := l.read(ctx)
	if err != nil {
		return holder, err
	}
	if there.etag != "" && there.doc.Token != "" && there.doc.Token != l.doc.Token && there.age < leaseLife {
		return there.doc.Holder, errTaken
	}
	return there.doc.Holder, l.put(ctx, l.doc, there.etag)
}

// leaseState is the lease as it is in the bucket.
type leaseState struct {
	doc  leaseDocument
	etag string // empty: there is none
	age  time.Duration
}

func (l *lease) read(ctx context.Context) (s leaseState, err error) {
	ctx, cancel := context.WithTimeout(ctx, leaseCall)
	defer cancel()
	out, err := l.bucket.api.GetObject(ctx, &s3.GetObjectInput{Bucket: &l.bucket.cfg.Bucket, Key: l.bucket.key(lumentree.LockPath)})
	if awsconfig.Status(err) == http.StatusNotFound && awsconfig.Code(err) != "NoSuchBucket" {
		return s, nil
	}
	if err != nil {
		return s, l.bucket.explain(err, lumentree.LockPath)
	}
	text, err := io.ReadAll(io.LimitReader(out.Body, maxLease))
	if err = errors.Join(err, out.Body.Close()); err != nil || out.ETag == nil {
		return s, fault.Wrap(err, fault.Upstream, "the lock %s can't be read", l.bucket.name(lumentree.LockPath))
	}
	_ = json.Unmarshal(text, &s.doc) // what is none is nobody's
	s.etag = *out.ETag
	if served, ok := awsmiddleware.GetServerTime(out.ResultMetadata); ok && out.LastModified != nil {
		s.age = served.Sub(*out.LastModified)
	}
	return s, nil
}

// put writes the lease if it is still what it was: the one with the etag, or, without, none. errTaken if it is not.
func (l *lease) put(ctx context.Context, doc leaseDocument, etag string) error {
	text, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	begin := time.Now()
	ctx, cancel := context.WithTimeout(ctx, leaseCall)
	defer cancel()
	in := &s3.PutObjectInput{
		Bucket: &l.bucket.cfg.Bucket, Key: l.bucket.key(lumentree.LockPath), Body: bytes.NewReader(text), ContentLength: new(int64(len(text))),
		ContentType: new("application/json"), CacheControl: new("no-store"),
	}
	if in.IfMatch = &etag; etag == "" {
		in.IfMatch, in.IfNoneMatch = nil, new("*")
	}
	out, err := l.bucket.api.PutObject(ctx, in)
	switch awsconfig.Status(err) {
	case http.StatusPreconditionFailed, http.StatusConflict, http.StatusNotFound:
		if awsconfig.Code(err) != "NoSuchBucket" {
			return errTaken
		}
	case http.StatusNotImplemented:
		return l.unknown(err)
	}
	if err != nil {
		return l.bucket.explain(err, lumentree.LockPath)
	}
	if out.ETag == nil {
		return l.unknown(nil)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.etag, l.good = *out.ETag, begin.Add(leaseLife-leaseSpare)
	return nil
}

// probe sees whether the service keeps to conditions: some take them and write anyway.
func (l *lease) probe(ctx context.Context) error {
	for _, wrong := range []string{`"00000000000000000000000000000000"`, ""} {
		if err := l.put(ctx, l.doc, wrong); err == nil {
			return l.unknown(nil)
		} else if !errors.Is(err, errTaken) {
			return err
		}
	}
	return nil
}

func (l *lease) unknown(cause error) error {
	return fault.Wrap(cause, fault.Invalid, "the service of the bucket %q does not know conditional writes, so that two writers at the same time would not find each other out; see to it that there is one, and add --no-lock",
		l.bucket.cfg.Bucket).WithCode("no_conditional_writes")
}

// renew keeps the lease until it is lost.
func (l *lease) renew() {
	defer close(l.ended)
	tick := time.NewTicker(renewEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-l.ctx.Done():
			return
		}
		err := l.update(l.ctx, l.doc)
		if l.ctx.Err() != nil {
			return
		}
		if errors.Is(err, errTaken) || err != nil && time.Now().After(l.until()) {
			l.lose(l.lost(err))
			return
		}
	}
}

// update writes the lease that this process holds. One whose writing was answered too late is the own one still.
func (l *lease) update(ctx context.Context, doc leaseDocument) error {
	l.mu.Lock()
	etag := l.etag
	l.mu.Unlock()
	err := l.put(ctx, doc, etag)
	if !errors.Is(err, errTaken) {
		return err
	}
	there, readErr := l.read(ctx)
	if readErr != nil {
		return readErr
	}
	if there.doc.Token != l.doc.Token {
		return err
	}
	return l.put(ctx, doc, there.etag)
}

func (l *lease) until() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.good
}

func (l *lease) lost(cause error) error {
	return fault.Wrap(cause, fault.Unavailable, "the lock %s was lost: another writer took it, or the bucket could not be asked for too long; try again", l.bucket.name(lumentree.LockPath)).WithCode("lock_lost")
}

// check fails once this process may not write any more, also if it slept meanwhile.
func (l *lease) check() error {
	if l.ctx.Err() != nil {
		return context.Cause(l.ctx)
	}
	if time.Now().After(l.until()) {
		err := l.lost(nil)
		l.lose(err)
		return err
	}
	return nil
}

// release lets go of the lease, also after a cancelled command.
func (l *lease) release() error {
	held := l.ctx.Err() == nil
	l.lose(errReleased)
	<-l.ended
	if !held {
		return nil
	}
	if err := l.update(context.WithoutCancel(l.ctx), leaseDocument{}); err != nil && !errors.Is(err, errTaken) {
		return err
	}
	return nil
}

// errReleased ends the renewal of a lease that is not needed any more.
var errReleased = errors.New("the lock was let go of")
