package blob

import (
	"context"
	"time"
)

// RefreshAfter is the age at which a blob that is used again is made young again, if its store is a Refresher.
// Whatever removes blobs by their age must leave them for as long as they may be promised, and this time more.
const RefreshAfter = 30 * 24 * time.Hour

// Refresher is a Store from which others may remove blobs by their age, as lifecycle rules of buckets do.
type Refresher interface {
	// Refresh makes a blob that was stored before a time count as stored now; a younger one is left alone. Of an absent
	// one it answers ErrNotFound.
	Refresh(ctx context.Context, key Key, before time.Time) error
}
