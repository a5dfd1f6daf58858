package scrub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync/atomic"
	"time"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/format/digest"
	"github.com/org/registry-action/internal/store/blob"
	"github.com/org/registry-action/internal/store/lifetime"
	"github.com/org/registry-action/internal/store/turns"
)

const (
	maxRecent  = 16 << 20 // bytes that what is remembered of blobs takes, about
	perFile    = 1 << 10  // of that, for each
	maxKept    = 4 << 20  // bytes of a body that is kept in memory
	maxArchive = 1 << 20  // entries of a tarball, a bound that no published one meets
)

// Blobs reads the blobs of a store, each once.
type Blobs struct {
	store blob.Store
	life  *lifetime.Keeper
	turns *turns.Turns
	files recent[fileKey, file]
	pairs recent[pair, about]

	count, bytes atomic.Int64 // that were read
}

// NewBlobs returns the Blobs of a store, which must be the one that keeps them and no cache in front of it.
func NewBlobs(store blob.Store, life *lifetime.Keeper) *Blobs {
	b := &Blobs{store: store, life: life, turns: turns.New()}
	b.files.max, b.pairs.max = maxRecent, maxRecent
	return b
}

// Want is what rows say of a blob.
type Want struct {
	blob.Key
	Size  int64
	Sums  digest.Sums // zero: nothing but the Key's digest is said
	Until time.Time   // until when it has to be kept
}

// Parse reads an archive and returns what it says of itself, and about how many bytes of memory that takes. A refusal of
// the archive is fault.Invalid or fault.TooLarge; any other error ends the verification.
type Parse func(ctx context.Context, r io.Reader) (says any, weight int64, err error)

// file is what was found of a blob.
type file struct {
	absent     bool
	other      bool // the store itself has found that the bytes are not those of the name
	unreadable error
	size       int64
	sums       digest.Sums
	says       any   // of Parse
	refused    error // of Parse
}

// fileKey is a blob and how it was parsed.
type fileKey struct {
	blob.Key
	format string
}

// Check reads a blob and reports what is wrong with it. says is what parse, which may be nil, made of it; ok is false if there is
// nothing to be said. format names parse: what it said of a blob is remembered.
func (b *Blobs) Check(ctx context.Context, s *Subject, w Want, format string, parse Parse) (says any, ok bool, err error) {
	f, err := b.file(ctx, w.Key, format, parse)
	if err != nil {
		return nil, false, err
	}
	if !f.report(s, w) {
		return nil, false, nil
	}
	if err := b.checkHold(ctx, s, w); err != nil {
		return nil, false, err
	}
	if f.refused != nil {
		s.report(Problem{Code: Archive, Blob: w.Key.String(), Message: said(f.refused)})
	}
	return f.says, f.refused == nil, nil
}

// report tells how a blob differs from what is wanted. good is false if its bytes are not those of its name.
func (f file) report(s *Subject, w Want) (good bool) {
	wrong := func(code Code, expected, got, message string) {
		s.report(Problem{Code: code, Blob: w.Key.String(), Expected: expected, Got: got, Message: message})
	}
	switch {
	case f.absent:
		wrong(Missing, w.Digest.String(), "nothing", "its bytes are not there")
		return false
	case f.other:
		wrong(Bytes, w.Digest.String(), "other bytes", "its bytes are damaged")
		return false
	case f.unreadable != nil:
		wrong(Unreadable, w.Digest.String(), "", "its bytes can't be read: "+f.unreadable.Error())
		return false
	case f.sums.SHA256 != w.Digest:
		wrong(Bytes, fmt.Sprintf("%s (%d bytes)", w.Digest, w.Size), fmt.Sprintf("%s (%d bytes)", f.sums.SHA256, f.size), "its bytes are damaged")
		return false
	}
	if f.size != w.Size {
		wrong(Sums, fmt.Sprintf("%d bytes", f.size), fmt.Sprintf("%d bytes", w.Size), "its row has another size than its bytes")
	}
	if w.Sums != (digest.Sums{}) {
		differences(f.sums, w.Sums, func(what, expected, got string) {
			wrong(Sums, expected, got, "its row has another "+what+" than its bytes")
		})
	}
	return true
}

