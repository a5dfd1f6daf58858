package forks_test

import (
	"context"

	"github.com/org/registry-action/internal/domain/forks"
	"github.com/org/registry-action/internal/forge"
)

// otherIDs is a repository with another id.
type otherIDs struct{ forks.Repository }

func (o otherIDs) Run(ctx context.Context, id int64) (forge.Run, error) {
	r, err := o.Repository.Run(ctx, id)
	r.RepositoryID++
	return r, err
}

func (o otherIDs) HeadOfPull(ctx context.Context, n int) (forge.Head, error) {
	h, err := o.Repository.HeadOfPull(ctx, n)
	h.BaseRepositoryID++
	return h, err
}
