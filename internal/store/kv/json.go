package kv

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// ReadJSON reads a row of JSON. found is false if there is none; raw is the
// row's value, for a later condition.
func ReadJSON[T any](ctx context.Context, db DB, k Key) (v T, raw []byte, found bool, err error) {
	row, err := db.Get(ctx, k)
	if errors.Is(err, ErrNotFound) {
		return v, nil, false, nil
	}
	if err != nil {
		return v, nil, false, err
	}
	if err := json.Unmarshal(row.Value, &v); err != nil {
		return v, nil, false, fmt.Errorf("decoding row %s: %w", k, err)
	}
	return v, row.Value, true, nil
}

// JSON makes a row of JSON. v is a plain struct of ours: one that can't be
// encoded is a mistake in the program, and panics.
func JSON(k Key, v any) Row {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return Row{Key: k, Value: b}
}

// Upsert writes r where ReadJSON read: over the same value, or where nothing was.
func Upsert(old []byte, found bool, r Row) Op {
	if found {
		return Swap(old, r)
	}
	return PutNew(r)
}
