package s3blob

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/org/registry-action/internal/fault"
	"github.com/org/registry-action/internal/store/blob"
)

const (
	// probeFolder is where probe objects are for a moment. It is no space.
	probeFolder = "probe/"
	probeBytes  = 64
	probeFor    = time.Minute
)

// probed is what is known of the service.
type probed struct {
	mu   sync.Mutex
	done bool
	err  error
}

// probe tries once whether the service takes a signed PUT, and refuses one with other bytes than were signed: servers
// there are that don't know the checksum, and would store whatever a client sends under the key of other bytes.
// An outage is no answer; the next caller asks again.
func (s *Store) probe(ctx context.Context) error {
	s.probed.mu.Lock()
	defer s.probed.mu.Unlock()
	if s.probed.done {
		return s.probed.err
	}
	err := s.tryPut(ctx)
	if err == nil || errors.Is(err, blob.ErrUnsigned) {
		s.probed.done, s.probed.err = true, err
	}
	return err
}

// tryPut sends the wrong bytes, then the right ones.
func (s *Store) tryPut(ctx context.Context) (err error) {
	call, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	right, wrong := make([]byte, probeBytes), make([]byte, probeBytes)
	_, _ = rand.Read(right) // it never fails
	name := new(s.prefix + probeFolder + rand.Text())
	defer func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTimeout)
		defer cancel()
		_, failed := s.api.DeleteObject(end, &s3.DeleteObjectInput{Bucket: &s.bucket, Key: name})
		err = errors.Join(err, outage(ctx, failed))
	}()
	put := func(body []byte) (int, error) {
		r, err := s.signPut(call, name, sum(sha256.Sum256(right)), probeBytes, probeFor)
		if err != nil {
			return 0, err
		}
		return s.send(call, r, body)
	}
	status, err := put(wrong)
	if status == http.StatusNotImplemented && s.unconditional.CompareAndSwap(false, true) {
		status, err = put(wrong)
	}
	if err == nil && status < 400 {
		return fmt.Errorf("a PUT of other bytes than were signed is answered %d: %w", status, blob.ErrUnsigned)
	}
	if err == nil {
		status, err = put(right)
	}
	if err == nil && status >= 300 {
		return fmt.Errorf("a signed PUT is answered %d: %w", status, blob.ErrUnsigned)
	}
	return outage(ctx, err)
}

// send makes a signed request, and returns the status of an answer that is the service's word.
func (s *Store) send(ctx context.Context, r blob.Request, body []byte) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, r.URL, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header = r.Header
	resp, err := s.api.Options().HTTPClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, 4<<10) // the connection may be used again
	if resp.StatusCode >= 500 && resp.StatusCode != http.StatusNotImplemented || resp.StatusCode == http.StatusTooManyRequests {
		return 0, fault.New(fault.Unavailable, "%s answers %d at the moment; send the request again", what, resp.StatusCode).WithCode("store_unavailable")
	}
	return resp.StatusCode, nil
}
