package blob

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// ErrUnsigned: the service behind the store does not take or give blobs by URL, or not as the laws of Signer want it.
var ErrUnsigned = errors.New("the store signs no URLs for this")

// Signer is a Store whose service gives and takes blobs by itself, from whoever has a URL that the store signed. Such a
// URL is a secret until its time is over, and a request for it must not bear other credentials.
//
// The laws:
//  1. A signed GET gives its blob and nothing else.
//  2. A signed PUT makes its blob or nothing: the service refuses bytes of another digest or size.
//  3. A URL that was changed, or whose time is over, is refused.
type Signer interface {
	// SignGet signs a GET of a blob, there or not.
	SignGet(ctx context.Context, key Key, valid time.Duration, as Answer) (url string, err error)
	// SignPut signs a PUT of a blob of size bytes; ErrUnsigned if the service does not keep the second law.
	SignPut(ctx context.Context, key Key, valid time.Duration, size int64) (Request, error)
}

// Answer is what the answer to a signed GET says of the bytes.
type Answer struct {
	ContentType string
	Filename    string // for Content-Disposition; empty: none
}

// Request is a request that whoever has it can make.
type Request struct {
	URL    string
	Header http.Header // to be sent as it is, else the request is refused
}

// The times that signed URLs are good for: enough to begin.
const (
	getFor = 5 * time.Minute
	putFor = 15 * time.Minute // with the rest of a publish well below the time that a hold lasts (package lifetime)
)

// Links are the URLs that clients are given. A nil *Links gives none.
type Links struct {
	Signer Signer
	Least  int64 // bytes of a blob that is worth a link; smaller ones go through the server
}

// Get returns a URL of a blob; empty if it has to come through the server.
func (l *Links) Get(ctx context.Context, key Key, size int64, as Answer) (string, error) {
	if l == nil || size < l.Least {
		return "", nil
	}
	url, err := l.Signer.SignGet(ctx, key, getFor, as)
	if errors.Is(err, ErrUnsigned) {
		return "", nil
	}
	return url, err
}

// Put returns a request that brings a blob; nil if it has to come through the server.
func (l *Links) Put(ctx context.Context, key Key, size int64) (*Request, error) {
	if l == nil || size < l.Least {
		return nil, nil
	}
	r, err := l.Signer.SignPut(ctx, key, putFor, size)
	switch {
	case errors.Is(err, ErrUnsigned):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return &r, nil
}
