package s3blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/org/registry-action/internal/store/blob"
)

const (
	// skipAhead bytes are read and dropped rather than asked for anew.
	skipAhead = 128 << 10
	// window bytes are asked for at once where ReadAt wants less, for those who read small pieces in order.
	window = 256 << 10
	// resumes is how often a body that broke is taken up again without a byte of progress.
	resumes = 3
)

var _ blob.Blob = (*object)(nil)

// object is an open blob that stays in the bucket. Read and Seek are for one goroutine at a time, ReadAt for any.
type object struct {
	store  *Store
	key    blob.Key
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	size   int64

	body   io.ReadCloser // nil: none is under way
	at     int64         // where body stands
	offset int64         // where the next Read begins

	mu    sync.Mutex
	ahead []byte // what the last small ReadAt brought
	from  int64  // where ahead begins
}

// Read reads on in the answer that is under way, or asks anew.
func (o *object) Read(p []byte) (int, error) {
	if o.ctx.Err() != nil {
		return 0, fs.ErrClosed
	}
	if len(p) == 0 {
		return 0, nil
	}
	if o.offset >= o.size {
		return 0, io.EOF
	}
	p = p[:min(int64(len(p)), o.size-o.offset)]
	var failed error
	for range resumes {
		if err := o.reach(); err != nil {
			return 0, err
		}
		n, err := o.body.Read(p)
		o.at += int64(n)
		o.offset += int64(n)
		if n > 0 {
			if err != nil {
				o.drop()
			}
			return n, nil
		}
		if err != nil {
			failed = err
			o.drop()
		}
	}
	return 0, wrap(o.ctx, "reading", o.key, errors.Join(failed, io.ErrUnexpectedEOF))
}

// reach makes a body stand at the offset.
func (o *object) reach() error {
	if ahead := o.offset - o.at; o.body != nil && (ahead < 0 || ahead > skipAhead) {
		o.drop()
	}
	if o.body != nil {
		n, err := io.CopyN(io.Discard, o.body, o.offset-o.at)
		o.at += n
		if err == nil {
			return nil
		}
		o.drop()
	}
	out, err := o.get(o.ctx, fmt.Sprintf("bytes=%d-", o.offset))
	if err != nil {
		return wrap(o.ctx, "reading", o.key, err)
	}
	o.body, o.at = out.Body, o.offset
	if err := o.checkSize(out.ContentRange); err != nil {
		o.drop()
		return err
	}
	return nil
}

// checkSize refuses a part of something that has another size than what was opened.
func (o *object) checkSize(contentRange *string) error {
	if !strings.HasSuffix(aws.ToString(contentRange), fmt.Sprintf("/%d", o.size)) {
		return fmt.Errorf("reading blob %s: %w", o.key, errChanged)
	}
	return nil
}

func (o *object) drop() {
	if o.body != nil {
		_ = o.body.Close() // it was only read
		o.body = nil
	}
}

// errSeek: a place that no reader can be at.
var errSeek = errors.New("seek before the begin of a blob, or from nowhere")

// Seek sets where the next Read begins; it asks for nothing.
func (o *object) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		offset += o.offset
	case io.SeekEnd:
		offset += o.size
	default:
		return 0, errSeek
	}
	if offset < 0 {
		return 0, errSeek
	}
	o.offset = offset
	return offset, nil
}

// ReadAt asks for the bytes, and if they are few for some that follow them.
func (o *object) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, errSeek
	}
	if off >= o.size {
		return 0, io.EOF
	}
	want := p[:min(int64(len(p)), o.size-off)]
	var err error
	if len(want) >= window {
		err = o.fetch(want, off)
	} else {
		err = o.fromWindow(want, off)
	}
	if err != nil {
		return 0, err
	}
	if len(want) < len(p) {
		return len(want), io.EOF
	}
	return len(want), nil
}

func (o *object) fromWindow(p []byte, off int64) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if off < o.from || off+int64(len(p)) > o.from+int64(len(o.ahead)) {
		ahead := make([]byte, min(window, o.size-off))
		if err := o.fetch(ahead, off); err != nil {
			return err
		}
		o.ahead, o.from = ahead, off
	}
	copy(p, o.ahead[off-o.from:])
	return nil
}

// fetch asks for len(p) bytes, again if the answer breaks.
func (o *object) fetch(p []byte, off int64) error {
	var failed error
	for range resumes {
		out, err := o.get(o.ctx, fmt.Sprintf("bytes=%d-%d", off, off+int64(len(p))-1))
		if err != nil {
			return wrap(o.ctx, "reading", o.key, err)
		}
		err = o.checkSize(out.ContentRange)
		if err == nil {
			_, failed = io.ReadFull(out.Body, p)
		}
		_ = out.Body.Close() // it was only read
		if err != nil || failed == nil {
			return err
		}
	}
	return wrap(o.ctx, "reading", o.key, failed)
}

// Close ends what is under way.
func (o *object) Close() error {
	o.cancel()
	o.drop()
	return nil
}
