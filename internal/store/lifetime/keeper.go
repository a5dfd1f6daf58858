package lifetime

import (
	"log/slog"
	"time"

	"github.com/org/registry-action/internal/store/blob"
	"github.com/org/registry-action/internal/store/kv"
)

// Every storage key of lifetimes is made here.
//
//	blob/{space}/{hex}    hold            until when the blob is kept
//	due/{hour}            {task}/{id}     what the sweeper looks at after that hour; a blob's task is "blob"
//	sweep                 hour            the last hour swept

func blobName(b blob.Key) string { return string(b.Space) + "/" + b.Digest.Hex() }

func holdKey(b blob.Key) kv.Key { return kv.Key{Partition: "blob/" + blobName(b), Sort: "hold"} }

func duePartition(t time.Time) string { return "due/" + t.UTC().Format("2006-01-02T15") }

func sweptKey() kv.Key { return kv.Key{Partition: "sweep", Sort: "hour"} }

// Options of a Keeper; all but the Horizon may be left out.
type Options struct {
	Horizon time.Duration // how far back a first sweep looks
	Now     func() time.Time
	Log     *slog.Logger

	Refresher blob.Refresher // of the blobs, where others may remove them by their age; nil: nobody does
}

// Keeper keeps blobs and the sweeper's agenda.
type Keeper struct {
	db    kv.DB
	blobs blob.Store
	opt   Options
}

// New returns a Keeper over its two stores, which stay the caller's.
func New(db kv.DB, blobs blob.Store, opt Options) *Keeper {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	return &Keeper{db: db, blobs: blobs, opt: opt}
}

func (k *Keeper) now() time.Time { return k.opt.Now().UTC().Truncate(time.Millisecond) }
