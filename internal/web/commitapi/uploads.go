package commitapi

import (
	"context"
	"io"

	"github.com/org/registry-action/internal/domain/auth"
	"github.com/org/registry-action/internal/domain/commits"
)

// uploads are the tarballs that came with a request, in its order.
type uploads struct {
	api  *API
	who  auth.Principal
	list []*commits.Upload
}

// receive takes in a tarball and returns its index.
func (u *uploads) receive(ctx context.Context, label string, r io.Reader) (int, error) {
	up, err := u.api.Commits.Receive(ctx, u.who, len(u.list), label, r)
	if err != nil {
		return 0, err
	}
	u.list = append(u.list, up)
	return len(u.list) - 1, nil
}

func (u *uploads) close() {
	for _, up := range u.list {
		if err := up.Close(); err != nil {
			u.api.Log.Warn("removing an upload's file", "err", err)
		}
	}
}