// differences calls wrong for each hash of a row that is not that of the bytes.
func differences(bytes, row digest.Sums, wrong func(what, expected, got string)) {
	for _, sum := range []struct{ what, expected, got string }{
		{"checksum", bytes.SHA256.String(), row.SHA256.String()},
		{"integrity", bytes.Integrity, row.Integrity},
		{"shasum", bytes.Shasum, row.Shasum},
	} {
		if sum.expected != sum.got {
			wrong(sum.what, sum.expected, sum.got)
		}
	}
}

// checkHold reports bytes that are not kept for as long as they are needed.
func (b *Blobs) checkHold(ctx context.Context, s *Subject, w Want) error {
	until, held, err := b.life.Until(ctx, w.Key)
	if err != nil || held && !until.Before(w.Until) {
		return err
	}
	p := Problem{Code: Hold, Blob: w.Key.String(), Expected: w.Until.UTC().Format(time.RFC3339), Got: until.UTC().Format(time.RFC3339), Message: "its bytes will be removed while they are needed"}
	if !held {
		p.Got, p.Message = "nothing", "no row says that its bytes are needed: backups leave them out"
	}
	s.report(p)
	return nil
}

// file reads a blob, unless that was done.
func (b *Blobs) file(ctx context.Context, key blob.Key, format string, parse Parse) (file, error) {
	name := fileKey{key, format}
	done, err := b.turns.Take(ctx, key.String())
	if err != nil {
		return file{}, err
	}
	defer done()
	if f, ok := b.files.get(name); ok {
		return f, nil
	}
	f, weight, err := b.read(ctx, key, parse)
	if err == nil {
		b.files.put(name, f, perFile+weight)
	}
	return f, err
}

func (b *Blobs) read(ctx context.Context, key blob.Key, parse Parse) (f file, weight int64, err error) {
	in, _, err := b.store.Open(ctx, key)
	if err != nil {
		return damagedBy(err)
	}
	defer func() { _ = in.Close() }() // it is only read
	h := digest.NewHasher()
	src := &source{ctx: ctx, r: in}
	var parsed error
	if parse != nil {
		f.says, weight, parsed = parse(ctx, io.TeeReader(src, h))
	}
	if src.err == nil { // what a refusal left unread
		_, _ = io.Copy(h, src) // its error is in src
	}
	if err := src.err; err != nil {
		return damagedBy(err)
	}
	if parsed != nil {
		if !errors.Is(parsed, fault.Invalid) && !errors.Is(parsed, fault.TooLarge) {
			return file{}, 0, parsed
		}
		f.says, weight, f.refused = nil, 0, parsed
	}
	f.sums, f.size = h.Sums(), h.Size()
	b.count.Add(1)
	b.bytes.Add(f.size)
	return f, weight, nil
}

// damagedBy tells what a store's error says of a blob. One that is not about a file, such as that the bucket is out of
// reach, says nothing of it and ends the verification.
func damagedBy(err error) (file, int64, error) {
	if errors.Is(err, blob.ErrNotFound) {
		return file{absent: true}, 0, nil
	}
	if errors.Is(err, blob.ErrDigest) {
		return file{other: true}, 0, nil
	}
	if broken, ok := errors.AsType[*fs.PathError](err); ok {
		return file{unreadable: broken.Err}, 0, nil
	}
	return file{}, 0, err
}

// source remembers why reading failed, which a parser may not tell, and ends with its context.
type source struct {
	ctx context.Context
	r   io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	if s.err == nil {
		s.err = s.ctx.Err()
	}
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// forget makes everything be read again.
func (b *Blobs) forget() {
	b.files.forget()
	b.pairs.forget()
}
