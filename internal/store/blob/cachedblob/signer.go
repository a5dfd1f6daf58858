package cachedblob

import (
	"context"
	"time"

	"github.com/org/registry-action/internal/store/blob"
)

var _ blob.Signer = (*Store)(nil)

// SignGet is the far store's; blob.ErrUnsigned if it signs nothing.
func (s *Store) SignGet(ctx context.Context, key blob.Key, valid time.Duration, as blob.Answer) (string, error) {
	if signer, ok := s.Store.(blob.Signer); ok {
		return signer.SignGet(ctx, key, valid, as)
	}
	return "", blob.ErrUnsigned
}

// SignPut is the far store's; blob.ErrUnsigned if it signs nothing.
func (s *Store) SignPut(ctx context.Context, key blob.Key, valid time.Duration, size int64) (blob.Request, error) {
	if signer, ok := s.Store.(blob.Signer); ok {
		return signer.SignPut(ctx, key, valid, size)
	}
	return blob.Request{}, blob.ErrUnsigned
}
